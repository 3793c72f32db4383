# SPDX-License-Identifier: Apache-2.0
#
# ttfm_add_program(NAME EXPORT name SOURCES file... [LINK target...])
#
# The program bin/NAME: a launcher that finds LibTorch (framework/launcher), and the shared library NAME.so beside the
# plugins' folder, which is the program and has
#
#     extern "C" TTFM_API int ttfm_main(int argc, char** argv);
#
# Targets: NAME_program, the launcher, which is what to run and to depend on (in the installed package ttfm::EXPORT), and
# NAME_module.

file(RELATIVE_PATH TTFM_BIN_TO_LIBRARIES "/prefix/${CMAKE_INSTALL_BINDIR}" "/prefix/${CMAKE_INSTALL_LIBDIR}/ttfm")

function(ttfm_add_program name)
  cmake_parse_arguments(arg "" "EXPORT" "SOURCES;LINK" ${ARGN})
  string(REPLACE "-" "_" target "${name}")

  add_library(${target}_module MODULE ${arg_SOURCES})
  target_link_libraries(${target}_module PRIVATE ttfm_warnings ${arg_LINK})
  set_target_properties(${target}_module PROPERTIES PREFIX "" OUTPUT_NAME "${name}"
                                                    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib/ttfm"
                                                    INSTALL_RPATH "$ORIGIN/..")

  add_executable(${target}_program "${PROJECT_SOURCE_DIR}/framework/launcher/launcher.cpp")
  target_compile_definitions(${target}_program PRIVATE TTFM_LIBRARIES="${TTFM_BIN_TO_LIBRARIES}"
                                                       TTFM_MODULE="${name}.so"
                                                       TTFM_TORCH_VERSION="${TTFM_TORCH_TAG}")
  target_include_directories(${target}_program PRIVATE "${PROJECT_SOURCE_DIR}/framework")
  target_link_libraries(${target}_program PRIVATE ttfm_warnings ${CMAKE_DL_LIBS})
  set_target_properties(${target}_program PROPERTIES OUTPUT_NAME "${name}" EXPORT_NAME "${arg_EXPORT}"
                                                     INSTALL_RPATH "")
  add_executable(ttfm::${arg_EXPORT} ALIAS ${target}_program)
  add_dependencies(${target}_program ${target}_module)

  install(TARGETS ${target}_module LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/ttfm")
  install(TARGETS ${target}_program EXPORT ttfm RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()
