// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <limits>
#include <stdexcept>

#include <ttfm/flow/interpolate.h>
#include <ttfm/plugin.h>

/// A loss and a data set that go wrong in a step that is asked for. Steps count from 0; -1: never.
namespace {

using ttfm::Tensor;

/// Flow matching, at fixed times.
struct SickLoss final : ttfm::Loss {
  struct Options {
    int64_t nan_at = -1, nan_until = -1, no_memory_at = -1, bug_at = -1;

    template <class Visitor>
    void describe(Visitor& v) {
      v("nan_at", nan_at, "one sample's loss is not a number in this step");
      v("nan_until", nan_until, "and in those after it, up to this one");
      v("no_memory_at", no_memory_at, "asks for more memory than there is");
      v("bug_at", bug_at, "throws what no plugin should");
    }
  };
  explicit SickLoss(const Options& options) : options_(options) {}

  void compute(const ttfm::LossInputs& in, const ttfm::LossResult& out) const override {
    if (in.step() == options_.bug_at) throw std::logic_error("index 3 of 2");
    if (in.step() == options_.no_memory_at) at::empty({int64_t{1} << 50});
    const Tensor t = in.stream().child("times").uniform({in.x_0().size(0)});
    out.record("t", t);
    const Tensor u = in.student().velocity(ttfm::flow::interpolate(in.x_0(), in.x_1(), t), t, t, in.call());
    Tensor error = ttfm::flow::square_error(u, in.x_1() - in.x_0());
    if (in.step() == options_.nan_at || (in.step() > options_.nan_at && in.step() <= options_.nan_until)) {
      error = error.masked_fill(at::arange(error.size(0)) == 3, std::numeric_limits<double>::quiet_NaN());
    }
    out.add("velocity", error);
  }

 private:
  Options options_;
};

/// Points on a line, whose file is gone from a sample on.
struct GoneDataset final : ttfm::Dataset {
  struct Options {
    int64_t gone_at = -1;
    double scale = 1;

    template <class Visitor>
    void describe(Visitor& v) {
      v("gone_at", gone_at, "the first sample that cannot be read");
      v("scale", scale, "what the points are multiplied by");
    }
  };
  explicit GoneDataset(const Options& options) : options_(options) {}

  void traits(ttfm::DatasetTraits& out) const override {
    out.rank = 1;
    out.shape[0] = 2;
    out.size[0] = ttfm::DatasetTraits::kEndless;
    out.type = ttfm::DatasetTraits::kFloat;
  }
  void read(const ttfm::ReadRequest& request) const override {
    for (int64_t i = 0; i < request.count; ++i) {
      const int64_t index = request.indices[i];
      if (options_.gone_at >= 0 && index >= options_.gone_at) {
        throw ttfm::Error(ttfm::ErrorKind::data, "cannot read '/net/points.bin': Stale file handle");
      }
      for (int64_t j = 0; j < 2; ++j) {
        static_cast<float*>(request.x)[2 * i + j] = static_cast<float>(options_.scale * double((index + j) % 17) / 17);
      }
    }
  }

 private:
  Options options_;
};

}  // namespace

TTFM_PLUGIN(plugin, "sick", "1.0.0") {
  plugin.add<SickLoss>("sick", "goes wrong when it is asked to");
  plugin.add<GoneDataset>("gone", "cannot be read from a sample on");
}
