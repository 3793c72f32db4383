# SPDX-License-Identifier: Apache-2.0
#
# ttfm_add_plugin(NAME OFFERS kind/name... SOURCES file... [LINK target...] [TESTS file...] [CONFORMANCE file])
#
# The plugin library libttfm_NAME.so, of target ttfm_NAME: with the one exported symbol, and the ELF note that lets the
# host read its tag and what it offers without opening it. OFFERS lists its components ("loss/itvm"); the host refuses a
# descriptor that says something else. LINK names further targets: ttfm::nn for networks, ttfm::io for safetensors.
# TESTS are GoogleTest sources, built together with SOURCES (without plugin.cpp) into NAME_test, which links
# ttfm::conformance.
#
# `cmake --install` puts the library where a ttfm in the same prefix finds it. Where tests are built, ctest has
#
#   NAME.check                   `ttfm plugin check` takes the library
#   NAME.conformance.KIND.NAME   each component keeps the contract of its kind (ttfm-conformance); CONFORMANCE is a TOML
#                                file with parameters for those that need some
#   NAME_test                    TESTS, if there are any
#
#   TTFM_PLUGIN_DIR          where the libraries are built: a folder for --plugin-path; default <build>/plugins
#   TTFM_PLUGIN_INSTALL_DIR  where they are installed; default lib/ttfm/plugins/1 (1: the plugin ABI's major number);
#                            empty: not at all

include(GNUInstallDirs)
set(TTFM_PLUGIN_INSTALL_DIR "${CMAKE_INSTALL_LIBDIR}/ttfm/plugins/1" CACHE STRING "Where ttfm's plugins are installed")

function(ttfm_add_plugin name)
  cmake_parse_arguments(arg "" "CONFORMANCE" "OFFERS;SOURCES;LINK;TESTS" ${ARGN})
  if(NOT arg_OFFERS OR NOT arg_SOURCES)
    message(FATAL_ERROR "ttfm_add_plugin(${name}): OFFERS and SOURCES are needed")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "ttfm_add_plugin(${name}): what is '${arg_UNPARSED_ARGUMENTS}'? "
                        "Known: OFFERS, SOURCES, LINK, TESTS, CONFORMANCE")
  endif()
  if(NOT TTFM_PLUGIN_DIR)
    set(TTFM_PLUGIN_DIR "${CMAKE_BINARY_DIR}/plugins")
  endif()

  set(plugin_name "${name}")
  set(plugin_offers "")
  foreach(offer IN LISTS arg_OFFERS)
    if(NOT offer MATCHES "^(loss|teacher|student|sampler|dataset)/[a-z][a-z0-9_]*$")
      message(FATAL_ERROR "ttfm_add_plugin(${name}): '${offer}' is not kind/name in snake_case, like loss/itvm")
    endif()
    string(APPEND plugin_offers "  \"offers=${offer}\\n\" \\\n")
  endforeach()
  configure_file("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin_note.cpp.in" "${CMAKE_CURRENT_BINARY_DIR}/${name}_note.cpp"
                 @ONLY)

  set(target ttfm_${name})
  set(map "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map")
  add_library(${target} MODULE ${arg_SOURCES} "${CMAKE_CURRENT_BINARY_DIR}/${name}_note.cpp")
  target_link_libraries(${target} PRIVATE ttfm::sdk ${arg_LINK} $<TARGET_NAME_IF_EXISTS:ttfm_warnings>)
  target_link_options(${target} PRIVATE "-Wl,--version-script=${map}" "-Wl,-z,nodelete")
  if(NOT TTFM_SANITIZE)
    target_link_options(${target} PRIVATE "-Wl,-z,defs")
  endif()
  set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${TTFM_PLUGIN_DIR}" LINK_DEPENDS "${map}"
                                             CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
                                             INSTALL_RPATH "")
  # the host refuses plugins that others may write, which a umask of 002 would make of them
  add_custom_command(TARGET ${target} POST_BUILD COMMAND chmod go-w $<TARGET_FILE_DIR:${target}> $<TARGET_FILE:${target}>
                     VERBATIM)
  if(TTFM_PLUGIN_INSTALL_DIR)
    if(NOT CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS)  # ... and of their folder
      set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                      WORLD_READ WORLD_EXECUTE PARENT_SCOPE)
    endif()
    install(TARGETS ${target} LIBRARY DESTINATION "${TTFM_PLUGIN_INSTALL_DIR}")
    if(TARGET ttfm_plugins)
      add_dependencies(ttfm_plugins ${target})
    endif()
  endif()

  if(NOT COMMAND ttfm_add_test)  # tests are not wanted
    return()
  endif()
  if(TTFM_PLUGIN_INSTALL_DIR)
    set(tests ${name}.check)
    add_test(NAME ${name}.check COMMAND $<TARGET_FILE:ttfm::program> plugin check $<TARGET_FILE:${target}>)
    foreach(offer IN LISTS arg_OFFERS)
      string(REGEX MATCH "^(.*)/(.*)$" matched "${offer}")
      set(test ${name}.conformance.${CMAKE_MATCH_1}.${CMAKE_MATCH_2})
      add_test(NAME ${test} COMMAND $<TARGET_FILE:ttfm::conformance_program> --plugin $<TARGET_FILE:${target}>
                                    --kind ${CMAKE_MATCH_1} --name ${CMAKE_MATCH_2} --gtest_brief=1
                                    "$<$<BOOL:${arg_CONFORMANCE}>:--config=${arg_CONFORMANCE}>"
               COMMAND_EXPAND_LISTS)
      list(APPEND tests ${test})
    endforeach()
    set_tests_properties(${tests} PROPERTIES ENVIRONMENT "TTFM_TORCH_ROOT=${TTFM_TORCH_ROOT};OMP_NUM_THREADS=1")
  endif()
  if(arg_TESTS)
    set(sources ${arg_SOURCES})
    list(FILTER sources EXCLUDE REGEX "plugin\\.cpp$")
    ttfm_add_test(${name}_test SOURCES ${arg_TESTS} ${sources} LINK ${arg_LINK})
  endif()
endfunction()
