// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "unet.h"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <string>

#include <ttfm/error.h>
#include <ttfm/nn/dual.h>
#include <ttfm/nn/resample.h>

namespace ttfm::student {
namespace {

constexpr nn::Conv2d::Shape kThree{.kernel = 3, .stride = 1, .padding = 1};

std::string listed(at::IntArrayRef values) { return c10::str(values); }

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::config, "student unet: " + what); }

// The options if they make a network on samples of that shape.
const UNetOptions& checked(const UNetOptions& options, at::IntArrayRef shape) {
  if (shape.size() != 3) {
    refuse("the data's samples have shape " + listed(shape) +
           ", but a U-Net works on images, [channels, height, width]; for other data use type = \"mlp\"");
  }
  const auto levels = static_cast<int64_t>(options.multipliers.size());
  if (levels == 0) refuse("multipliers = [] gives no level; give one entry a level, for example [1, 2, 2]");
  for (const int64_t level : options.attention) {
    if (level >= levels) {
      refuse("attention = " + listed(options.attention) + " names level " + std::to_string(level) +
             ", but multipliers = " + listed(options.multipliers) + " gives levels 0 to " + std::to_string(levels - 1));
    }
  }
  for (int64_t level = 0; level < levels; ++level) {
    const bool last = level == levels - 1;  // whose width the middle has
    const bool attends = std::ranges::count(options.attention, level) || (last && !options.attention.empty());
    const int64_t width = options.channels * options.multipliers[static_cast<size_t>(level)];
    if (attends && width % options.heads != 0) {
      refuse("heads = " + std::to_string(options.heads) + " does not divide the " + std::to_string(width) +
             " channels of level " + std::to_string(level) + " (channels x multipliers[" + std::to_string(level) +
             "])");
    }
  }
  // with less, most of what the lowest level sees would be padding
  const int64_t smallest = levels > 62 ? shape[1] + 1 : ((int64_t{1} << (levels - 1)) + 1) / 2;
  if (std::min(shape[1], shape[2]) < smallest) {
    refuse("images of " + std::to_string(shape[1]) + " x " + std::to_string(shape[2]) + " cannot be halved " +
           std::to_string(levels - 1) + " times, which multipliers = " + listed(options.multipliers) +
           " asks for; give fewer multipliers");
  }
  return options;
}

}  // namespace

UNet::UNet(const Options& options, const Config& config)
    : NetworkStudent(checked(options, config.data_shape()), config) {}

UNetNetwork::UNetNetwork(const UNetOptions& options, const Config& config)
    : classes_(options.conditional ? config.data_classes() : 0),
      dropout_(options.dropout),
      divisor_(int64_t{1} << (options.multipliers.size() - 1)),
      conditioning_(4 * options.channels, classes_),
      conv_in_(config.data_shape()[0], options.channels, kThree),
      norm_out_(group_count(options.channels * options.multipliers[0], options.groups),
                options.channels * options.multipliers[0]),
      conv_out_(options.channels * options.multipliers[0], config.data_shape()[0], kThree, nn::Init::zeros()) {
  const UNetBlockOptions block{4 * options.channels, options.groups, options.heads, options.dropout};
  const size_t levels = options.multipliers.size();

  int64_t width = options.channels;
  const auto append = [&](Level& level, const std::string& name, int64_t in, int64_t out, bool attends) {
    level.residual.emplace_back(name + "." + std::to_string(level.residual.size()), in, out, block);
    if (attends) level.attention.emplace_back(out, block);
    width = out;
  };
  const auto attends_at = [&](size_t i) { return std::ranges::count(options.attention, static_cast<int64_t>(i)) > 0; };

  std::vector<int64_t> skips{width};  // widths of what the way up will be given
  for (size_t i = 0; i < levels; ++i) {
    Level& level = down_.emplace_back();
    for (int64_t k = 0; k < options.blocks; ++k) {
      append(level, "down." + std::to_string(i), width, options.channels * options.multipliers[i], attends_at(i));
      skips.push_back(width);
    }
    if (i + 1 < levels) {
      level.resample = nn::downsample_conv(width, width);
      skips.push_back(width);
    }
  }

  append(middle_, "middle", width, width, !options.attention.empty());
  append(middle_, "middle", width, width, false);

  for (size_t i = levels; i-- > 0;) {
    Level& level = up_.emplace_back();
    for (int64_t k = 0; k <= options.blocks; ++k) {
      append(level, "up." + std::to_string(levels - 1 - i), width + skips.back(),
             options.channels * options.multipliers[i], attends_at(i));
      skips.pop_back();
    }
    if (i > 0) level.resample.emplace(width, width, kThree);
  }
}

void UNetNetwork::traits(NetworkTraits& out) const {
  out.classes = classes_;
  out.any_order = true;
  out.dropout = dropout_ > 0;
}

void UNetNetwork::Level::parameters(const nn::Scope& scope) {
  for (size_t i = 0; i < residual.size(); ++i) residual[i].parameters(scope / "residual" / static_cast<int64_t>(i));
  for (size_t i = 0; i < attention.size(); ++i) attention[i].parameters(scope / "attention" / static_cast<int64_t>(i));
  if (resample) resample->parameters(scope / "resample");
}

void UNetNetwork::parameters(const nn::Scope& scope) {
  conditioning_.parameters(scope);
  conv_in_.parameters(scope / "conv_in");
  for (size_t i = 0; i < down_.size(); ++i) down_[i].parameters(scope / "down" / static_cast<int64_t>(i));
  middle_.parameters(scope / "middle");
  for (size_t i = 0; i < up_.size(); ++i) up_[i].parameters(scope / "up" / static_cast<int64_t>(i));
  norm_out_.parameters(scope / "norm_out");
  conv_out_.parameters(scope / "conv_out");
}

template <nn::Value V>
V UNetNetwork::Level::block(size_t i, const V& h, const V& c, const Call& call) const {
  const V y = residual[i](h, c, call);
  return i < attention.size() ? attention[i](y) : y;
}

template <nn::Value V>
V UNetNetwork::forward(const V& x, const V& s, const V& t, const Call& call) const {
  const int64_t height = nn::primal(x).size(2), width = nn::primal(x).size(3);
  const auto rounded_up = [this](int64_t side) { return (side + divisor_ - 1) / divisor_ * divisor_; };
  const V c = conditioning_(s, t, call);

  V h = nn::laid_out_for_convolutions(conv_in_(nn::pad_image(x, rounded_up(height), rounded_up(width))));
  std::vector<V> skips{h};
  for (const Level& level : down_) {
    for (size_t i = 0; i < level.residual.size(); ++i) skips.push_back(h = level.block(i, h, c, call));
    if (level.resample) skips.push_back(h = (*level.resample)(h));
  }
  for (size_t i = 0; i < middle_.residual.size(); ++i) h = middle_.block(i, h, c, call);
  for (const Level& level : up_) {
    for (size_t i = 0; i < level.residual.size(); ++i) {
      h = level.block(i, nn::cat(h, skips.back(), 1), c, call);
      skips.pop_back();
    }
    if (level.resample) h = (*level.resample)(nn::upsample_nearest(h));
  }
  return nn::crop_image(conv_out_(norm_out_.pending_silu(h)), height, width);
}

template Tensor UNetNetwork::forward(const Tensor&, const Tensor&, const Tensor&, const Call&) const;
template Dual UNetNetwork::forward(const Dual&, const Dual&, const Dual&, const Call&) const;

}  // namespace ttfm::student
