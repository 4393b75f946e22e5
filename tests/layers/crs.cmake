# The two programs that tests/crs/compare and bench compare; ModSecurity's only where Debian's libmodsecurity-dev is.
set(crs_common crs/main.c crs/transactions.c crs/message.c)
pkg_check_modules(modsecurity QUIET IMPORTED_TARGET modsecurity)
if(modsecurity_FOUND)
  add_executable(crs_oracle ${crs_common} crs/crs_oracle.c)
  target_link_libraries(crs_oracle PRIVATE sluice_base PkgConfig::modsecurity PkgConfig::yajl PkgConfig::nettle)
endif()
add_executable(crs_replay ${crs_common} crs/crs_replay.c)
target_link_libraries(crs_replay PRIVATE sluice_seclang sluice_app sluice_base PkgConfig::yajl PkgConfig::nettle)
