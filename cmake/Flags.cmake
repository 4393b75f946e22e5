# Warnings, hardening and sanitizers, the same for every target.
include(CheckCCompilerFlag)

add_compile_definitions(_GNU_SOURCE SLUICE_VERSION="${PROJECT_VERSION}")
add_compile_options(
  -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -Wimplicit-fallthrough -Wpointer-arith -Wwrite-strings
  -fno-strict-aliasing -fno-common
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(SLUICE_WERROR)
  add_compile_options(-Werror)
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
if(SLUICE_SANITIZE OR SLUICE_FUZZ)
  if(SLUICE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
  if(SLUICE_SANITIZE)
    add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g
      -Wno-conversion) # gcc warns falsely of what its sanitizers put in
    add_link_options(-fsanitize=${SLUICE_SANITIZE})
  endif()
else()
  add_compile_options(-U_FORTIFY_SOURCE $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag(${flag} ${have})
    if(${have})
      add_compile_options(${flag})
    endif()
  endforeach()
endif()
