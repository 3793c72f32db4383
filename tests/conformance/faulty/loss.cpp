// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Losses with one defect each, and a sound one. The name of the defect is the name of the loss.
#include <ATen/TensorOperators.h>
#include <ATen/ops/rand.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <stdexcept>
#include <type_traits>

#include <ttfm/flow/interpolate.h>
#include <ttfm/plugin.h>

namespace {

using ttfm::Tensor;

enum class Fault {
  none,
  // of any kind of component
  fails_to_start,
  limits_allow_nothing,
  breaks_at_its_limit,
  reads_a_hidden_key,
  never_reads_a_key,
  leaks,
  counts_instances,
  draws_from_libtorch,
  // of losses
  averages_the_batch,
  detaches,
  records_the_teacher,
  differentiates_wrongly,
  writes_to_x_0,
  remembers,
  squeezes,
  centres_the_batch,
  drops_labels,
  hides_the_teacher,
  wants_a_copy,
  hides_a_derivative,
  swaps_times,
};

/// x^2 with half of its gradient.
struct WrongSquare : torch::autograd::Function<WrongSquare> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x) {
    context->save_for_backward({x});
    return x * x;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradient) {
    return {context->get_saved_variables()[0] * gradient[0]};
  }
};

template <Fault fault>
class FaultyLoss final : public ttfm::Loss {
 public:
  struct Options {
    double scale = 1, unused = 1;
    std::optional<double> optional;
    template <class Visitor>
    void describe(Visitor& v) {
      if constexpr (fault == Fault::limits_allow_nothing) {
        v("optional", optional, "of no use").min(2).max(1);
      }
      v("scale", scale, "of the loss").min(0);
      if constexpr (fault == Fault::never_reads_a_key && std::is_same_v<Visitor, ttfm::ParamTable>) {
        v("unused", unused, "of nothing");
      }
    }
  };

  FaultyLoss(const Options& options, const ttfm::Config& config) : scale_(options.scale) {
    if (fault == Fault::fails_to_start) throw std::runtime_error("no reason at all");
    if (fault == Fault::breaks_at_its_limit && scale_ == 0) throw std::runtime_error("1 / scale");
    if (fault == Fault::reads_a_hidden_key) config.has("hidden");
    if (fault == Fault::leaks) lost_ = new char[1 << 16]();
    static int instances = 0;
    if (fault == Fault::counts_instances) scale_ *= ++instances;
  }

  void needs(ttfm::LossNeeds& out) const override {
    out.teacher = fault == Fault::records_the_teacher;
    out.copies = fault == Fault::wants_a_copy ? 1 : 0;
  }

  void compute(const ttfm::LossInputs& in, const ttfm::LossResult& out) const override {
    const ttfm::Call unlabelled;
    const ttfm::Call& call = fault == Fault::drops_labels ? unlabelled : in.call();
    Tensor s = in.stream().child("s").uniform({in.x_0().size(0)}) * 0.5, t = s + 0.25;
    if (fault == Fault::swaps_times) std::swap(s, t);
    const Tensor x = ttfm::flow::interpolate(in.x_0(), in.x_1(), s);
    Tensor u = in.student().velocity(x, s, t, call), target = in.x_1() - in.x_0();
    if (fault == Fault::detaches) u = u.detach();
    if (fault == Fault::hides_the_teacher) target = in.teacher().velocity(x, s, call);
    if (fault == Fault::records_the_teacher) target = in.teacher().velocity(x + 0.1 * u, s, call);
    if (fault == Fault::hides_a_derivative) {
      u = u + 0.1 * in.student().derivative(x, s, t, {.dt = t * 0 + 1}, call).tangent;
    }
    if (fault == Fault::centres_the_batch) target = target - target.mean(0);
    if (fault == Fault::draws_from_libtorch) target = target + 0 * at::rand({1}, target.options());
    if (fault == Fault::writes_to_x_0) in.x_0().add_(0);
    static int calls = 0;
    if (fault == Fault::remembers) target = target + 1e-3 * ++calls;
    const Tensor residual = scale_ * (u - target);
    const Tensor square = fault == Fault::differentiates_wrongly ? WrongSquare::apply(residual) : residual * residual;
    Tensor term = ttfm::flow::row_mean(square);
    if (fault == Fault::averages_the_batch) term = term.mean();
    if (fault == Fault::squeezes) term = term.squeeze();
    out.add("velocity", term);
  }

 private:
  double scale_;
  char* lost_ = nullptr;
};

template <Fault fault>
void add(ttfm::Plugin& plugin, const char* name) {
  plugin.add<FaultyLoss<fault>>(name, "a loss with one defect");
}

}  // namespace

TTFM_PLUGIN(plugin, "faulty_loss", "0.1.0") {
  add<Fault::none>(plugin, "none");
  add<Fault::fails_to_start>(plugin, "fails_to_start");
  add<Fault::limits_allow_nothing>(plugin, "limits_allow_nothing");
  add<Fault::breaks_at_its_limit>(plugin, "breaks_at_its_limit");
  add<Fault::reads_a_hidden_key>(plugin, "reads_a_hidden_key");
  add<Fault::never_reads_a_key>(plugin, "never_reads_a_key");
  add<Fault::leaks>(plugin, "leaks");
  add<Fault::counts_instances>(plugin, "counts_instances");
  add<Fault::draws_from_libtorch>(plugin, "draws_from_libtorch");
  add<Fault::averages_the_batch>(plugin, "averages_the_batch");
  add<Fault::detaches>(plugin, "detaches");
  add<Fault::records_the_teacher>(plugin, "records_the_teacher");
  add<Fault::differentiates_wrongly>(plugin, "differentiates_wrongly");
  add<Fault::writes_to_x_0>(plugin, "writes_to_x_0");
  add<Fault::remembers>(plugin, "remembers");
  add<Fault::squeezes>(plugin, "squeezes");
  add<Fault::centres_the_batch>(plugin, "centres_the_batch");
  add<Fault::drops_labels>(plugin, "drops_labels");
  add<Fault::hides_the_teacher>(plugin, "hides_the_teacher");
  add<Fault::wants_a_copy>(plugin, "wants_a_copy");
  add<Fault::hides_a_derivative>(plugin, "hides_a_derivative");
  add<Fault::swaps_times>(plugin, "swaps_times");
}
