# SPDX-License-Identifier: Apache-2.0
# The warnings and sanitizers of every target of this project: link ttfm_warnings.
add_library(ttfm_warnings INTERFACE)
target_compile_options(ttfm_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
                                               -Wno-missing-field-initializers)
if(TTFM_WERROR)
  target_compile_options(ttfm_warnings INTERFACE -Werror)
endif()
if(TTFM_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
