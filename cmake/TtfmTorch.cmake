# SPDX-License-Identifier: Apache-2.0
# The imported target ttfm::torch: libtorch_cpu.so and libc10.so of a PyPI wheel, with their headers. Used by this
# project and, installed beside it, by its CMake package.
#
# LibTorch's own CMake package is not used: on a wheel with CUDA it wants a CUDA toolkit at configure time, and it links
# libtorch.so, which needs every CUDA library at start-up. libtorch_cuda.so is opened at run time when a run asks for it.
#
#   TTFM_TORCH_ROOT     a folder that holds torch/ (or is that folder), as a variable of CMake or of the environment
#   TTFM_TORCH_DEFAULT  the same, of less weight; where ./dev puts LibTorch if it is not set
#
# Sets TTFM_TORCH_DIR, TTFM_TORCH_TAG (major.minor) and, where LibTorch is not found, TTFM_TORCH_PROBLEM to a sentence.

set(TTFM_TORCH_VERSION "2.15.0")
string(REGEX REPLACE "\\.[0-9]+$" "" TTFM_TORCH_TAG "${TTFM_TORCH_VERSION}")
set(TTFM_TORCH_PROBLEM "")

if(NOT TTFM_TORCH_ROOT AND DEFINED ENV{TTFM_TORCH_ROOT})
  set(TTFM_TORCH_ROOT "$ENV{TTFM_TORCH_ROOT}")
endif()
if(NOT TTFM_TORCH_ROOT)
  set(TTFM_TORCH_ROOT "${TTFM_TORCH_DEFAULT}")
endif()
if(NOT TTFM_TORCH_ROOT AND DEFINED ENV{XDG_CACHE_HOME})
  set(TTFM_TORCH_ROOT "$ENV{XDG_CACHE_HOME}/ttfm/libtorch-${TTFM_TORCH_VERSION}")
elseif(NOT TTFM_TORCH_ROOT)
  set(TTFM_TORCH_ROOT "$ENV{HOME}/.cache/ttfm/libtorch-${TTFM_TORCH_VERSION}")
endif()

set(TTFM_TORCH_DIR "")
foreach(folder "${TTFM_TORCH_ROOT}/torch" "${TTFM_TORCH_ROOT}")
  if(NOT TTFM_TORCH_DIR AND EXISTS "${folder}/lib/libtorch_cpu.so")
    set(TTFM_TORCH_DIR "${folder}")
  endif()
endforeach()

if(NOT TTFM_TORCH_DIR)
  set(TTFM_TORCH_PROBLEM "LibTorch ${TTFM_TORCH_VERSION} is not in '${TTFM_TORCH_ROOT}': set TTFM_TORCH_ROOT to the \
folder that holds its torch/lib/libtorch_cpu.so")
else()
  set(ttfm_version_header "${TTFM_TORCH_DIR}/include/torch/headeronly/version.h")
  set(ttfm_torch_lines "")
  if(EXISTS "${ttfm_version_header}")
    file(STRINGS "${ttfm_version_header}" ttfm_torch_lines REGEX "define TORCH_VERSION_M")
  endif()
  if(NOT ttfm_torch_lines MATCHES "MAJOR ([0-9]+).*MINOR ([0-9]+)")
    set(TTFM_TORCH_PROBLEM "'${TTFM_TORCH_DIR}' has no headers of LibTorch ${TTFM_TORCH_TAG}: set TTFM_TORCH_ROOT to \
the folder with the torch/ of its wheel")
  elseif(NOT "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}" STREQUAL TTFM_TORCH_TAG)
    set(TTFM_TORCH_PROBLEM "'${TTFM_TORCH_DIR}' is LibTorch ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}, and ttfm needs \
${TTFM_TORCH_TAG}: set TTFM_TORCH_ROOT to the folder that holds that one's torch/")
  endif()
endif()

if(NOT TTFM_TORCH_PROBLEM)  # a place that did not do is not remembered
  set(TTFM_TORCH_ROOT "${TTFM_TORCH_ROOT}" CACHE PATH "The folder that holds LibTorch's torch/")
endif()
if(NOT TTFM_TORCH_PROBLEM AND NOT TARGET ttfm::torch)
  foreach(lib c10 torch_cpu)
    add_library(ttfm::lib${lib} SHARED IMPORTED GLOBAL)
    set_target_properties(ttfm::lib${lib} PROPERTIES IMPORTED_LOCATION "${TTFM_TORCH_DIR}/lib/lib${lib}.so"
                                                        IMPORTED_SONAME "lib${lib}.so")
  endforeach()
  add_library(ttfm::torch INTERFACE IMPORTED GLOBAL)
  target_include_directories(ttfm::torch SYSTEM INTERFACE "${TTFM_TORCH_DIR}/include"
                                                          "${TTFM_TORCH_DIR}/include/torch/csrc/api/include")
  target_compile_definitions(ttfm::torch INTERFACE AT_PER_OPERATOR_HEADERS USE_DISTRIBUTED USE_C10D_GLOO)
  target_link_libraries(ttfm::torch INTERFACE ttfm::libtorch_cpu ttfm::libc10)
endif()
