// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "unet_blocks.h"

#include <algorithm>
#include <utility>

#include <ttfm/nn/dropout.h>
#include <ttfm/nn/dual.h>

namespace ttfm::student {
namespace {

constexpr nn::Conv2d::Shape kThree{.kernel = 3, .stride = 1, .padding = 1};
constexpr nn::Conv2d::Shape kOne{.kernel = 1, .stride = 1, .padding = 0};

}  // namespace

int64_t group_count(int64_t channels, int64_t groups) {
  int64_t count = std::min(channels, groups);
  while (channels % count != 0) --count;
  return count;
}

ResidualBlock::ResidualBlock(std::string name, int64_t in, int64_t out, const UNetBlockOptions& options)
    : name_(std::move(name)),
      dropout_(options.dropout),
      norm_in_(group_count(in, options.groups), in),
      conv_in_(in, out, kThree),
      modulation_(options.embedding, 2 * out),
      norm_out_(group_count(out, options.groups), out),
      conv_out_(out, out, kThree, nn::Init::zeros()) {
  if (in != out) skip_.emplace(in, out, kOne);
}

void ResidualBlock::parameters(const nn::Scope& scope) {
  norm_in_.parameters(scope / "norm_in");
  conv_in_.parameters(scope / "conv_in");
  modulation_.parameters(scope / "modulation");
  norm_out_.parameters(scope / "norm_out");
  conv_out_.parameters(scope / "conv_out");
  if (skip_) skip_->parameters(scope / "skip");
}

template <nn::Value V>
V ResidualBlock::operator()(const V& x, const V& c, const Call& call) const {
  const auto [scale, shift] = nn::chunk<2>(nn::widen(modulation_(c)), 1);
  const auto h = norm_out_.pending_modulate_silu(conv_in_(norm_in_.pending_silu(x)), shift, scale);
  return (skip_ ? (*skip_)(x) : x) + conv_out_(nn::dropout(h, dropout_, call, name_));
}

template Tensor ResidualBlock::operator()(const Tensor&, const Tensor&, const Call&) const;
template Dual ResidualBlock::operator()(const Dual&, const Dual&, const Call&) const;

AttentionBlock::AttentionBlock(int64_t channels, const UNetBlockOptions& options)
    : norm_(group_count(channels, options.groups), channels),
      attention_(channels, options.heads, nn::Init::fan_in(), nn::Init::zeros()) {}

void AttentionBlock::parameters(const nn::Scope& scope) {
  norm_.parameters(scope / "norm");
  attention_.parameters(scope);
}

template <nn::Value V>
V AttentionBlock::operator()(const V& x) const {
  const V tokens = nn::transpose(nn::flatten(norm_(x), 2), 1, 2);
  return x + nn::reshape(nn::transpose(attention_(tokens), 1, 2), nn::primal(x).sizes());
}

template Tensor AttentionBlock::operator()(const Tensor&) const;
template Dual AttentionBlock::operator()(const Dual&) const;

}  // namespace ttfm::student
