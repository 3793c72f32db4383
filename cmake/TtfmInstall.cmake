# SPDX-License-Identifier: Apache-2.0
# The installed tree and its archives. Nothing in it refers to the build tree, and it can be moved: programs find their
# libraries, and libraries their plugins, by paths relative to themselves.
#
#   component libtorch   a copy of the part of LibTorch that a CPU needs, with its headers; only installed when asked for
#
# `cpack -G TGZ` or `-G DEB` in the build folder, or ./dev package.
include(CMakePackageConfigHelpers)

set(ttfm_package "${CMAKE_INSTALL_LIBDIR}/cmake/ttfm")
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)  # plugins that others may write are refused

install(TARGETS ttfm ttfm_sdk ttfm_kernels ttfm_nn ttfm_io EXPORT ttfm
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY framework/include/ttfm DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")

install(EXPORT ttfm FILE ttfm-targets.cmake NAMESPACE ttfm:: DESTINATION "${ttfm_package}")
configure_package_config_file(cmake/ttfm-config.cmake.in "${PROJECT_BINARY_DIR}/package/ttfm-config.cmake"
                              INSTALL_DESTINATION "${ttfm_package}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/package/ttfm-config-version.cmake"
                                 COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/package/ttfm-config.cmake" "${PROJECT_BINARY_DIR}/package/ttfm-config-version.cmake"
              cmake/TtfmPlugin.cmake cmake/TtfmPluginTest.cmake cmake/TtfmTorch.cmake cmake/plugin.map cmake/plugin_note.cpp.in
        DESTINATION "${ttfm_package}")

# Where the launcher looks for LibTorch, in the build tree and in an installed one.
file(WRITE "${PROJECT_BINARY_DIR}/lib/ttfm/libtorch.path" "${TTFM_TORCH_ROOT}\n")
install(FILES "${PROJECT_BINARY_DIR}/lib/ttfm/libtorch.path" DESTINATION "${CMAKE_INSTALL_LIBDIR}/ttfm")

install(DIRECTORY configs DESTINATION "${CMAKE_INSTALL_DATADIR}/ttfm")
install(FILES README.md LICENSE CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs" FILES_MATCHING PATTERN "*.md" PATTERN "*.png")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/build/docs/html" DESTINATION "${CMAKE_INSTALL_DOCDIR}" OPTIONAL)

# A copy of what libtorch_cpu.so needs on a CPU, in the layout of the wheel, by whose paths it finds the rest.
set(ttfm_bundle "${CMAKE_INSTALL_LIBDIR}/ttfm/libtorch")
install(DIRECTORY "${TTFM_TORCH_DIR}/include" DESTINATION "${ttfm_bundle}/torch" COMPONENT libtorch EXCLUDE_FROM_ALL)
install(FILES "${TTFM_TORCH_DIR}/lib/libtorch_cpu.so" "${TTFM_TORCH_DIR}/lib/libc10.so"
              "${TTFM_TORCH_DIR}/lib/libgomp.so.1"
        DESTINATION "${ttfm_bundle}/torch/lib" COMPONENT libtorch EXCLUDE_FROM_ALL)
file(GLOB ttfm_cuda_runtime "${TTFM_TORCH_DIR}/../nvidia/cu13/lib/libcudart.so.13"
                            "${TTFM_TORCH_DIR}/../nvidia/cu13/lib/libcupti.so.13")
install(FILES ${ttfm_cuda_runtime} DESTINATION "${ttfm_bundle}/nvidia/cu13/lib" COMPONENT libtorch EXCLUDE_FROM_ALL)
file(GLOB ttfm_licences "${TTFM_TORCH_DIR}/../torch-*.dist-info/licenses"
                        "${TTFM_TORCH_DIR}/../nvidia_cuda_*.dist-info/licenses")
foreach(licences IN LISTS ttfm_licences)
  get_filename_component(package "${licences}" DIRECTORY)
  get_filename_component(package "${package}" NAME)
  install(DIRECTORY "${licences}/" DESTINATION "${ttfm_bundle}/licenses/${package}" COMPONENT libtorch EXCLUDE_FROM_ALL)
endforeach()

set(CPACK_PACKAGE_NAME ttfm)
set(CPACK_PACKAGE_VENDOR "The ttfm authors")
set(CPACK_PACKAGE_CONTACT "The ttfm authors <ttfm@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR TGZ)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
# by hand: the tool that finds them fails at LibTorch, which no package has; ./dev check sdk holds the list to the files
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libc6 (>= 2.36), libstdc++6 (>= 12), libfmt9, libgomp1, libjpeg62-turbo, libpng16-16, \
libspdlog1.10, libssl3, libtomlplusplus3, zlib1g")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "g++, cmake, libgtest-dev")
include(CPack)
