// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "framework/config/fake_components.h"

#include <limits>

#include <ttfm/error.h>

#include "base/edit_distance.h"

namespace ttfm::config::test {
namespace {

struct NoOptions {
  template <class Visitor>
  void describe(Visitor&) {}
};

struct MixtureOptions {
  int64_t modes = 8;
  std::vector<double> weights;
  Rows means{{0, 1, 2, 3}, 2};

  template <class Visitor>
  void describe(Visitor& v) {
    v("modes", modes, "components of the mixture").min(1).max(64);
    v("weights", weights, "one for each component").min(0);
    v("means", means, "one row for each component");
  }
};

struct IdxOptions {
  Path path;
  std::optional<int64_t> limit;

  template <class Visitor>
  void describe(Visitor& v) {
    v("path", path, "folder of the four files").required();
    v("limit", limit, "samples that are used").min(1);
  }
};

struct NetworkOptions {
  NestedStudent network;

  template <class Visitor>
  void describe(Visitor& v) {
    v("network", network, "what the field is made of");
  }
};

struct MlpOptions {
  int64_t width = 64;
  double dropout = 0;
  bool bias = true;

  template <class Visitor>
  void describe(Visitor& v) {
    v("width", width, "units of a layer").min(1);
    v("dropout", dropout, "share of units that are dropped").min(0).below(1);
    v("bias", bias, "adds a bias");
  }
};

struct EnsembleOptions {
  NestedStudent member;

  template <class Visitor>
  void describe(Visitor& v) {
    v("member", member, "each of the networks");
  }
};

enum class Integrator { euler, heun, rk4 };

struct ItvmOptions {
  double step = 0.2;
  Integrator integrator = Integrator::heun;
  double longest = std::numeric_limits<double>::infinity();
  std::string times = "uniform";

  template <class Visitor>
  void describe(Visitor& v) {
    v("step", step, "longest step of the teacher's ODE").above(0);
    v.choice("integrator", integrator, {"euler", "heun", "rk4"}, "how that step is made");
    v("longest", longest, "longest jump").above(0).max(std::numeric_limits<double>::infinity());
    v("times", times, "distribution of s and t");
  }
};

struct ClashOptions {
  int64_t init = 0;

  template <class Visitor>
  void describe(Visitor& v) {
    v("init", init, "has the name of a key of [student]");
  }
};

struct BrokenOptions {
  int64_t steps = 0;

  template <class Visitor>
  void describe(Visitor& v) {
    v("steps", steps, "its default is below its minimum").min(1);
  }
};

}  // namespace

FakeComponents::FakeComponents() {
  tables_[{TTFM_DATASET, "gaussian_mixture"}] = param_table<MixtureOptions>();
  tables_[{TTFM_DATASET, "idx"}] = param_table<IdxOptions>();
  tables_[{TTFM_TEACHER, "gaussian"}] = param_table<NoOptions>();
  tables_[{TTFM_TEACHER, "network"}] = param_table<NetworkOptions>();
  tables_[{TTFM_STUDENT, "mlp"}] = param_table<MlpOptions>();
  tables_[{TTFM_STUDENT, "ensemble"}] = param_table<EnsembleOptions>();
  tables_[{TTFM_STUDENT, "clash"}] = param_table<ClashOptions>();
  tables_[{TTFM_LOSS, "flow_matching"}] = param_table<NoOptions>();
  tables_[{TTFM_LOSS, "itvm"}] = param_table<ItvmOptions>();
  tables_[{TTFM_LOSS, "broken"}] = param_table<BrokenOptions>();
  tables_[{TTFM_SAMPLER, "heun"}] = param_table<NoOptions>();
  tables_[{TTFM_SAMPLER, "flow_map"}] = param_table<NoOptions>();
}

Components::Table FakeComponents::find(ttfm_kind kind, std::string_view name) const {
  if (name == "unloadable") throw Error(ErrorKind::plugin, "'libx.so' cannot be loaded: undefined symbol: f", 103);
  const auto found = tables_.find({kind, std::string(name)});
  if (found == tables_.end()) {
    throw Error(ErrorKind::plugin, "there is no '" + std::string(name) + "'. Known: " + join(names(kind)), 115);
  }
  const auto& rows = found->second.rows();
  return {rows.data(), static_cast<uint32_t>(rows.size()), std::string(name) + " 1.0.0"};
}

std::vector<std::string> FakeComponents::names(ttfm_kind kind) const {
  std::vector<std::string> names;
  for (const auto& [key, table] : tables_) {
    if (key.first == kind) names.push_back(key.second);
  }
  return names;
}

}  // namespace ttfm::config::test
