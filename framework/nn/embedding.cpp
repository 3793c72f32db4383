// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/sin.h>

#include <cmath>
#include <string>

#include <ttfm/error.h>
#include <ttfm/nn/activation.h>
#include <ttfm/nn/embedding.h>

namespace ttfm::nn {
namespace {

const auto kTable = at::TensorOptions().dtype(at::kDouble);  // tables are computed in double and kept in float

template <Value V>
V embed(const TimeEmbedding& e, const V& tau) {
  return e.out(silu(e.in(sinusoids(tau, e.frequencies))));
}

}  // namespace

Tensor sinusoids(const Tensor& tau, const Tensor& frequencies) {
  const Tensor angle = tau.unsqueeze(-1) * frequencies;
  return at::cat({at::sin(angle), at::cos(angle)}, -1);
}

Dual sinusoids(const Dual& tau, const Tensor& frequencies) {
  if (!tau.tangent.defined()) return {sinusoids(tau.primal, frequencies), {}};
  const Tensor angle = tau.primal.unsqueeze(-1) * frequencies;
  const Tensor rate = tau.tangent.unsqueeze(-1) * frequencies;
  const Tensor sin = at::sin(angle), cos = at::cos(angle);
  return {at::cat({sin, cos}, -1), at::cat({rate * cos, -rate * sin}, -1)};
}

Tensor harmonic_frequencies(int64_t count, double base) {
  return (at::arange(1, count + 1, kTable) * base).to(at::kFloat);
}

Tensor geometric_frequencies(int64_t count, double lowest, double highest) {
  return at::exp(at::linspace(std::log(lowest), std::log(highest), count, kTable)).to(at::kFloat);
}

TimeEmbedding::TimeEmbedding(const Tensor& frequency_table, int64_t width)
    : frequencies(frequency_table.clone()),
      start(frequency_table.clone()),
      in(2 * frequency_table.size(0), width),
      out(width, width) {}

void TimeEmbedding::parameters(const Scope& scope) {
  scope.buffer("frequencies", frequencies, start);
  in.parameters(scope / "in");
  out.parameters(scope / "out");
}

Tensor TimeEmbedding::operator()(const Tensor& tau) const { return embed(*this, tau); }
Dual TimeEmbedding::operator()(const Dual& tau) const { return embed(*this, tau); }

LabelEmbedding::LabelEmbedding(int64_t classes, int64_t width) : weight(nn::weight({classes + 1, width})) {}

void LabelEmbedding::parameters(const Scope& scope) {
  scope.parameter("weight", weight, Init::normal(0.02), parameter_flag::kNoDecay);
}

Tensor LabelEmbedding::operator()(const Tensor& label, int64_t batch) const {
  if (!label.defined()) return weight.narrow(0, weight.size(0) - 1, 1).expand({batch, -1});
  return at::embedding(weight, label);
}

Tensor position_table(int64_t rows, int64_t columns, int64_t width) {
  if (width < 4 || width % 4 != 0) {
    throw Error(ErrorKind::config, "position_table: a width of " + std::to_string(width) +
                                       ", expected a multiple of 4 (sine and cosine of two coordinates)");
  }
  const int64_t quarter = width / 4;
  const Tensor frequencies = at::exp(at::arange(quarter, kTable) * (-std::log(10000.0) / static_cast<double>(quarter)));
  const Tensor x = sinusoids(at::arange(columns, kTable), frequencies);
  const Tensor y = sinusoids(at::arange(rows, kTable), frequencies);
  const std::vector<int64_t> shape{rows, columns, 2 * quarter};
  const Tensor table = at::cat({x.unsqueeze(0).expand(shape), y.unsqueeze(1).expand(shape)}, -1);
  return table.reshape({rows * columns, width}).to(at::kFloat);
}

}  // namespace ttfm::nn
