// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/ops/empty.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include <ttfm/error.h>
#include <ttfm/flow/interpolate.h>
#include <ttfm/options.h>

namespace ttfm::flow {

/// The parameters of a mixture of isotropic Gaussians, the same for the data set and for its exact teacher, so that both
/// describe the same distribution: by default equally weighted Gaussians on a circle in 2-D, or `means` in any shape.
struct GaussianMixtureOptions {
  int64_t components = 8;         ///< on the circle
  double radius = 3;              ///< of the circle
  double sigma = 0.2;             ///< of every component
  Rows means{};                   ///< a mean a row, instead of the circle
  std::vector<double> weights{};  ///< one for each component; empty: equal
  std::vector<double> sigmas{};   ///< one for each component; empty: `sigma`

  /// The parameters' names, limits and texts.
  template <class Visitor>
  void describe(Visitor& v) {
    v("components", components, "Gaussians on the circle; unused when means are given").min(1);
    v("radius", radius, "of the circle around the origin; unused when means are given").min(0);
    v("sigma", sigma, "standard deviation of every component; unused when sigmas are given").above(0);
    v("means", means, "mean of each component, one row of a sample's elements each; empty: a circle in 2-D");
    v("weights", weights, "weight of each component, scaled to sum to 1; empty: equal").above(0);
    v("sigmas", sigmas, "standard deviation of each component; empty: sigma").above(0);
  }
};

/// Weights, means and scales of a mixture as numbers in host memory.
struct GaussianMixtureTable {
  std::vector<double> weights;  ///< [components], sums to 1
  std::vector<double> means;    ///< [components, elements], row after row
  std::vector<double> sigmas;   ///< [components]
  int64_t components = 0;       ///< how many
  int64_t elements = 0;         ///< of one sample
};

/// The mixture that the options describe.
/// @throws Error (config) when the lists' lengths contradict each other, or the means' rows are empty
inline GaussianMixtureTable expand(const GaussianMixtureOptions& options) {
  GaussianMixtureTable table;
  if (options.means.count > 0) {
    if (options.means.values.empty()) {
      throw Error(ErrorKind::config,
                  "gaussian_mixture: means has empty rows; give each one number for each element of a sample");
    }
    table.components = options.means.count;
    table.means = options.means.values;
  } else {
    table.components = options.components;
    for (int64_t k = 0; k < options.components; ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(options.components);
      table.means.insert(table.means.end(), {options.radius * std::cos(angle), options.radius * std::sin(angle)});
    }
  }
  const auto count = static_cast<size_t>(table.components);
  table.elements = static_cast<int64_t>(table.means.size() / count);

  const auto per_component = [count](const std::vector<double>& given, const char* name, double otherwise) {
    if (given.empty()) return std::vector<double>(count, otherwise);
    if (given.size() == count) return given;
    throw Error(ErrorKind::config, std::string("gaussian_mixture: ") + name + " has " + std::to_string(given.size()) +
                                       " values for " + std::to_string(count) + " components; give one for each");
  };
  table.sigmas = per_component(options.sigmas, "sigmas", options.sigma);
  table.weights = per_component(options.weights, "weights", 1);
  const double sum = std::accumulate(table.weights.begin(), table.weights.end(), 0.0);
  for (double& weight : table.weights) weight /= sum;
  return table;
}

/// Data from a mixture of Gaussians, x_1 ~ sum_k w_k N(mu_k, sigma_k^2 I), and its exact velocity.
///
/// On the linear path x_t ~ sum_k w_k N(t mu_k, a_{k,t}^2 I), a_{k,t}^2 = (1-t)^2 + t^2 sigma_k^2. Any shape of sample:
/// rows are flattened to D elements. Results have x's shape, dtype and device, which the tensors must have too (to()).
struct GaussianMixture {
  Tensor log_weights;  ///< log w_k, [K]
  Tensor means;        ///< mu_k, [K, D]
  Tensor sigmas;       ///< sigma_k, [K]

  /// The mixture of a table, in double, in host memory.
  static GaussianMixture from(const GaussianMixtureTable& table) {
    const auto tensor = [](const std::vector<double>& values) {
      Tensor out = at::empty({static_cast<int64_t>(values.size())}, at::TensorOptions().dtype(at::kDouble));
      std::copy(values.begin(), values.end(), out.mutable_data_ptr<double>());
      return out;
    };
    return {tensor(table.weights).log(), tensor(table.means).view({table.components, table.elements}),
            tensor(table.sigmas)};
  }

  /// The same mixture in the given dtype, on the given device.
  GaussianMixture to(const at::TensorOptions& options) const {
    const auto placed = [&options](const Tensor& x) { return x.to(options, /*non_blocking=*/true); };
    return {placed(log_weights), placed(means), placed(sigmas)};
  }

  /// a_{k,t}^2, [B, K].
  Tensor variance(const Tensor& t) const { return variance_by_component(t).t(); }

  /// log w_k N(x; t mu_k, a_{k,t}^2 I) of each row and component, [B, K]; x is [B, D]:
  ///   log w_k - |x - t mu_k|^2 / (2 a_{k,t}^2) - (D/2) log(2 pi a_{k,t}^2)
  Tensor log_joint(const Tensor& x, const Tensor& t) const {
    return log_joint_by_component(x, t, variance_by_component(t)).t();
  }

  /// v_t(x) = E[x_1 - x_0 | x_t = x], the mean of the components' velocities under the posterior r_k of the component:
  ///   r_k(x, t) proportional to w_k N(x; t mu_k, a_{k,t}^2 I)
  ///   v_t(x) = sum_k r_k(x, t) [ mu_k + c_k (x - t mu_k) ],   c_k = (t sigma_k^2 - (1-t)) / a_{k,t}^2
  Tensor velocity(const Tensor& x, const Tensor& t) const {
    const Tensor rows = x.flatten(1), a_squared = variance_by_component(t);
    const Tensor r = at::softmax(log_joint_by_component(rows, t, a_squared), 0);
    const Tensor c = (t * sigmas.square().unsqueeze(1) - (1 - t)) / a_squared;
    // sum_k r_k c_k x + sum_k r_k (1 - t c_k) mu_k, the same sum without a [K, D, B] product
    const Tensor v = (r * c).sum(0).unsqueeze(1) * rows + at::matmul((r * (1 - t * c)).t(), means);
    return v.view_as(x);
  }

  /// log sum_k w_k N(x; mu_k, sigma_k^2 I) of each row, the density of the data: [B].
  Tensor log_density(const Tensor& x) const {
    return at::logsumexp(log_joint(x.flatten(1), x.new_ones({x.size(0)})), 1);
  }

 private:
  // [K, B]: loops go over the many rows, not over the few components

  Tensor variance_by_component(const Tensor& t) const { return (1 - t).square() + (sigmas.unsqueeze(1) * t).square(); }

  Tensor log_joint_by_component(const Tensor& x, const Tensor& t, const Tensor& a_squared) const {
    // differences first: no cancellation of squares
    const Tensor offset = x.t().contiguous() - means.unsqueeze(2) * t;
    const double half = 0.5 * static_cast<double>(x.size(1));
    return log_weights.unsqueeze(1) - offset.square().sum(1) / (2 * a_squared) -
           half * (2 * std::numbers::pi * a_squared).log();
  }
};

}  // namespace ttfm::flow
