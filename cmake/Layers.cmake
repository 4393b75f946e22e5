# One static library a folder of daemon/. A layer may use only the layers named
# here; tests link their own layer and those below whole, so that an upward
# call does not link.
function(sluice_layer name)
  cmake_parse_arguments(L "" "" "USES;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
  add_library(sluice_${name} STATIC ${sources})
  target_include_directories(sluice_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  list(TRANSFORM L_USES PREPEND sluice_)
  target_link_libraries(sluice_${name} PUBLIC ${L_USES} ${L_LIBS})
  set_property(GLOBAL PROPERTY sluice_below_${name} ${L_USES})
endfunction()

# A Check program tests/unit/check_NAME.c that may use LAYER and all below it.
function(sluice_unit_test name layer)
  add_executable(check_${name} unit/check_${name}.c)
  get_property(below GLOBAL PROPERTY sluice_below_${layer})
  set(whole sluice_${layer} ${below})
  list(JOIN whole "," joined)
  target_link_libraries(check_${name} PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${joined}>" PkgConfig::check)
  # A library that another one names as well would otherwise be linked in two ways, which CMake refuses.
  set_property(TARGET check_${name} PROPERTY LINK_LIBRARY_OVERRIDE "WHOLE_ARCHIVE,${joined}")
  target_compile_definitions(check_${name} PRIVATE TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}" SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_compile_options(check_${name} PRIVATE -Wno-conversion -Wno-missing-prototypes)
  add_test(NAME unit.${name} COMMAND check_${name})
endfunction()

# A fuzz target tests/fuzz/fuzz_NAME.c. With clang and SLUICE_FUZZ it is a
# libFuzzer program; always, its corpus replays as a test through replay.c.
function(sluice_fuzz_target name layer)
  get_property(below GLOBAL PROPERTY sluice_below_${layer})
  if(SLUICE_FUZZ)
    add_executable(fuzz_${name} fuzz/fuzz_${name}.c)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(fuzz_${name} PRIVATE sluice_${layer} ${below})
  endif()
  add_executable(replay_${name} fuzz/fuzz_${name}.c fuzz/replay.c)
  target_link_libraries(replay_${name} PRIVATE sluice_${layer} ${below})
  add_test(NAME fuzz.${name} COMMAND replay_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
endfunction()
