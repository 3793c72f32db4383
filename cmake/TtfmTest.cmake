# SPDX-License-Identifier: Apache-2.0
#
# ttfm_add_test(NAME SOURCES file... [LINK target...] [LABEL label] [TIMEOUT seconds])
#
# A GoogleTest program and its tests, each a ctest of its own.

include(GoogleTest)

function(ttfm_add_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE GTest::gtest_main ttfm_warnings ${arg_LINK})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  set(properties TIMEOUT ${arg_TIMEOUT})
  if(arg_LABEL)
    list(APPEND properties LABELS ${arg_LABEL})
  endif()
  # one ctest for each program: a start costs more than most tests
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES ${properties} ENVIRONMENT "OMP_NUM_THREADS=1;TORCH_DISABLE_ADDR2LINE=1")
endfunction()
