// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/precision.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>

namespace ttfm::nn {

at::ScalarType compute_type(const Tensor& x) {
  const auto type = x.scalar_type();
  if (type != at::kFloat && type != at::kBFloat16) return type;
  const auto device = x.device().type();
  const bool lowered = at::autocast::is_autocast_available(device) && at::autocast::is_autocast_enabled(device);
  return lowered ? at::autocast::get_autocast_dtype(device) : type;
}

}  // namespace ttfm::nn
