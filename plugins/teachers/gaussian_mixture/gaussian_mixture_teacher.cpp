// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "gaussian_mixture_teacher.h"

#include <c10/util/accumulate.h>

#include <sstream>

#include <ttfm/error.h>

namespace ttfm::teacher {
namespace {

flow::GaussianMixture mixture(const flow::GaussianMixtureOptions& options, at::IntArrayRef shape) {
  const flow::GaussianMixtureTable table = flow::expand(options);
  if (table.elements != c10::multiply_integers(shape)) {
    std::ostringstream text;
    text << "gaussian_mixture: the means have " << table.elements << " elements"
         << (options.means.count == 0 ? " (a circle in 2-D)" : "") << ", but a sample of the data set has "
         << c10::multiply_integers(shape) << " (" << shape << "); give `means` with one number for each element";
    throw Error(ErrorKind::config, text.str());
  }
  return flow::GaussianMixture::from(table);
}

}  // namespace

GaussianMixtureTeacher::GaussianMixtureTeacher(const Options& options, const Config& config)
    : data_(mixture(options, config.data_shape())) {}

const void* GaussianMixtureTeacher::query(uint32_t id) const noexcept {
  return id == interface_id::kDensity ? static_cast<const Density*>(this) : nullptr;
}

Tensor GaussianMixtureTeacher::velocity(const Tensor& x, const Tensor& t, const Call&) const {
  return data_.like(x).velocity(x, t);
}

Tensor GaussianMixtureTeacher::log_density(const Tensor& x) const { return data_.like(x).log_density(x); }

}  // namespace ttfm::teacher
