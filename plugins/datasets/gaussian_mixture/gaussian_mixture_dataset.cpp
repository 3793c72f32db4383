// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "gaussian_mixture_dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ttfm/io/samples.h>

namespace ttfm {

GaussianMixtureDataset::GaussianMixtureDataset(const Options& options)
    : table_(flow::expand(options)), mixture_(flow::GaussianMixture::from(table_)), labels_(options.labels) {
  cumulative_.resize(table_.weights.size());
  std::partial_sum(table_.weights.begin(), table_.weights.end(), cumulative_.begin());
}

const void* GaussianMixtureDataset::query(uint32_t id) const noexcept {
  return id == interface_id::kDensity ? static_cast<const Density*>(this) : nullptr;
}

void GaussianMixtureDataset::traits(DatasetTraits& out) const {
  out.rank = 1;
  out.shape[0] = table_.elements;
  out.classes = labels_ ? table_.components : 0;
  std::fill_n(out.size, 3, DatasetTraits::kEndless);
  out.type = DatasetTraits::kFloat;

  double extent = 0;  // four standard deviations beyond the outermost mean
  for (size_t i = 0; i < table_.means.size(); ++i) {
    const double sigma = table_.sigmas[i / static_cast<size_t>(table_.elements)];
    extent = std::max(extent, std::abs(table_.means[i]) + 4 * sigma);
  }
  out.low = static_cast<float>(-extent);
  out.high = static_cast<float>(extent);
}

/// x = mu_k + sigma_k z with P(k) = w_k and z ~ N(0, I).
void GaussianMixtureDataset::read(const ReadRequest& request) const {
  const int64_t width = table_.elements;
  io::for_each_run(request, [&](int64_t position, int64_t count, const Stream& stream) {
    const Tensor pick = stream.child("component").uniform({count}),
                 noise = stream.child("noise").normal({count, width});
    const float* u = pick.const_data_ptr<float>();
    const float* z = noise.const_data_ptr<float>();
    float* x = static_cast<float*>(request.x) + position * width;
    for (int64_t row = 0; row < count; ++row, z += width, x += width) {
      const auto above = std::upper_bound(cumulative_.begin(), cumulative_.end(), static_cast<double>(u[row]));
      const int64_t k = std::min(std::distance(cumulative_.begin(), above), table_.components - 1);
      const double* mean = table_.means.data() + k * width;
      const double sigma = table_.sigmas[static_cast<size_t>(k)];
      for (int64_t i = 0; i < width; ++i) x[i] = static_cast<float>(mean[i] + sigma * static_cast<double>(z[i]));
      if (labels_ && request.label) request.label[position + row] = k;
    }
  });
}

Tensor GaussianMixtureDataset::log_density(const Tensor& x) const { return mixture_.to(x.options()).log_density(x); }

}  // namespace ttfm
