// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/histogram_kl.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>

#include "eval/rows.h"

namespace ttfm::eval {

HistogramKl::HistogramKl(const Tensor& data) : HistogramKl(data, domain_of(data, kMargin), kBins) {}

HistogramKl::HistogramKl(const Tensor& data, const Domain& domain, int64_t bins) : domain_(domain), bins_(bins) {
  data_share_ = histogram(data, domain, bins).to(at::kDouble) / static_cast<double>(data.size(0));
}

double HistogramKl::operator()(const Tensor& samples) const {
  const Tensor share =
      histogram(samples, domain_, bins_).to(at::kDouble).clamp_min(0.5) / static_cast<double>(samples.size(0));
  const Tensor occupied = data_share_ > 0;
  const Tensor terms = at::where(occupied, data_share_ * (data_share_ / share).log(), 0.0);
  return value_of(terms.sum());
}

}  // namespace ttfm::eval
