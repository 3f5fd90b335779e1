# `cmake --install`: public headers below include/semwave, the libraries, the program, and semwaveConfig.cmake for find_package(semwave).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/semwave)
install(TARGETS semwave_core semwave_phy semwave_channel semwave_transmitter semwave_receiver semwave_experiment semwave_node semwave_apps EXPORT semwaveTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS semwave RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(CODE "set(SOURCE \"${PROJECT_SOURCE_DIR}\")")
install(SCRIPT cmake/install_headers.cmake)
install(EXPORT semwaveTargets NAMESPACE semwave:: DESTINATION ${package_folder})

configure_package_config_file(cmake/semwaveConfig.cmake.in ${PROJECT_BINARY_DIR}/semwaveConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/semwaveConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/semwaveConfig.cmake ${PROJECT_BINARY_DIR}/semwaveConfigVersion.cmake DESTINATION ${package_folder})
