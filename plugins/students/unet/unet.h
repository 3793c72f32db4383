// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <optional>
#include <vector>

#include <ttfm/config.h>
#include <ttfm/nn/conditioning.h>
#include <ttfm/nn/conv.h>
#include <ttfm/nn/network_student.h>
#include <ttfm/nn/norm.h>

#include "unet_blocks.h"

namespace ttfm::student {

struct UNetOptions {
  int64_t channels = 64;
  std::vector<int64_t> multipliers = {1, 2, 2};
  int64_t blocks = 2;
  std::vector<int64_t> attention = {2};
  int64_t heads = 4;
  int64_t groups = 32;
  double dropout = 0;
  bool conditional = true;

  template <class Visitor>
  void describe(Visitor& v) {
    v("channels", channels, "width at full resolution").min(1);
    v("multipliers", multipliers, "width of each level in multiples of channels; one entry a level").min(1);
    v("blocks", blocks, "residual blocks of a level on the way down; one more on the way up").min(1);
    v("attention", attention, "levels with self-attention, 0 is full resolution; [] leaves it out").min(0);
    v("heads", heads, "heads of each attention; divides the width of the levels that have it").min(1);
    v("groups", groups, "groups of a normalisation, at most").min(1);
    v("dropout", dropout, "share dropped before the last convolution of a block while training").min(0).below(1);
    v("conditional", conditional, "use the data set's labels, if it has any");
  }
};

/// u_{s,t}(x) of a convolutional U-Net, conditioned on c = silu(emb_s(s) + emb_t(t) + emb_label(label)).
class UNetNetwork {
 public:
  UNetNetwork(const UNetOptions& options, const Config& config);

  void traits(NetworkTraits& out) const;
  void parameters(const nn::Scope& scope);

  /// x [B, C, H, W] of the data's shape; s and t [B]; the result like x.
  template <nn::Value V>
  V forward(const V& x, const V& s, const V& t, const Call& call) const;

 private:
  /// Blocks at one resolution, and the convolution that leads to the next.
  struct Level {
    std::vector<ResidualBlock> residual;
    std::vector<AttentionBlock> attention;  // one after each residual block, or none
    std::optional<nn::Conv2d> resample;

    void parameters(const nn::Scope& scope);
    template <nn::Value V>
    V block(size_t i, const V& h, const V& c, const Call& call) const;
  };

  int64_t classes_;
  double dropout_;
  int64_t divisor_;  // of the sides of an image that needs no padding: 2^(levels-1)
  nn::Conditioning conditioning_;
  nn::Conv2d conv_in_;
  std::vector<Level> down_;
  Level middle_;
  std::vector<Level> up_;  // up_[0] is the lowest resolution
  nn::GroupNorm norm_out_;
  nn::Conv2d conv_out_;
};

class UNet final : public nn::NetworkStudent<UNetNetwork> {
 public:
  using Options = UNetOptions;

  /// Throws ttfm::Error (config) for options that make no network on the data's shape.
  UNet(const Options& options, const Config& config);
};

}  // namespace ttfm::student
