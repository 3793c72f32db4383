// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Students with one defect each, and a sound one. The name of the defect is the name of the student.
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>
#include <c10/util/accumulate.h>

#include <ttfm/plugin.h>

namespace {

using ttfm::Tensor;

enum class Fault {
  none,
  gives_another_dtype,
  names_a_weight_twice,
  forgets_a_weight,
  hides_a_weight,
  stops_a_gradient,
  tangent_is_zero,
  mixes_rows,
  ignores_labels,
  ignores_the_dropout_stream,
  remembers,
  writes_to_x,
};

/// u_{s,t}(x) = tanh(x W + s a + t b + e_label) V, x flattened.
template <Fault fault>
class FaultyStudent final : public ttfm::Student {
 public:
  explicit FaultyStudent(const ttfm::Config& config) : classes_(config.data_classes()) {
    const int64_t size = c10::multiply_integers(config.data_shape());
    w_ = at::zeros({size, size}), v_ = at::zeros({size, size}), a_ = at::zeros({size}), b_ = at::zeros({size});
    labels_ = at::zeros({classes_ + 1, size});
  }

  void traits(ttfm::NetworkTraits& out) const override {
    out.classes = classes_;
    out.dual = fault == Fault::tangent_is_zero;
    out.dropout = fault == Fault::ignores_the_dropout_stream;
  }

  void parameters(ttfm::ParameterSet& out) override {
    out.parameter("w", w_);
    out.parameter(fault == Fault::names_a_weight_twice ? "w" : "v", v_);
    out.parameter("a", a_);
    out.parameter("b", b_);
    if (classes_ > 0 && fault != Fault::ignores_labels) out.parameter("labels", labels_);
  }

  void initialise(const ttfm::Stream& stream) override {
    w_.copy_(stream.child("w").normal(w_.sizes()));
    v_.copy_(stream.child("v").normal(v_.sizes()));
    a_.copy_(stream.child("a").normal(a_.sizes()));
    if (fault != Fault::forgets_a_weight) b_.copy_(stream.child("b").normal(b_.sizes()));
    labels_.copy_(stream.child("labels").normal(labels_.sizes()));
    hidden_ = stream.child("hidden").normal(a_.sizes());
  }

  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const ttfm::Call& call) const override {
    Tensor rows = x.flatten(1);
    if (fault == Fault::mixes_rows) rows = rows - rows.mean(0);
    Tensor hidden = at::matmul(rows, w_) + s.unsqueeze(1) * a_ + t.unsqueeze(1) * b_;
    if (classes_ > 0 && fault != Fault::ignores_labels) {
      const Tensor none = at::full({x.size(0)}, classes_, at::kLong);
      hidden = hidden + labels_.index_select(0, call.label.defined() ? call.label : none);
    }
    if (fault == Fault::hides_a_weight) hidden = hidden + hidden_.to(x.scalar_type());
    Tensor u = at::matmul(hidden.tanh(), fault == Fault::stops_a_gradient ? v_.detach() : v_).view(x.sizes());
    static int calls = 0;
    if (fault == Fault::remembers) u = u + 1e-3 * ++calls;
    if (fault == Fault::writes_to_x) x.add_(0);
    return fault == Fault::gives_another_dtype ? u.to(at::kFloat) : u;
  }

  ttfm::Dual velocity_dual(const ttfm::Dual& x, const ttfm::Dual& s, const ttfm::Dual& t,
                           const ttfm::Call& call) const override {
    const Tensor u = velocity(x.primal, s.primal, t.primal, call);
    return {u, u * 0};
  }

 private:
  int64_t classes_;
  Tensor w_, v_, a_, b_, labels_, hidden_;
};

template <Fault fault>
void add(ttfm::Plugin& plugin, const char* name) {
  plugin.add<FaultyStudent<fault>>(name, "a student with one defect");
}

}  // namespace

TTFM_PLUGIN(plugin, "faulty_student", "0.1.0") {
  add<Fault::none>(plugin, "none");
  add<Fault::gives_another_dtype>(plugin, "gives_another_dtype");
  add<Fault::names_a_weight_twice>(plugin, "names_a_weight_twice");
  add<Fault::forgets_a_weight>(plugin, "forgets_a_weight");
  add<Fault::hides_a_weight>(plugin, "hides_a_weight");
  add<Fault::stops_a_gradient>(plugin, "stops_a_gradient");
  add<Fault::tangent_is_zero>(plugin, "tangent_is_zero");
  add<Fault::mixes_rows>(plugin, "mixes_rows");
  add<Fault::ignores_labels>(plugin, "ignores_labels");
  add<Fault::ignores_the_dropout_stream>(plugin, "ignores_the_dropout_stream");
  add<Fault::remembers>(plugin, "remembers");
  add<Fault::writes_to_x>(plugin, "writes_to_x");
}
