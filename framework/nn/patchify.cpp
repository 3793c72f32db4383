// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <sstream>

#include <ttfm/error.h>
#include <ttfm/nn/patchify.h>

namespace ttfm::nn {
namespace {

void check(bool divides, const Tensor& x, int64_t patch, const char* what) {
  if (divides) return;
  std::ostringstream text;
  text << what << ": a tensor of shape " << x.sizes() << " does not consist of patches of " << patch << " x " << patch
       << " pixels; choose a patch size that divides height and width";
  throw Error(ErrorKind::config, text.str());
}

Tensor tokens_of(const Tensor& x, int64_t p) {
  check(x.dim() == 4 && p >= 1 && x.size(2) % p == 0 && x.size(3) % p == 0, x, p, "patchify");
  const int64_t batch = x.size(0), channels = x.size(1), rows = x.size(2) / p, columns = x.size(3) / p;
  return x.reshape({batch, channels, rows, p, columns, p})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({batch, rows * columns, channels * p * p});
}

Tensor image_of(const Tensor& tokens, int64_t p, int64_t height, int64_t width) {
  const bool whole = tokens.dim() == 3 && p >= 1 && height % p == 0 && width % p == 0 &&
                     tokens.size(1) == (height / p) * (width / p) && tokens.size(2) % (p * p) == 0;
  check(whole, tokens, p, "unpatchify");
  const int64_t batch = tokens.size(0), channels = tokens.size(2) / (p * p);
  return tokens.reshape({batch, height / p, width / p, channels, p, p})
      .permute({0, 3, 1, 4, 2, 5})
      .reshape({batch, channels, height, width});
}

}  // namespace

Tensor patchify(const Tensor& x, int64_t patch) { return tokens_of(x, patch); }
Dual patchify(const Dual& x, int64_t patch) {
  return linear_map(x, [&](const Tensor& a) { return tokens_of(a, patch); });
}

Tensor unpatchify(const Tensor& tokens, int64_t patch, int64_t height, int64_t width) {
  return image_of(tokens, patch, height, width);
}
Dual unpatchify(const Dual& tokens, int64_t patch, int64_t height, int64_t width) {
  return linear_map(tokens, [&](const Tensor& a) { return image_of(a, patch, height, width); });
}

}  // namespace ttfm::nn
