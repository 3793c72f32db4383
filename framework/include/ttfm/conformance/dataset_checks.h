// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

#include <ATen/TensorOperators.h>

#include <ttfm/conformance/query.h>
#include <ttfm/dataset.h>
#include <ttfm/teacher.h>

namespace ttfm::conformance {

/// What a read gave.
struct Samples {
  at::Tensor x;      ///< [count, shape...]
  at::Tensor label;  ///< [count]; undefined for a set without labels
};

/// What the set says of itself.
inline DatasetTraits traits_of(const Dataset& data) {
  DatasetTraits traits;
  data.traits(traits);
  return traits;
}

/// The samples of these indices, in a new request.
inline Samples read_samples(const Dataset& data, Split split, const std::vector<int64_t>& indices, uint64_t key = 0) {
  const DatasetTraits traits = traits_of(data);
  std::vector<int64_t> shape{static_cast<int64_t>(indices.size())};
  shape.insert(shape.end(), traits.shape, traits.shape + traits.rank);
  Samples samples;
  samples.x = at::empty(shape, traits.type == DatasetTraits::kUint8 ? at::kByte : at::kFloat);
  if (traits.classes > 0) samples.label = at::empty({shape[0]}, at::kLong);
  ReadRequest request;
  request.split = split;
  request.indices = indices.data();
  request.count = shape[0];
  request.key = key;
  request.x = samples.x.mutable_data_ptr();
  request.label = samples.label.defined() ? samples.label.mutable_data_ptr<int64_t>() : nullptr;
  data.read(request);
  return samples;
}

/// Samples 0 to count - 1.
inline Samples read_first(const Dataset& data, Split split, int64_t count, uint64_t key = 0) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  return read_samples(data, split, indices, key);
}

/// Whether all numbers and labels agree.
inline bool same(const Samples& a, const Samples& b) {
  return at::equal(a.x, b.x) && a.label.defined() == b.label.defined() &&
         (!a.label.defined() || at::equal(a.label, b.label));
}

/// The same (split, index, key) gives the same sample: read in one batch, one by one, in another order, and by several
/// threads at once.
inline void expect_samples_do_not_depend_on_batching(const Dataset& data, Split split, int64_t count) {
  constexpr uint64_t kKey = 77;
  const Samples whole = read_first(data, split, count, kKey);
  const auto row = [&](int64_t i) {
    return Samples{whole.x.narrow(0, i, 1), whole.label.defined() ? whole.label.narrow(0, i, 1) : at::Tensor()};
  };

  std::vector<int64_t> backwards(static_cast<size_t>(count));
  std::iota(backwards.rbegin(), backwards.rend(), 0);
  const Samples reversed = read_samples(data, split, backwards, kKey);
  EXPECT_TRUE(at::equal(reversed.x.flip(0), whole.x));
  for (int64_t i = 0; i < count; ++i) EXPECT_TRUE(same(read_samples(data, split, {i}, kKey), row(i))) << "sample " << i;

  std::vector<Samples> parallel(4);
  std::vector<std::thread> threads;
  for (Samples& each : parallel) threads.emplace_back([&] { each = read_first(data, split, count, kKey); });
  for (std::thread& thread : threads) thread.join();
  for (const Samples& each : parallel) EXPECT_TRUE(same(each, whole));
}

/// Each split and each key of an endless set has samples of its own.
inline void expect_splits_and_keys_differ(const Dataset& data) {
  const at::Tensor x = read_first(data, Split::train, 64).x, held_out = read_first(data, Split::validation, 64).x;
  const at::Tensor tested = read_first(data, Split::test, 64).x;

  EXPECT_FALSE(at::equal(x, held_out));
  EXPECT_FALSE(at::equal(x, tested));
  EXPECT_FALSE(at::equal(held_out, tested));
  EXPECT_FALSE(at::equal(x, read_first(data, Split::train, 64, 1).x));
}

/// The exact density of a set that has one.
inline const Density& density_of(const Dataset& data) { return query_of<Density>(data, interface_id::kDensity); }

/// The centres of cells x cells squares that tile [-extent, extent]^2: [cells^2, 2] in double.
inline at::Tensor cell_centres(double extent, int64_t cells) {
  const double half = extent / static_cast<double>(cells);
  const at::Tensor side = at::linspace(-extent + half, extent - half, cells, at::kDouble);
  const at::Tensor y = side.view({cells, 1}).expand({cells, cells}), x = side.view({1, cells}).expand({cells, cells});
  return at::stack({x.flatten(), y.flatten()}, 1);
}

/// The mass of each of cells x cells squares of [-extent, extent]^2, by the midpoint rule on `fine`^2 points in each.
inline at::Tensor cell_masses(const Density& density, double extent, int64_t cells, int64_t fine) {
  const double area = std::pow(2 * extent / static_cast<double>(cells * fine), 2);
  const at::Tensor mass = density.log_density(cell_centres(extent, cells * fine)).exp() * area;
  return mass.view({cells, fine, cells, fine}).sum(3).sum(1).flatten();
}

/// Pearson's statistic of samples [n, 2] against the density, on squares that expect at least 5 of them, as its distance
/// from the mean of a chi-square distribution in standard deviations. True samples give about N(0, 1).
inline double chi_square_deviation(const Density& density, const at::Tensor& x, double extent, int64_t cells,
                                   int64_t fine) {
  const at::Tensor expected = cell_masses(density, extent, cells, fine) * x.size(0);
  const at::Tensor place = ((x.to(at::kDouble) + extent) * (static_cast<double>(cells) / (2 * extent))).floor();
  EXPECT_TRUE(((place >= 0) & (place < cells)).all().item<bool>()) << "samples outside of the grid";
  const at::Tensor cell = (place.select(1, 1) * cells + place.select(1, 0)).to(at::kLong);
  const at::Tensor observed = at::bincount(cell, {}, cells * cells).to(at::kDouble);
  const at::Tensor used = expected >= 5;
  const double freedom = used.sum().item<double>() - 1;
  const at::Tensor terms = (observed - expected).square() / expected.clamp_min(5);
  return (terms.masked_select(used).sum().item<double>() - freedom) / std::sqrt(2 * freedom);
}

}  // namespace ttfm::conformance
