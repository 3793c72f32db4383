// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <optional>
#include <vector>

#include <ttfm/config.h>
#include <ttfm/nn/embedding.h>
#include <ttfm/nn/linear.h>
#include <ttfm/nn/network_student.h>

namespace ttfm::student {

struct MlpOptions {
  int64_t width = 256;
  int64_t depth = 3;
  int64_t frequencies = 8;
  int64_t label_dim = 16;
  double dropout = 0;
  bool conditional = true;

  template <class Visitor>
  void describe(Visitor& v) {
    v("width", width, "units of a hidden layer").min(1);
    v("depth", depth, "hidden layers").min(1);
    v("frequencies", frequencies, "time features: sines and cosines of k pi/2 times s and t, k = 1 .. frequencies")
        .min(1);
    v("label_dim", label_dim, "numbers a label is embedded in").min(1);
    v("dropout", dropout, "share of hidden units dropped while training").min(0).below(1);
    v("conditional", conditional, "use the data set's labels, if it has any");
  }
};

/// u_{s,t}(x) of an MLP with SiLU on [x, sin and cos of k pi s/2 and k pi t/2, label].
class MlpNetwork {
 public:
  MlpNetwork(const MlpOptions& options, const Config& config);

  void traits(NetworkTraits& out) const;
  void parameters(const nn::Scope& scope);

  /// x [B, ...] of the data's shape, flattened inside; s and t [B]; the result like x.
  template <nn::Value V>
  V forward(const V& x, const V& s, const V& t, const Call& call) const;

 private:
  int64_t classes_;
  double dropout_;
  Tensor frequency_table_;  // what frequencies_ starts as
  Tensor frequencies_;
  std::optional<nn::LabelEmbedding> label_;
  std::vector<nn::Linear> hidden_;
  nn::Linear out_;
};

class Mlp final : public nn::NetworkStudent<MlpNetwork> {
 public:
  using Options = MlpOptions;
  Mlp(const Options& options, const Config& config) : NetworkStudent(options, config) {}
};

}  // namespace ttfm::student
