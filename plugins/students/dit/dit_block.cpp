// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "dit_block.h"

#include <ttfm/nn/activation.h>
#include <ttfm/nn/dropout.h>
#include <ttfm/nn/dual.h>
#include <ttfm/nn/norm.h>

namespace ttfm::student {

DiTBlock::DiTBlock(const std::string& name, const DiTBlockOptions& options)
    : attention_mask_(name + ".attention"),
      mlp_mask_(name + ".mlp"),
      dropout_(options.dropout),
      attention_(options.width, options.heads),
      mlp_in_(options.width, options.mlp_ratio * options.width, nn::Init::xavier()),
      mlp_out_(options.mlp_ratio * options.width, options.width, nn::Init::xavier()),
      modulation_(options.width, 6 * options.width, nn::Init::zeros()) {}

void DiTBlock::parameters(const nn::Scope& scope) {
  attention_.parameters(scope / "attention");
  mlp_in_.parameters(scope / "mlp_in");
  mlp_out_.parameters(scope / "mlp_out");
  modulation_.parameters(scope / "modulation");
}

template <nn::Value V>
V DiTBlock::operator()(const V& h, const V& c, const Call& call) const {
  const auto [shift_1, scale_1, gate_1, shift_2, scale_2, gate_2] = nn::chunk<6>(nn::widen(modulation_(c)), 1);
  const auto attended = attention_.product(nn::pending_layer_norm_modulate(h, shift_1, scale_1));
  const V middle = nn::add_gated(h, gate_1, nn::dropout(attended, dropout_, call, attention_mask_));
  const auto hidden = mlp_in_.product(nn::pending_layer_norm_modulate(middle, shift_2, scale_2));
  const auto y = mlp_out_.product(nn::pending_gelu(hidden));
  return nn::add_gated(middle, gate_2, nn::dropout(y, dropout_, call, mlp_mask_));
}

template Tensor DiTBlock::operator()(const Tensor&, const Tensor&, const Call&) const;
template Dual DiTBlock::operator()(const Dual&, const Dual&, const Call&) const;

}  // namespace ttfm::student
