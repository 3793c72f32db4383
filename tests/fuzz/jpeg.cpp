// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "fuzz/decoded.h"

/// The input is a JPEG. It gives the same image each time: no pixel is what was in the memory before.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ttfm;
  const auto once = fuzz::decoded(&image_folder::decode_jpeg, {data, size});
  if (!once) return 0;
  const auto twice = fuzz::decoded(&image_folder::decode_jpeg, {data, size});
  fuzz::require(twice && once->pixels == twice->pixels, "an image is the same each time");
  return 0;
}
