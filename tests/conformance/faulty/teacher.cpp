// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Teachers with one defect each, and a sound one. The name of the defect is the name of the teacher.
#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include <ttfm/flow/gaussian.h>
#include <ttfm/plugin.h>

namespace {

using ttfm::Tensor;

enum class Fault {
  none,
  gives_another_dtype,
  names_a_weight_twice,
  detaches_x,
  mixes_rows,
  claims_classes,
  remembers,
  writes_to_t,
  map_is_inexact,
  density_is_nan,
};

/// The field of N(1, 0.5^2 I).
template <Fault fault>
class FaultyTeacher final : public ttfm::Teacher, public ttfm::ExactMap, public ttfm::Density {
 public:
  void traits(ttfm::NetworkTraits& out) const override { out.classes = fault == Fault::claims_classes ? 7 : 0; }

  void parameters(ttfm::ParameterSet& out) override {
    if (fault != Fault::names_a_weight_twice) return;
    out.parameter("weight", first_);
    out.parameter("weight", second_);
  }

  const void* query(uint32_t id) const noexcept override {
    if (id == ttfm::interface_id::kExactMap) return static_cast<const ttfm::ExactMap*>(this);
    if (id == ttfm::interface_id::kDensity) return static_cast<const ttfm::Density*>(this);
    return nullptr;
  }

  Tensor velocity(const Tensor& x, const Tensor& t, const ttfm::Call&) const override {
    Tensor v = data(x).velocity(fault == Fault::detaches_x ? x.detach() : x, t);
    if (fault == Fault::mixes_rows) v = v + 1e-3 * x.mean(0);
    static int calls = 0;
    if (fault == Fault::remembers) v = v + 1e-3 * ++calls;
    if (fault == Fault::writes_to_t) t.add_(0);
    return fault == Fault::gives_another_dtype ? v.to(at::kFloat) : v;
  }

  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t) const override {
    const Tensor u = data(x).average_velocity(x, s, t);
    return fault == Fault::map_is_inexact ? 1.1 * u : u;
  }

  Tensor log_density(const Tensor& x) const override {
    const Tensor log_p = data(x).log_density(x);
    return fault == Fault::density_is_nan ? log_p * std::numeric_limits<double>::quiet_NaN() : log_p;
  }

 private:
  static ttfm::flow::Gaussian data(const Tensor& x) { return {at::ones({1}, x.options().requires_grad(false)), 0.5}; }

  Tensor first_ = at::zeros({2}), second_ = at::zeros({2});
};

/// Without an exact map, whose test would see that the field is another one.
class MixesRows final : public ttfm::Teacher {
 public:
  Tensor velocity(const Tensor& x, const Tensor& t, const ttfm::Call& call) const override {
    return whole_.velocity(x, t, call);
  }

 private:
  FaultyTeacher<Fault::mixes_rows> whole_;
};

template <Fault fault>
void add(ttfm::Plugin& plugin, const char* name) {
  plugin.add<FaultyTeacher<fault>>(name, "a teacher with one defect");
}

}  // namespace

TTFM_PLUGIN(plugin, "faulty_teacher", "0.1.0") {
  add<Fault::none>(plugin, "none");
  add<Fault::gives_another_dtype>(plugin, "gives_another_dtype");
  add<Fault::names_a_weight_twice>(plugin, "names_a_weight_twice");
  add<Fault::detaches_x>(plugin, "detaches_x");
  plugin.add<MixesRows>("mixes_rows", "a teacher with one defect");
  add<Fault::claims_classes>(plugin, "claims_classes");
  add<Fault::remembers>(plugin, "remembers");
  add<Fault::writes_to_t>(plugin, "writes_to_t");
  add<Fault::map_is_inexact>(plugin, "map_is_inexact");
  add<Fault::density_is_nan>(plugin, "density_is_nan");
}
