// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The plugin of docs/how_to/write_a_dataset.md.
#include <algorithm>
#include <string>
#include <vector>

#include <ttfm/error.h>
#include <ttfm/io/samples.h>
#include <ttfm/plugin.h>

/// x_1 ~ N(mean, diag(sigma^2)), a Gaussian with a width of its own for each coordinate. Endless.
class SlantedDataset final : public ttfm::Dataset {
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

  explicit SlantedDataset(const Options& options) : options_(options) {
    if (options.mean.size() == options.sigma.size() && !options.mean.empty()) return;
    throw ttfm::Error(ttfm::ErrorKind::config, "slanted: mean has " + std::to_string(options.mean.size()) +
                                                   " numbers and sigma has " + std::to_string(options.sigma.size()) +
                                                   "; give as many, and at least one");
  }

  void traits(ttfm::DatasetTraits& out) const override {
    out.rank = 1;
    out.shape[0] = width();
    std::fill_n(out.size, 3, ttfm::DatasetTraits::kEndless);
    out.type = ttfm::DatasetTraits::kFloat;
    out.low = -4;  // for pictures
    out.high = 4;
  }

  void read(const ttfm::ReadRequest& request) const override {
    ttfm::io::for_each_run(request, [&](int64_t position, int64_t count, const ttfm::Stream& stream) {
      const at::Tensor z = stream.child("noise").normal({count, width()});
      const float* from = z.const_data_ptr<float>();
      float* to = static_cast<float*>(request.x) + position * width();
      for (int64_t i = 0; i < count * width(); ++i) {
        const auto coordinate = static_cast<size_t>(i % width());
        const double x = options_.mean[coordinate] + options_.sigma[coordinate] * static_cast<double>(from[i]);
        to[i] = static_cast<float>(x);
      }
    });
  }

 private:
  int64_t width() const { return static_cast<int64_t>(options_.mean.size()); }

  Options options_;
};

TTFM_PLUGIN(plugin, "slanted", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<SlantedDataset>("slanted", "a Gaussian with a width for each coordinate; endless");
}
