// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <optional>
#include <string>

#include <ttfm/network.h>
#include <ttfm/nn/attention.h>
#include <ttfm/nn/conv.h>
#include <ttfm/nn/linear.h>
#include <ttfm/nn/norm.h>

namespace ttfm::student {

/// The largest divisor of `channels` that is at most `groups`.
int64_t group_count(int64_t channels, int64_t groups);

/// What all blocks of a U-Net share.
struct UNetBlockOptions {
  int64_t embedding = 0;  ///< width of the embedding c of times and label
  int64_t groups = 32;    ///< of a normalisation, at most
  int64_t heads = 4;
  double dropout = 0;
};

/// Two convolutions with a way around them; the embedding scales and shifts what stands between.
///   y = skip(x) + conv_out(drop(silu((1 + a) norm_out(conv_in(silu(norm_in(x)))) + b))),  [a, b] = modulation(c)
/// conv_out starts at zero: a fresh block is its skip.
class ResidualBlock {
 public:
  /// `name` is the block's own in its network: its dropout mask depends on it.
  ResidualBlock(std::string name, int64_t in, int64_t out, const UNetBlockOptions& options);

  void parameters(const nn::Scope& scope);

  /// x [B, in, H, W], c [B, embedding], the result [B, out, H, W].
  template <nn::Value V>
  V operator()(const V& x, const V& c, const Call& call) const;

 private:
  std::string name_;
  double dropout_;
  nn::GroupNorm norm_in_;
  nn::Conv2d conv_in_;
  nn::Linear modulation_;
  nn::GroupNorm norm_out_;
  nn::Conv2d conv_out_;
  std::optional<nn::Conv2d> skip_;  // the identity where in = out
};

/// y = x + attention(norm(x)) over all positions; its last projection starts at zero.
class AttentionBlock {
 public:
  AttentionBlock(int64_t channels, const UNetBlockOptions& options);

  void parameters(const nn::Scope& scope);

  /// x [B, channels, H, W], the result like x.
  template <nn::Value V>
  V operator()(const V& x) const;

 private:
  nn::GroupNorm norm_;
  nn::SelfAttention attention_;
};

}  // namespace ttfm::student
