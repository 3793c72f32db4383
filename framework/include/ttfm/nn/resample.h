// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/conv.h>

namespace ttfm::nn {

/// Images twice as large, every pixel repeated: [B, C, H, W] to [B, C, 2H, 2W].
Tensor upsample_nearest(const Tensor& x);
Dual upsample_nearest(const Dual& x);  ///< the same, with its derivative

/// Images half as large, means of 2 x 2 pixels: [B, C, H, W] to [B, C, H/2, W/2]. Throws when H or W is odd.
Tensor downsample_mean(const Tensor& x);
Dual downsample_mean(const Dual& x);  ///< the same, with its derivative

/// A convolution of stride 2 that halves images (odd sizes are rounded up): the learned way down.
inline Conv2d downsample_conv(int64_t in, int64_t out) { return {in, out, {.kernel = 3, .stride = 2, .padding = 1}}; }

}  // namespace ttfm::nn
