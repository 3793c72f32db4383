// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <vector>

#include <ttfm/config.h>
#include <ttfm/nn/conditioning.h>
#include <ttfm/nn/linear.h>
#include <ttfm/nn/network_student.h>

#include "dit_block.h"

namespace ttfm::student {

struct DiTOptions {
  int64_t patch = 2;
  int64_t width = 256;
  int64_t depth = 6;
  int64_t heads = 4;
  int64_t mlp_ratio = 4;
  double dropout = 0;
  bool conditional = true;

  template <class Visitor>
  void describe(Visitor& v) {
    v("patch", patch, "side of a patch").min(1).unit("pixels");
    v("width", width, "width of a token; a multiple of 4 and of heads").min(4);
    v("depth", depth, "blocks").min(1);
    v("heads", heads, "heads of each attention").min(1);
    v("mlp_ratio", mlp_ratio, "hidden units of a block's MLP in multiples of width").min(1);
    v("dropout", dropout, "share dropped from the output of attention and MLP while training").min(0).below(1);
    v("conditional", conditional, "use the data set's labels, if it has any");
  }
};

/// u_{s,t}(x) of a transformer on patches, conditioned on c = silu(emb_s(s) + emb_t(t) + emb_label(label)).
class DiTNetwork {
 public:
  DiTNetwork(const DiTOptions& options, const Config& config);

  void traits(NetworkTraits& out) const;
  void parameters(const nn::Scope& scope);

  /// x [B, C, H, W] of the data's shape; s and t [B]; the result like x.
  template <nn::Value V>
  V forward(const V& x, const V& s, const V& t, const Call& call) const;

 private:
  int64_t classes_;
  double dropout_;
  int64_t patch_;
  int64_t height_;  // of the data, before padding
  int64_t width_;
  int64_t rows_;  // of patches
  int64_t columns_;
  nn::Conditioning conditioning_;
  nn::Linear embed_patch_;
  Tensor position_table_;  // what position_ starts as
  Tensor position_;        // [rows columns, token width], not trained
  std::vector<DiTBlock> blocks_;
  nn::Linear modulation_;
  nn::Linear out_;
};

class DiT final : public nn::NetworkStudent<DiTNetwork> {
 public:
  using Options = DiTOptions;

  /// Throws ttfm::Error (config) for options that make no network on the data's shape.
  DiT(const Options& options, const Config& config);
};

}  // namespace ttfm::student
