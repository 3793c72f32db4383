# SPDX-License-Identifier: Apache-2.0
# The warnings and sanitizers of every target of this project: link ttfm_warnings.
add_library(ttfm_warnings INTERFACE)
target_compile_options(ttfm_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow
                                               "$<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Wold-style-cast>"
                                               -Wno-missing-field-initializers
                                               # gcc 12 sees overlaps where there are none: gcc.gnu.org/PR105651
                                               "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>")
if(TTFM_WERROR)
  target_compile_options(ttfm_warnings INTERFACE -Werror)
endif()
if(TTFM_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  # under sanitizers gcc 12 warns of its own <regex>: gcc.gnu.org/PR105562
  target_compile_options(ttfm_warnings INTERFACE "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>")
endif()
if(TTFM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize=vptr
                      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
