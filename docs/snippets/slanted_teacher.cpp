// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The teacher of docs/how_to/write_a_teacher_or_sampler.md.
#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <string>
#include <vector>

#include <ttfm/error.h>
#include <ttfm/flow/interpolate.h>
#include <ttfm/plugin.h>

/// The exact teacher of x_1 ~ N(m, diag(sigma^2)), coordinate by coordinate:
///   a_t^2  = (1-t)^2 + t^2 sigma^2
///   v_t(x) = m + ((t sigma^2 - (1-t)) / a_t^2) (x - t m)
class SlantedTeacher final : public ttfm::Teacher {
 public:
  struct Options {
    std::vector<double> mean{1.5, -0.7};
    std::vector<double> sigma{0.6, 0.2};

    template <class Visitor>
    void describe(Visitor& v) {
      v("mean", mean, "one number for each coordinate");
      v("sigma", sigma, "standard deviation of each coordinate").above(0);
    }
  };

  SlantedTeacher(const Options& options, const ttfm::Config& config)
      : mean_(at::tensor(options.mean)), sigma_(at::tensor(options.sigma)) {
    const auto width = static_cast<size_t>(config.data_shape().front());
    if (config.data_shape().size() == 1 && options.mean.size() == width && options.sigma.size() == width) return;
    throw ttfm::Error(ttfm::ErrorKind::config, "slanted: mean has " + std::to_string(options.mean.size()) +
                                                   " numbers and sigma has " + std::to_string(options.sigma.size()) +
                                                   "; the data set needs vectors, here of " + std::to_string(width));
  }

  at::Tensor velocity(const at::Tensor& x, const at::Tensor& t, const ttfm::Call&) const override {
    const at::Tensor m = mean_.to(x.options()), variance = sigma_.to(x.options()).square();
    const at::Tensor time = ttfm::flow::per_row(t, x);
    const at::Tensor spread = (1 - time).square() + time.square() * variance;
    return m + (time * variance - (1 - time)) / spread * (x - time * m);
  }

 private:
  at::Tensor mean_, sigma_;  // in double; velocity() takes them to where x is
};

TTFM_PLUGIN(plugin, "slanted", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<SlantedTeacher>("slanted", "exact velocity of a Gaussian with a width for each coordinate");
}
