// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/dual.h>

namespace ttfm::nn {

/// Images [B, C, H, W] as tokens [B, H/p W/p, C p p], row by row; within a token the channel is outermost, so that a
/// linear layer on tokens is a p x p convolution of stride p. Throws unless p divides H and W.
Tensor patchify(const Tensor& x, int64_t patch);
Dual patchify(const Dual& x, int64_t patch);  ///< the same, with its derivative

/// The inverse of patchify: tokens to images of `height` x `width`.
Tensor unpatchify(const Tensor& tokens, int64_t patch, int64_t height, int64_t width);
Dual unpatchify(const Dual& tokens, int64_t patch, int64_t height, int64_t width);  ///< the same, with its derivative

}  // namespace ttfm::nn
