# SPDX-License-Identifier: Apache-2.0
#
# For projects of plugins, where BUILD_TESTING is on:
#
# ttfm_add_test(NAME SOURCES file... [LINK target...])
#
# A GoogleTest program that links ttfm::conformance, and a ctest that runs all of it.

function(ttfm_add_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ttfm::sdk ttfm::conformance GTest::gtest_main ${arg_LINK})
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "OMP_NUM_THREADS=1;TORCH_DISABLE_ADDR2LINE=1")
endfunction()
