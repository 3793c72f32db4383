// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <sstream>

#include <ttfm/error.h>
#include <ttfm/nn/resample.h>

#include "nn/dual_buffer.h"

namespace ttfm::nn {
namespace {

Tensor doubled(const Tensor& x) { return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}, 2.0, 2.0); }

Tensor halved(const Tensor& x) {
  if (x.size(2) % 2 != 0 || x.size(3) % 2 != 0) {
    std::ostringstream text;
    text << "downsample_mean: images of shape " << x.sizes() << " have an odd side; pad them (nn::pad_image) first";
    throw Error(ErrorKind::config, text.str());
  }
  return at::avg_pool2d(x, {2, 2}, {2, 2});
}

}  // namespace

Tensor upsample_nearest(const Tensor& x) { return doubled(x); }
Dual upsample_nearest(const Dual& x) { return on_both(x, doubled); }

Tensor downsample_mean(const Tensor& x) { return halved(x); }
Dual downsample_mean(const Dual& x) { return on_both(x, halved); }

}  // namespace ttfm::nn
