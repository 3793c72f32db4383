// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>

#include <ttfm/network.h>
#include <ttfm/nn/attention.h>
#include <ttfm/nn/linear.h>

namespace ttfm::student {

/// What all blocks of a DiT share.
struct DiTBlockOptions {
  int64_t width = 256;
  int64_t heads = 4;
  int64_t mlp_ratio = 4;
  double dropout = 0;
};

/// A transformer block whose norms and gates come from the embedding c (adaLN-zero).
///   h <- h + g_1 drop(attention((1 + a_1) norm(h) + b_1))
///   h <- h + g_2 drop(mlp((1 + a_2) norm(h) + b_2)),   [b_1, a_1, g_1, b_2, a_2, g_2] = modulation(c)
/// modulation starts at zero: a fresh block is the identity.
class DiTBlock {
 public:
  /// `name` is the block's own in its network: its dropout masks depend on it.
  DiTBlock(const std::string& name, const DiTBlockOptions& options);

  void parameters(const nn::Scope& scope);

  /// h [B, N, width], c [B, width], the result like h.
  template <nn::Value V>
  V operator()(const V& h, const V& c, const Call& call) const;

 private:
  std::string attention_mask_;
  std::string mlp_mask_;
  double dropout_;
  nn::SelfAttention attention_;
  nn::Linear mlp_in_;
  nn::Linear mlp_out_;
  nn::Linear modulation_;
};

}  // namespace ttfm::student
