# SPDX-License-Identifier: Apache-2.0
# Imported targets for the LibTorch of a PyPI wheel: ttfm::torch (libtorch_cpu.so and libc10.so).
#
# LibTorch's own CMake package is not used: on a wheel with CUDA it wants a CUDA toolkit at configure time, and it links
# libtorch.so, which needs every CUDA library at start-up. libtorch_cuda.so is opened at run time when a run asks for it.
#
#   TTFM_TORCH_ROOT  a folder that holds torch/ (or is that folder); default: where ./dev puts it

set(TTFM_TORCH_VERSION "2.15.0")
if(NOT TTFM_TORCH_ROOT)
  if(DEFINED ENV{TTFM_TORCH_ROOT})
    set(TTFM_TORCH_ROOT "$ENV{TTFM_TORCH_ROOT}")
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(TTFM_TORCH_ROOT "$ENV{XDG_CACHE_HOME}/ttfm/libtorch-${TTFM_TORCH_VERSION}")
  else()
    set(TTFM_TORCH_ROOT "$ENV{HOME}/.cache/ttfm/libtorch-${TTFM_TORCH_VERSION}")
  endif()
endif()
set(TTFM_TORCH_ROOT "${TTFM_TORCH_ROOT}" CACHE PATH "The folder that holds LibTorch's torch/")

find_path(TTFM_TORCH_DIR lib/libtorch_cpu.so PATHS "${TTFM_TORCH_ROOT}/torch" "${TTFM_TORCH_ROOT}" NO_DEFAULT_PATH)
if(NOT TTFM_TORCH_DIR)
  message(FATAL_ERROR "LibTorch ${TTFM_TORCH_VERSION} is not in '${TTFM_TORCH_ROOT}'.\n"
                      "Run './dev setup' to fetch it, or set TTFM_TORCH_ROOT to a folder that holds torch/lib/libtorch_cpu.so.")
endif()

file(STRINGS "${TTFM_TORCH_DIR}/include/torch/headeronly/version.h" ttfm_torch_lines REGEX "define TORCH_VERSION_M")
string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" TTFM_TORCH_TAG "${ttfm_torch_lines}")
if(NOT TTFM_TORCH_VERSION MATCHES "^${TTFM_TORCH_TAG}\\.")
  message(FATAL_ERROR "'${TTFM_TORCH_DIR}' is LibTorch ${TTFM_TORCH_TAG}; ttfm needs ${TTFM_TORCH_VERSION}.")
endif()

foreach(lib c10 torch_cpu)
  add_library(ttfm_${lib} SHARED IMPORTED)
  set_target_properties(ttfm_${lib} PROPERTIES IMPORTED_LOCATION "${TTFM_TORCH_DIR}/lib/lib${lib}.so"
                                               IMPORTED_SONAME "lib${lib}.so")
endforeach()

add_library(ttfm_torch INTERFACE)
add_library(ttfm::torch ALIAS ttfm_torch)
target_include_directories(ttfm_torch SYSTEM INTERFACE "${TTFM_TORCH_DIR}/include"
                                                       "${TTFM_TORCH_DIR}/include/torch/csrc/api/include")
target_compile_definitions(ttfm_torch INTERFACE AT_PER_OPERATOR_HEADERS USE_DISTRIBUTED USE_C10D_GLOO)
target_link_libraries(ttfm_torch INTERFACE ttfm_torch_cpu ttfm_c10)
target_link_options(ttfm_torch INTERFACE "-Wl,-rpath,${TTFM_TORCH_DIR}/lib")
