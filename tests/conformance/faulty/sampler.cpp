// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Samplers with one defect each, and a sound one: Euler steps of a field. The name of the defect is the sampler's.
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>

#include <ttfm/plugin.h>

namespace {

using ttfm::Tensor;

enum class Fault {
  none,
  works_on_nothing,
  stops_before_the_end,
  asks_once_more,
  walks_backwards,
  writes_to_x_0,
  mixes_rows,
  remembers,
  drops_labels,
};

template <Fault fault>
class FaultySampler final : public ttfm::Sampler {
 public:
  void traits(ttfm::SamplerTraits& out) const override { out.field = fault != Fault::works_on_nothing; }

  void sample(const ttfm::SampleInputs& in, const ttfm::SampleResult& out) const override {
    const ttfm::Call unlabelled;
    const ttfm::Call& call = fault == Fault::drops_labels ? unlabelled : in.call();
    const int64_t steps = in.evaluations();
    const double h = 1 / static_cast<double>(steps);
    Tensor x = in.x_0();
    for (int64_t i = 0; i < steps; ++i) {
      const Tensor t = at::full({x.size(0)}, static_cast<double>(i) * h, x.options());
      const Tensor v = in.field() ? in.field()->velocity(x, t, call) : in.flow_map()->velocity(x, t, t, call);
      x = fault == Fault::walks_backwards ? x - h * v : x + h * v;
      if (fault == Fault::mixes_rows) x = x + 1e-6 * x.mean(0);
      const bool last = i + 1 == steps;
      static int calls = 0;
      if (fault == Fault::remembers) x = x + 1e-6 * ++calls;
      if (fault == Fault::asks_once_more && last) in.field()->velocity(x, t, call);
      out.point(last ? (fault == Fault::stops_before_the_end ? 1 - 1e-9 : 1) : static_cast<double>(i + 1) * h, x);
    }
    if (fault == Fault::writes_to_x_0) in.x_0().add_(0);
  }
};

template <Fault fault>
void add(ttfm::Plugin& plugin, const char* name) {
  plugin.add<FaultySampler<fault>>(name, "a sampler with one defect");
}

}  // namespace

TTFM_PLUGIN(plugin, "faulty_sampler", "0.1.0") {
  add<Fault::none>(plugin, "none");
  add<Fault::works_on_nothing>(plugin, "works_on_nothing");
  add<Fault::stops_before_the_end>(plugin, "stops_before_the_end");
  add<Fault::asks_once_more>(plugin, "asks_once_more");
  add<Fault::walks_backwards>(plugin, "walks_backwards");
  add<Fault::writes_to_x_0>(plugin, "writes_to_x_0");
  add<Fault::mixes_rows>(plugin, "mixes_rows");
  add<Fault::remembers>(plugin, "remembers");
  add<Fault::drops_labels>(plugin, "drops_labels");
}
