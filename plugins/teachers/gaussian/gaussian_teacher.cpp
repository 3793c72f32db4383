// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "gaussian_teacher.h"

#include <ATen/ops/empty.h>
#include <c10/util/accumulate.h>

#include <algorithm>
#include <sstream>

#include <ttfm/error.h>

namespace ttfm::teacher {
namespace {

/// The mean as a tensor that broadcasts against samples of this shape.
Tensor mean_tensor(const std::vector<double>& mean, at::IntArrayRef shape) {
  const auto count = static_cast<int64_t>(mean.size());
  if (count != 1 && count != c10::multiply_integers(shape)) {
    std::ostringstream text;
    text << "gaussian: mean has " << count << " numbers, but a sample of the data set has "
         << c10::multiply_integers(shape) << " (" << shape << "); give one number, or one for each element";
    throw Error(ErrorKind::config, text.str());
  }
  Tensor out = at::empty({count}, at::TensorOptions().dtype(at::kDouble));
  std::copy(mean.begin(), mean.end(), out.mutable_data_ptr<double>());
  return count == 1 ? out : out.view(shape);
}

}  // namespace

GaussianTeacher::GaussianTeacher(const Options& options, const Config& config)
    : data_(flow::Gaussian{mean_tensor(options.mean, config.data_shape()), options.sigma}) {}

const void* GaussianTeacher::query(uint32_t id) const noexcept {
  if (id == interface_id::kExactMap) return static_cast<const ExactMap*>(this);
  if (id == interface_id::kDensity) return static_cast<const Density*>(this);
  return nullptr;
}

Tensor GaussianTeacher::velocity(const Tensor& x, const Tensor& t, const Call&) const {
  return data_.like(x).velocity(x, t);
}

Tensor GaussianTeacher::velocity(const Tensor& x, const Tensor& s, const Tensor& t) const {
  return data_.like(x).average_velocity(x, s, t);
}

Tensor GaussianTeacher::log_density(const Tensor& x) const { return data_.like(x).log_density(x); }

}  // namespace ttfm::teacher
