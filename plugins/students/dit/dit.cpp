// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "dit.h"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <string>

#include <ttfm/error.h>
#include <ttfm/nn/dual.h>
#include <ttfm/nn/norm.h>
#include <ttfm/nn/patchify.h>

namespace ttfm::student {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::config, "student dit: " + what); }

// The options if they make a network on samples of that shape.
const DiTOptions& checked(const DiTOptions& options, at::IntArrayRef shape) {
  if (shape.size() != 3) {
    refuse("the data's samples have shape " + c10::str(shape) +
           ", but a DiT works on images, [channels, height, width]; for other data use type = \"mlp\"");
  }
  if (options.width % options.heads != 0) {
    refuse("heads = " + std::to_string(options.heads) + " does not divide width = " + std::to_string(options.width));
  }
  if (options.width % 4 != 0) {
    refuse("width = " + std::to_string(options.width) +
           " is not a multiple of 4: sines and cosines of row and column share it");
  }
  if (options.patch > std::max(shape[1], shape[2])) {
    refuse("patch = " + std::to_string(options.patch) + " is larger than the images of " + std::to_string(shape[1]) +
           " x " + std::to_string(shape[2]) + "; a patch is a part of an image");
  }
  return options;
}

}  // namespace

DiT::DiT(const Options& options, const Config& config)
    : NetworkStudent(checked(options, config.data_shape()), config) {}

DiTNetwork::DiTNetwork(const DiTOptions& options, const Config& config)
    : classes_(options.conditional ? config.data_classes() : 0),
      dropout_(options.dropout),
      patch_(options.patch),
      height_(config.data_shape()[1]),
      width_(config.data_shape()[2]),
      rows_((height_ + patch_ - 1) / patch_),
      columns_((width_ + patch_ - 1) / patch_),
      conditioning_(options.width, classes_),
      embed_patch_(config.data_shape()[0] * patch_ * patch_, options.width, nn::Init::xavier()),
      position_table_(nn::position_table(rows_, columns_, options.width)),
      position_(position_table_.clone()),
      modulation_(options.width, 2 * options.width, nn::Init::zeros()),
      out_(options.width, config.data_shape()[0] * patch_ * patch_, nn::Init::zeros()) {
  const DiTBlockOptions block{options.width, options.heads, options.mlp_ratio, options.dropout};
  for (int64_t i = 0; i < options.depth; ++i) blocks_.emplace_back("blocks." + std::to_string(i), block);
}

void DiTNetwork::traits(NetworkTraits& out) const {
  out.classes = classes_;
  out.any_order = true;
  out.dropout = dropout_ > 0;
}

void DiTNetwork::parameters(const nn::Scope& scope) {
  conditioning_.parameters(scope);
  embed_patch_.parameters(scope / "embed_patch");
  scope.buffer("position", position_, position_table_);
  for (size_t i = 0; i < blocks_.size(); ++i) blocks_[i].parameters(scope / "blocks" / static_cast<int64_t>(i));
  modulation_.parameters(scope / "modulation");
  out_.parameters(scope / "out");
}

template <nn::Value V>
V DiTNetwork::forward(const V& x, const V& s, const V& t, const Call& call) const {
  const V c = conditioning_(s, t, call);
  V h = embed_patch_(nn::patchify(nn::pad_image(x, rows_ * patch_, columns_ * patch_), patch_)) + position_;
  for (const DiTBlock& block : blocks_) h = block(h, c, call);
  const auto [shift, scale] = nn::chunk<2>(nn::widen(modulation_(c)), 1);
  const V tokens = out_(nn::pending_layer_norm_modulate(h, shift, scale));
  return nn::crop_image(nn::unpatchify(tokens, patch_, rows_ * patch_, columns_ * patch_), height_, width_);
}

template Tensor DiTNetwork::forward(const Tensor&, const Tensor&, const Tensor&, const Call&) const;
template Dual DiTNetwork::forward(const Dual&, const Dual&, const Dual&, const Call&) const;

}  // namespace ttfm::student
