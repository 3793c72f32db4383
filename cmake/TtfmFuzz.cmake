# SPDX-License-Identifier: Apache-2.0
#
# ttfm_add_fuzz_target(NAME SOURCES file... [LINK target...])
#
# A program around an LLVMFuzzerTestOneInput, with the parsers of ttfm_fuzzed. Under the preset `fuzz` it is libFuzzer's,
# in fuzz/NAME of the build folder, and the target ttfm_fuzz_targets builds them all. Otherwise it is the ctest
# fuzz_NAME, which gives it every file of tests/fuzz/corpus/NAME.

add_custom_target(ttfm_fuzz_targets)

function(ttfm_add_fuzz_target name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  set(target fuzz_${name})
  add_executable(${target} EXCLUDE_FROM_ALL ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE ttfm_fuzzed ttfm_warnings ${arg_LINK})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/framework")
  if(TTFM_FUZZ)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
    add_dependencies(ttfm_fuzz_targets ${target})
    return()
  endif()
  target_link_libraries(${target} PRIVATE ttfm_fuzz_replay)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  add_dependencies(ttfm_tests ${target})
  add_test(NAME ${target} COMMAND ${target} "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
  set_tests_properties(${target} PROPERTIES TIMEOUT 60 ENVIRONMENT "OMP_NUM_THREADS=1;TORCH_DISABLE_ADDR2LINE=1")
endfunction()
