# What `cmake --install` lays down, and the Debian package.

# The unit, the settings and the manual name these places, so they are fixed.
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
  set(CMAKE_INSTALL_PREFIX /usr CACHE PATH "Where to install" FORCE)
endif()

install(TARGETS sluiced RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(TARGETS sluicectl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES conf/sluice.conf conf/modsecurity.conf DESTINATION /etc/sluice)
install(DIRECTORY rules/ DESTINATION /etc/sluice/rules
  PATTERN "README*" EXCLUDE PATTERN "vectors" EXCLUDE PATTERN "tests" EXCLUDE PATTERN "test" EXCLUDE
  PATTERN "*.vectors" EXCLUDE PATTERN "*.test" EXCLUDE)
file(GLOB pages5 CONFIGURE_DEPENDS man/*.5)
file(GLOB pages8 CONFIGURE_DEPENDS man/*.8)
install(FILES ${pages5} DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${pages8} DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES systemd/sluiced.service DESTINATION /usr/lib/systemd/system)
install(PROGRAMS systemd/before-stop DESTINATION /usr/lib/sluice)
install(FILES systemd/sluice.sysusers DESTINATION /usr/lib/sysusers.d RENAME sluice.conf)
install(FILES packaging/sluice.logrotate DESTINATION /etc/logrotate.d RENAME sluice)
install(FILES LICENSE DESTINATION /usr/share/doc/sluice RENAME copyright)
install(FILES docs/modsecurity.md DESTINATION /usr/share/doc/sluice)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VENDOR sluice)
set(CPACK_PACKAGE_CONTACT "sluice developers <sluice@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION
  "sluiced sits in a bridge between clients and servers, sees every packet of\nthe services it guards and lets it pass, drops it or refuses it.")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR})
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers, libmodsecurity3, systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "logrotate, modsecurity-crs")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_SLUICE_CONFFILES ${CMAKE_BINARY_DIR}/deb/conffiles)
file(WRITE ${CPACK_SLUICE_CONFFILES} "")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CPACK_SLUICE_CONFFILES}
  ${CMAKE_SOURCE_DIR}/packaging/postinst ${CMAKE_SOURCE_DIR}/packaging/prerm ${CMAKE_SOURCE_DIR}/packaging/postrm)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/packaging/stage.cmake)
include(CPack)
