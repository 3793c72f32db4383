// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/nn/activation.h>
#include <ttfm/nn/conditioning.h>

namespace ttfm::nn {
namespace {

constexpr int64_t kFrequencies = 64;
constexpr double kLowestFrequency = 1;
constexpr double kHighestFrequency = 30;

TimeEmbedding time_embedding(int64_t width) {
  return {geometric_frequencies(kFrequencies, kLowestFrequency, kHighestFrequency), width};
}

template <Value V>
V embed(const Conditioning& c, const V& s, const V& t, const Call& call) {
  const V times = c.s(s) + c.t(t);
  return nn::silu(c.label ? times + (*c.label)(call.label, primal(s).size(0)) : times);
}

}  // namespace

Conditioning::Conditioning(int64_t width, int64_t classes) : s(time_embedding(width)), t(time_embedding(width)) {
  if (classes > 0) label.emplace(classes, width);
}

void Conditioning::parameters(const Scope& scope) {
  s.parameters(scope / "embed_s");
  t.parameters(scope / "embed_t");
  if (label) label->parameters(scope / "label");
}

Tensor Conditioning::operator()(const Tensor& at_s, const Tensor& at_t, const Call& call) const {
  return embed(*this, at_s, at_t, call);
}
Dual Conditioning::operator()(const Dual& at_s, const Dual& at_t, const Call& call) const {
  return embed(*this, at_s, at_t, call);
}

}  // namespace ttfm::nn
