# The two programs that tests/crs/compare and bench compare; ModSecurity's only where Debian's libmodsecurity-dev is.
set(crs_common crs/main.c crs/transactions.c crs/message.c)
pkg_check_modules(modsecurity QUIET IMPORTED_TARGET modsecurity)
if(modsecurity_FOUND)
  add_executable(crs_oracle ${crs_common} crs/crs_oracle.c)
  target_link_libraries(crs_oracle PRIVATE sluice_base PkgConfig::modsecurity PkgConfig::yajl PkgConfig::nettle)
endif()
add_executable(crs_replay ${crs_common} crs/crs_replay.c)
target_link_libraries(crs_replay PRIVATE sluice_seclang sluice_app sluice_base PkgConfig::yajl PkgConfig::nettle)

# With the rules of Debian's package, and where they are with the Core Rule Set's own tests.
if(modsecurity_FOUND)
  add_test(NAME crs.debian COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/crs/check
    $<TARGET_FILE:crs_oracle> $<TARGET_FILE:crs_replay>)
  set_tests_properties(crs.debian PROPERTIES LABELS crs TIMEOUT 600)
endif()
cmake_path(SET sluice_crs NORMALIZE "${CMAKE_SOURCE_DIR}/../shared/crs")
if(DEFINED ENV{SLUICE_CRS})
  set(sluice_crs "$ENV{SLUICE_CRS}")
endif()
if(modsecurity_FOUND AND EXISTS ${sluice_crs}/tests.jsonl)
  add_test(NAME crs.tests COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/crs/check
    $<TARGET_FILE:crs_oracle> $<TARGET_FILE:crs_replay> --crs ${sluice_crs})
  set_tests_properties(crs.tests PROPERTIES LABELS crs TIMEOUT 900)
else()
  message(STATUS "crs.tests is left out: no Core Rule Set with its tests in ${sluice_crs} (SLUICE_CRS names another)")
endif()
