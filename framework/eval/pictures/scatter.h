// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "eval/metrics/histogram.h"

/// Pictures of points in the plane. The domain comes from the true samples and stays the same for every model, so that
/// panels can be compared; x to the right, y upwards.
namespace ttfm::eval {

/// The square around the true samples [N, 2], with a margin: what pictures of 2-D models show.
Domain picture_domain(const at::Tensor& data);

/// Points [N, 2] as small translucent discs on white, uint8 [size, size, 3]; at most the first 8192 of them.
at::Tensor scatter_picture(const at::Tensor& points, const Domain& domain, int64_t size = 240);

/// How dense points [N, 2] lie, uint8 [size, size, 3]: the share of points in each cell of 4x4 pixels, coloured by
/// sqrt(share / peak) on the map viridis. `peak` is the brightest share; take density_peak() of the true samples.
at::Tensor density_picture(const at::Tensor& points, const Domain& domain, double peak, int64_t size = 240);

/// The largest share of points in one cell of density_picture(), > 0.
double density_peak(const at::Tensor& points, const Domain& domain, int64_t size = 240);

}  // namespace ttfm::eval
