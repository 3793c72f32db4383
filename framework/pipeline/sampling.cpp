// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/sampling.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include <ttfm/error.h>

#include "facade/impl.h"

namespace ttfm::pipeline {
namespace {

class Points final : public SampleResult::Impl {
 public:
  Points(const SampledBy& by, const Tensor& x_0, bool keep) : by_(by), x_0_(x_0), keep_(keep) {}

  void point(double t, const Tensor& x) override {
    if (t < last_t_ || t > 1) {
      fail("gave a point at t = " + std::to_string(t) + " after t = " + std::to_string(last_t_) +
           "; times increase and end at 1");
    }
    check_velocity("sampler '" + by_.name + "'", x_0_, x);
    last_t_ = t;
    last_x_ = x;
    if (keep_) points_.emplace_back(t, x);
  }

  Draw result(int64_t evaluations) {
    if (!last_x_.defined() || last_t_ != 1) fail("ended at t = " + std::to_string(last_t_) + ", not at 1");
    return {last_x_, evaluations, std::move(points_)};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::plugin, "sampler '" + by_.name + "' " + what);
  }

  const SampledBy& by_;
  const Tensor& x_0_;
  bool keep_;
  double last_t_ = 0;
  Tensor last_x_;
  std::vector<std::pair<double, Tensor>> points_;
};

}  // namespace

Draw draw(const SampledBy& by, const Tensor& x_0, const Call& call, const Stream& stream, int64_t evaluations,
          bool trajectory) {
  const at::NoGradGuard no_grad;
  SamplerTraits traits;
  by.sampler.traits(traits);
  const int64_t step = std::max<int64_t>(1, traits.evaluations_per_step);

  SampleInputs::Impl in;
  in.x_0 = x_0;
  in.call = &call;
  in.stream = &stream;
  in.evaluations = std::max(step, evaluations / step * step);
  in.field = by.field;
  in.flow_map = by.flow_map;
  Points points(by, x_0, trajectory);
  const int64_t before = by.counter.rows;
  by.sampler.sample(SampleInputs(&in), SampleResult(&points));
  return points.result((by.counter.rows - before) / std::max<int64_t>(1, x_0.size(0)));
}

}  // namespace ttfm::pipeline
