// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// A component of each kind that leans on the whole border of ABI 1.1: every virtual is overridden, every function of the
// facades is called, every field of the structs is read or written. The binary beside this file was built from it with
// the SDK of that release; README.md says why it is never built again.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <atomic>
#include <cmath>

#include <ttfm/activations.h>
#include <ttfm/flow/gaussian.h>
#include <ttfm/flow/times.h>
#include <ttfm/parallel.h>
#include <ttfm/plugin.h>
#include <ttfm/weight_in.h>

namespace {

using namespace ttfm;

void demand(bool holds, const char* what) {
  if (!holds) throw Error(ErrorKind::plugin, std::string("the host broke its promise: ") + what, 199);
}

// ---- a data set of points on a circle --------------------------------------------------------------------------------

class FirstDataset final : public Dataset {
 public:
  enum class Side : uint32_t { both = 0, right = 1 };
  struct Options {
    bool labelled = true;
    int64_t train = 256;
    double radius = 1.5;
    std::string title = "a circle";
    Side side = Side::both;
    std::vector<int64_t> held_out{64, 32};
    std::vector<double> centre{0.5, -0.25};
    Rows corners{{-2, -2, 2, 2}, 2};
    Path file{"circle.txt"};
    std::optional<double> jitter{};

    template <class Visitor>
    void describe(Visitor& v) {
      v("labelled", labelled, "give each half of the circle a label");
      v("train", train, "samples to train on").min(1).max(1e6);
      v("radius", radius, "of the circle").above(0).below(10).unit("of the data");
      v("title", title, "what it is called").advanced();
      v.choice("side", side, {"both", "right"}, "which part of the circle");
      v("held_out", held_out, "samples of validation and test").min(0);
      v("centre", centre, "of the circle").since("0.1.0");
      v("corners", corners, "of the square around it");
      v("file", file, "a path that nobody opens");
      v("jitter", jitter, "not given by default").min(0);
    }
  };

  FirstDataset(const Options& options, const Config& config) : options_(options) {
    demand(config.flag("labelled") == options.labelled && config.integer("train") == options.train, "Config");
    demand(config.number("radius") == options.radius && config.text("title") == options.title, "Config");
    demand(config.integers("held_out").size() == options.held_out.size(), "Config::integers");
    demand(config.numbers("corners").size() == 4 && config.rows("corners") == 2, "Config::rows");
    demand(config.has("jitter") == options.jitter.has_value(), "Config::has");
    demand(options.file.value.starts_with("/"), "paths are absolute");
  }

  void traits(DatasetTraits& out) const override {
    demand(out.struct_size >= sizeof out && out.reserved == 0, "DatasetTraits");
    out.rank = 1;
    out.shape[0] = 2;
    out.classes = options_.labelled ? 2 : 0;
    out.size[0] = options_.train;
    out.size[1] = options_.held_out.at(0);
    out.size[2] = options_.held_out.at(1);
    out.type = DatasetTraits::kFloat;
    out.low = -3;
    out.high = 3;
  }

  void read(const ReadRequest& request) const override {
    demand(request.struct_size >= sizeof request && request.count > 0, "ReadRequest");
    auto* const x = static_cast<float*>(request.x);
    for (int64_t i = 0; i < request.count; ++i) {
      const int64_t index = request.indices[i] * 3 + static_cast<int64_t>(request.split);
      const double turn = std::fmod(static_cast<double>(index) * 0.61803398875, 1.0);
      const double angle = (options_.side == Side::right ? turn - 0.5 : 2 * turn) * 3.14159265358979;
      x[2 * i] = static_cast<float>(options_.centre[0] + options_.radius * std::cos(angle));
      x[2 * i + 1] = static_cast<float>(options_.centre[1] + options_.radius * std::sin(angle));
      if (request.label) request.label[i] = turn < 0.5 ? 0 : 1;
    }
  }

 private:
  Options options_;
};

// ---- the exact teacher of one Gaussian -------------------------------------------------------------------------------

class FirstTeacher final : public Teacher, public ExactMap, public Density {
 public:
  struct Options {
    double sigma = 0.8;
    template <class Visitor>
    void describe(Visitor& v) {
      v("sigma", sigma, "standard deviation of the data").above(0);
    }
  };
  FirstTeacher(const Options& options, const Config& config)
      : gaussian_{at::full(config.data_shape(), 0.25), options.sigma} {
    demand(config.data_classes() >= 0, "Config::data_classes");
  }

  const void* query(uint32_t id) const noexcept override {
    if (id == interface_id::kExactMap) return static_cast<const ExactMap*>(this);
    if (id == interface_id::kDensity) return static_cast<const Density*>(this);
    return nullptr;
  }
  void traits(NetworkTraits& out) const override {
    demand(out.struct_size >= sizeof out, "NetworkTraits");
    out.x_gradient = true;
    out.any_order = true;
  }
  void parameters(ParameterSet&) override {}
  Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const override {
    demand(call.struct_size >= sizeof call, "Call");
    return gaussian_.to(x.options()).velocity(x, t);
  }
  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t) const override {
    return gaussian_.to(x.options()).average_velocity(x, s, t);
  }
  Tensor log_density(const Tensor& x) const override { return gaussian_.to(x.options()).log_density(x); }

 private:
  flow::Gaussian gaussian_;
};

// ---- a network of one hidden layer -----------------------------------------------------------------------------------

/// u = B tanh(A [x, s, t, label] + a), for points; the derivative by the chain rule.
class FirstStudent final : public Student {
 public:
  struct Options {
    int64_t width = 16;
    bool recompute = false;
    template <class Visitor>
    void describe(Visitor& v) {
      v("width", width, "units of the hidden layer").min(1);
      v("recompute", recompute, "what [train] activations says");
    }
  };
  FirstStudent(const Options& options, const Config& config)
      : classes_(config.data_classes()), size_(config.data_shape()[0]), recompute_(options.recompute) {
    first_ = at::zeros({options.width, size_ + 3});
    bias_ = at::zeros({options.width});
    last_ = at::zeros({size_, options.width});
    scale_ = at::ones_like(bias_);
  }

  void traits(NetworkTraits& out) const override {
    out.classes = classes_;
    out.dual = out.x_gradient = out.stackable = true;
    out.guidance_input = out.dropout = false;
  }
  void parameters(ParameterSet& out) override {
    out.parameter("first.weight", first_);
    out.parameter("first.bias", bias_, parameter_flag::kNoDecay);
    out.parameter("last.weight", last_, parameter_flag::kKeepFloat);
    out.buffer("scale", scale_);
  }
  void initialise(const Stream& stream) override {
    const Stream host = stream.on_host();
    first_.copy_(host.child("first").normal(first_.sizes()) * 0.5);
    last_.copy_(host.child("last").uniform(last_.sizes()) - 0.5);
    demand(host.child("whole").integers({4}, 7).lt(7).all().item<bool>(), "Stream::integers");
    demand(stream.impl().reserved1 == 0, "Stream::Impl");
  }
  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const override {
    demand(!call.guidance.defined() && !call.dropout, "Call");
    for (const Tensor& weight : {first_, bias_, last_}) demand_weight_in(weight);
    return at::linear(scale_ * hidden(x, s, t, call).tanh(), last_);
  }
  Dual velocity_dual(const Dual& x, const Dual& s, const Dual& t, const Call& call) const override {
    demand(recomputes_activations() == recompute_, "recomputes_activations() is what the configuration says");
    std::atomic<int64_t> covered = 0;
    parallel_for(0, 1000, 1, [&](int64_t from, int64_t to) { covered += to - from; });
    demand(covered == 1000, "parallel_for");
    for (const Tensor& weight : {first_, bias_, last_}) demand_weight_in(weight);
    const Tensor h = hidden(x.primal, s.primal, t.primal, call).tanh();
    const auto or_zero = [](const Dual& value) {
      return value.tangent.defined() ? value.tangent : at::zeros_like(value.primal);
    };
    const Tensor d =
        at::linear(at::cat({or_zero(x), column(or_zero(s)), column(or_zero(t)), column(or_zero(s)) * 0}, 1), first_);
    return {at::linear(scale_ * h, last_), at::linear(scale_ * (1 - h * h) * d, last_)};
  }

 private:
  static void demand_weight_in(const Tensor& weight) {
    demand(weight_in(weight, at::kFloat).is_same(weight), "weight_in() of the weight's own type is the weight");
    const Tensor copy = weight_in(weight, at::kBFloat16);
    demand(copy.scalar_type() == at::kBFloat16 && !copy.requires_grad(),
           "weight_in() converts and records no gradient");
    demand(at::equal(copy, weight.detach().to(at::kBFloat16)), "weight_in() is of the weight as it is now");
    demand(copy.sizes() == weight.sizes() && copy.strides() == weight.strides(), "weight_in() keeps the layout");
  }
  static Tensor column(const Tensor& time) { return time.unsqueeze(1); }
  Tensor hidden(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const {
    const Tensor label = call.label.defined() ? call.label.to(x.options()) : at::full(s.sizes(), classes_, x.options());
    return at::linear(at::cat({x, column(s), column(t), column(label)}, 1), first_, bias_);
  }

  int64_t classes_, size_;
  bool recompute_;
  Tensor first_, bias_, last_, scale_;
};

// ---- a loss that asks for everything ---------------------------------------------------------------------------------

/// LFMD's residual, an initial term, and two consistency terms with copies; each term with a weight of its own, one of
/// them learned.
class FirstLoss final : public Loss, public Trainable {
 public:
  struct Options {
    double decay = 0.9;
    int64_t refresh = 2;
    flow::TimePairOptions time{};
    template <class Visitor>
    void describe(Visitor& v) {
      v("decay", decay, "of the copy that follows").min(0).below(1);
      v("refresh", refresh, "steps between snapshots of the other copy").min(0);
      time.describe(v);
    }
  };
  explicit FirstLoss(const Options& options) : options_(options), log_scale_(at::zeros({1})) {}

  const void* query(uint32_t id) const noexcept override {
    return id == interface_id::kTrainable ? static_cast<const Trainable*>(this) : nullptr;
  }
  void parameters(ParameterSet& out) override { out.parameter("log_scale", log_scale_, parameter_flag::kNoDecay); }
  void initialise(const Stream& stream) override { log_scale_.copy_(stream.normal({1}) * 0); }

  void needs(LossNeeds& out) const override {
    demand(out.struct_size >= sizeof out && out.reserved == 0, "LossNeeds");
    out.teacher = out.teacher_x_gradient = out.data = out.derivative = true;
    out.copies = 2;
    out.copy[0].kind = CopyRule::kEma;
    out.copy[0].decay = options_.decay;
    out.copy[1].kind = CopyRule::kFrozen;
    out.copy[1].refresh_every = options_.refresh;
  }
  void compute(const LossInputs& in, const LossResult& out) const override {
    demand(in.step() >= 0 && in.step() < in.steps(), "LossInputs::steps");
    const auto [s, t] = options_.time.draw(in);
    const Tensor x_s = flow::interpolate(in.x_0(), in.x_1(), s);
    const FlowMap& student = in.student();
    NetworkTraits of_student, of_teacher;
    student.traits(of_student);
    in.teacher().traits(of_teacher);
    demand(of_student.dual && of_teacher.x_gradient, "traits of facades");

    const Dual u = student.derivative(x_s, s, t, {.dx = {}, .ds = {}, .dt = at::ones_like(t)}, in.call());
    const Tensor phi = student(x_s, s, t, in.call());
    const Tensor residual = u.primal + flow::per_row(t - s, x_s) * u.tangent - in.teacher().velocity(phi, t, in.call());
    out.add("terminal", flow::row_mean(residual.square()) * (-log_scale_).exp() + log_scale_);

    const auto [u_s, u_t] = student.velocities({{x_s, s, s, &in.call()}, {x_s, s, t, &in.call()}});
    const Call call = in.call();  // a copy
    out.add("initial", flow::square_error(u_s, in.teacher().velocity(x_s, s, call)), 0.5);
    out.add("follow", flow::square_error(u_t, in.copy(0).velocity(x_s, s, t, call)), 0.1);
    out.add("frozen", flow::square_error(u_t, in.copy(1).velocity(x_s, s, t, call)), 0.1);

    const Tensor diagonal = student.diagonal().velocity(x_s, s, call), stopped = student.stopped()(x_s, s, s, call);
    demand(!diagonal.requires_grad() && !stopped.requires_grad(), "stopped() records no gradient");
    demand(in.stream().child("a").uniform({x_s.size(0), 2}).dim() == 2, "Stream");
    out.record("s", s);
    out.record("t", t);
    if (in.step() % 2 == 0) out.refresh_copy(1);
  }

 private:
  Options options_;
  Tensor log_scale_;
};

// ---- a sampler of both kinds -----------------------------------------------------------------------------------------

class FirstSampler final : public Sampler {
 public:
  void traits(SamplerTraits& out) const override {
    demand(out.struct_size >= sizeof out && !out.reserved, "SamplerTraits");
    out.field = out.flow_map = true;
    out.adaptive = false;
    out.evaluations_per_step = 1;
  }
  void sample(const SampleInputs& in, const SampleResult& out) const override {
    demand((in.field() == nullptr) != (in.flow_map() == nullptr), "one of field and flow map");
    demand(in.stream().normal({in.x_0().size(0)}).size(0) == in.x_0().size(0), "Stream");
    const auto steps = static_cast<double>(in.evaluations());
    Tensor x = in.x_0();
    out.point(0, x);
    for (int64_t i = 0; i < in.evaluations(); ++i) {
      const double s = static_cast<double>(i) / steps, t = static_cast<double>(i + 1) / steps;
      const Tensor from = at::full({x.size(0)}, s, x.options()), to = at::full({x.size(0)}, t, x.options());
      x = in.field() ? x + (t - s) * in.field()->velocity(x, from, in.call())
                     : (*in.flow_map())(x, from, to, in.call());
      out.point(i + 1 == in.evaluations() ? 1 : t, x);
    }
  }
};

}  // namespace

TTFM_PLUGIN(plugin, "first", "1.0.0") {
  plugin.license("Apache-2.0").vendor("the ttfm authors").url("https://example.org/first");
  plugin.add<FirstDataset>("first", "points on a circle", "https://example.org/first/dataset");
  plugin.add<FirstTeacher>("first", "the exact velocity of a Gaussian");
  plugin.add<FirstStudent>("first", "a network of one hidden layer");
  plugin.add<FirstLoss>("first", "a loss that asks for everything");
  plugin.add<FirstSampler>("first", "Euler steps of a field, jumps of a flow map");
}
