// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include <stdexcept>

/// The plugin that must go on working beside the bad ones, with components that fail in the ways of C++.
namespace {

struct GoodLoss final : ttfm::Loss {
  enum class Way { first, second };
  struct Options {
    double step = 0.2;
    Way way = Way::second;
    std::optional<int64_t> terms;
    ttfm::Path file;

    template <class Visitor>
    void describe(Visitor& v) {
      v("step", step, "the longest step").unit("s").above(0).max(1);
      v.choice("way", way, {"first", "second"}, "which way");
      v("terms", terms, "how many terms").min(1).below(9);
      v("file", file, "where to look").required();
    }
  };
  explicit GoodLoss(const Options& values) : options(values) {}
  void needs(ttfm::LossNeeds& out) const override { out.teacher = options.step < 0.5; }
  Options options;
};

struct RefusesItsConfig final : ttfm::Loss {
  RefusesItsConfig() { throw ttfm::Error(ttfm::ErrorKind::data, "its file 'x' is empty"); }
};

struct Throws final : ttfm::Loss {
  Throws() { throw std::out_of_range("index 3 of 2"); }
};

struct GoodStudent final : ttfm::Student {};

}  // namespace

TTFM_PLUGIN(plugin, "good", "1.2.3") {
  plugin.license("Apache-2.0");
  plugin.add<GoodLoss>("good", "works");
  plugin.add<RefusesItsConfig>("refuses", "always refuses its configuration");
  plugin.add<Throws>("throws", "always has a bug");
  plugin.add<GoodStudent>("good", "a student of the same name");
}
