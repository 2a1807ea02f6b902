# What `cmake --install` adds to the programs: the header, the package that find_package(verissim) reads, the licence;
# and CPack's Debian package (`cpack -G DEB` in the build folder).
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/verissim)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/verissimConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/verissimConfig.cmake INSTALL_DESTINATION ${package_folder})
# Before 1.0 a new minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/verissimConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/verissimConfig.cmake ${PROJECT_BINARY_DIR}/verissimConfigVersion.cmake
        DESTINATION ${package_folder})
install(EXPORT verissimTargets NAMESPACE verissim:: DESTINATION ${package_folder})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/verissim DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${PROJECT_SOURCE_DIR}/CITATION.cff
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME verissim)
set(CPACK_PACKAGE_VENDOR "The Verissim developers")
set(CPACK_PACKAGE_CONTACT "The Verissim developers <maintainers@users.noreply.r-seed-53a252be.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
# Dependencies are those of the libraries that the programs were linked with.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

# Two packages: all but training, which needs nothing but small libraries, and the module that holds LibTorch. The
# latter only where LibTorch is itself a package of the system: others could not be depended on.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL verissim)
set(CPACK_DEBIAN_VERISSIM_PACKAGE_NAME verissim)
set(CPACK_COMPONENT_VERISSIM_DESCRIPTION
    "Answers for all images whose SSIM to a reference is at least a threshold whether a network gives them the right
class: by a proof with outward rounding, or by an image that was checked exactly. With verissim-check, which checks
proofs, and the C++ library. Training and repair need verissim-training.")
set(CPACK_DEBIAN_VERISSIM_PACKAGE_SUGGESTS verissim-training)
if(TARGET verissim_torch AND LibTorch_torch_cpu_LIBRARY MATCHES "^/(usr/)?lib/")
  list(APPEND CPACK_COMPONENTS_ALL training)
  set(CPACK_DEBIAN_TRAINING_PACKAGE_NAME verissim-training)
  set(CPACK_COMPONENT_TRAINING_DESCRIPTION "Training and repair for verissim, by LibTorch.")
  set(CPACK_DEBIAN_TRAINING_PACKAGE_DEPENDS "verissim (= ${PROJECT_VERSION})")
endif()
include(CPack)
