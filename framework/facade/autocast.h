// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>

namespace ttfm {

/// LibTorch's autocast for one scope: the products of every layer on `device`, ours or LibTorch's, are computed in `type`.
/// Nothing where `type` is float.
class Autocast {
 public:
  Autocast(c10::DeviceType device, at::ScalarType type)
      : device_(device),
        active_(type != at::kFloat),
        enabled_(active_ && at::autocast::is_autocast_enabled(device)),
        type_(active_ ? at::autocast::get_autocast_dtype(device) : type) {
    if (!active_) return;
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, type);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (!active_) return;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, enabled_);
    at::autocast::set_autocast_dtype(device_, type_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool active_, enabled_;
  at::ScalarType type_;
};

}  // namespace ttfm
