# SPDX-License-Identifier: Apache-2.0
#
# ttfm_add_plugin(NAME OFFERS kind/name... SOURCES file... [LINK target...] [TESTS file...])
#
# A plugin library libttfm_NAME.so with the one exported symbol, and the ELF note that lets the host read its tag and
# what it offers without opening it. OFFERS lists its components ("loss/itvm"); the host refuses a descriptor that says
# something else. TESTS are GoogleTest sources, built together with SOURCES into NAME_test.

function(ttfm_add_plugin name)
  cmake_parse_arguments(arg "" "" "OFFERS;SOURCES;LINK;TESTS" ${ARGN})
  if(NOT arg_OFFERS OR NOT arg_SOURCES)
    message(FATAL_ERROR "ttfm_add_plugin(${name}): OFFERS and SOURCES are needed")
  endif()

  set(plugin_name "${name}")
  set(plugin_offers "")
  foreach(offer IN LISTS arg_OFFERS)
    if(NOT offer MATCHES "^(loss|teacher|student|sampler|dataset)/[a-z][a-z0-9_]*$")
      message(FATAL_ERROR "ttfm_add_plugin(${name}): '${offer}' is not kind/name in snake_case, like loss/itvm")
    endif()
    string(APPEND plugin_offers "  \"offers=${offer}\\n\" \\\n")
  endforeach()
  configure_file("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin_note.c.in" "${CMAKE_CURRENT_BINARY_DIR}/${name}_note.c" @ONLY)

  set(target ttfm_${name})
  add_library(${target} MODULE ${arg_SOURCES} "${CMAKE_CURRENT_BINARY_DIR}/${name}_note.c")
  target_link_libraries(${target} PRIVATE ttfm::sdk ${arg_LINK})
  if(TARGET ttfm_warnings)
    target_link_libraries(${target} PRIVATE ttfm_warnings)
  endif()
  target_link_options(${target} PRIVATE "-Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map"
                                        "-Wl,-z,nodelete")
  if(NOT TTFM_SANITIZE)
    target_link_options(${target} PRIVATE "-Wl,-z,defs")
  endif()
  set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${TTFM_PLUGIN_DIR}"
                                             LINK_DEPENDS "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map")
  # the host refuses plugins that others may write, which a umask of 002 would make of them
  add_custom_command(TARGET ${target} POST_BUILD COMMAND chmod go-w $<TARGET_FILE_DIR:${target}> $<TARGET_FILE:${target}>
                     VERBATIM)

  if(arg_TESTS AND TTFM_TESTS)
    set(sources ${arg_SOURCES})
    list(FILTER sources EXCLUDE REGEX "plugin\\.cpp$")
    ttfm_add_test(${name}_test SOURCES ${arg_TESTS} ${sources} LINK ttfm_test_support ${arg_LINK})
  endif()
endfunction()
