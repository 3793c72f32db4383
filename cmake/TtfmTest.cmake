# SPDX-License-Identifier: Apache-2.0
#
# ttfm_add_test(NAME SOURCES file... [LINK target...] [LABEL label] [TIMEOUT seconds])
#
# A GoogleTest program that links ttfm::conformance and sees the headers of framework/ and tests/, and a ctest that runs
# all of it. Test programs are not part of `all`: the target ttfm_tests builds them, so that a run does not wait for its
# tests.
#
# ttfm_add_benchmark(NAME SOURCES file... [LINK target...])
#
# A program of ./dev bench, in bin's neighbour bench/; the target ttfm_benchmarks builds them all.

add_custom_target(ttfm_tests)
add_custom_target(ttfm_benchmarks)

function(ttfm_add_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  add_executable(${name} EXCLUDE_FROM_ALL ${arg_SOURCES})
  add_dependencies(ttfm_tests ${name})
  target_link_libraries(${name} PRIVATE GTest::gtest_main ttfm_conformance ttfm_warnings ${arg_LINK})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/framework")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  set(properties TIMEOUT ${arg_TIMEOUT})
  if(arg_LABEL)
    list(APPEND properties LABELS ${arg_LABEL})
  endif()
  # one ctest for each program: a start costs more than most tests
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES ${properties} ENVIRONMENT "OMP_NUM_THREADS=1;TORCH_DISABLE_ADDR2LINE=1")
endfunction()

function(ttfm_add_benchmark name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ttfm_warnings ${arg_LINK})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
  add_dependencies(ttfm_benchmarks ${name})
endfunction()
