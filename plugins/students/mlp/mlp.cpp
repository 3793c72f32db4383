// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "mlp.h"

#include <functional>
#include <numbers>
#include <numeric>
#include <string>

#include <ttfm/nn/activation.h>
#include <ttfm/nn/dropout.h>
#include <ttfm/nn/dual.h>

namespace ttfm::student {
namespace {

int64_t numbers_in(at::IntArrayRef shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace

MlpNetwork::MlpNetwork(const MlpOptions& options, const Config& config)
    : classes_(options.conditional ? config.data_classes() : 0),
      dropout_(options.dropout),
      frequency_table_(nn::harmonic_frequencies(options.frequencies, std::numbers::pi / 2)),
      frequencies_(frequency_table_.clone()),
      out_(options.width, numbers_in(config.data_shape())) {
  int64_t in = numbers_in(config.data_shape()) + 4 * options.frequencies;
  if (classes_) {
    label_.emplace(classes_, options.label_dim);
    in += options.label_dim;
  }
  for (int64_t i = 0; i < options.depth; ++i) {
    hidden_.emplace_back(in, options.width);
    in = options.width;
  }
}

void MlpNetwork::traits(NetworkTraits& out) const {
  out.classes = classes_;
  out.any_order = true;
  out.dropout = dropout_ > 0;
}

void MlpNetwork::parameters(const nn::Scope& scope) {
  scope.buffer("frequencies", frequencies_, frequency_table_);
  if (label_) label_->parameters(scope / "label");
  for (size_t i = 0; i < hidden_.size(); ++i) hidden_[i].parameters(scope / "hidden" / static_cast<int64_t>(i));
  out_.parameters(scope / "out");
}

// a_0 = [x, g(s), g(t), e(label)],  a_i = silu(W_i a_{i-1} + b_i),  u = W_out a_depth + b_out
template <nn::Value V>
V MlpNetwork::forward(const V& x, const V& s, const V& t, const Call& call) const {
  V a = nn::cat(nn::cat(nn::flatten(x, 1), nn::sinusoids(s, frequencies_), 1), nn::sinusoids(t, frequencies_), 1);
  if (label_) a = nn::cat(a, V{(*label_)(call.label, nn::primal(x).size(0))}, 1);
  nn::Pending<V> pending{.x = a};
  for (size_t i = 0; i < hidden_.size(); ++i) {
    pending = nn::dropout(nn::pending_silu(hidden_[i].product(pending)), dropout_, call, "hidden." + std::to_string(i));
  }
  return nn::reshape(out_(pending), nn::primal(x).sizes());
}

template Tensor MlpNetwork::forward(const Tensor&, const Tensor&, const Tensor&, const Call&) const;
template Dual MlpNetwork::forward(const Dual&, const Dual&, const Dual&, const Call&) const;

}  // namespace ttfm::student
