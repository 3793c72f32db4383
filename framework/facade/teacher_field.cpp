// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "facade/teacher_field.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/where.h>

#include <vector>

#include <ttfm/error.h>

namespace ttfm {

TeacherField::TeacherField(const Teacher& teacher, std::string name, Guidance guidance)
    : teacher_(teacher), name_(std::move(name)), guidance_(guidance) {
  teacher_.traits(traits_);
  if (guidance_.scale != 1 && traits_.classes == 0) {
    throw Error(ErrorKind::config, "[teacher.guidance] scale is not 1, but teacher '" + name_ +
                                       "' is unconditional: guidance needs a teacher that was trained with labels");
  }
}

void TeacherField::traits(NetworkTraits& out) const { fill(out, traits_); }

Tensor TeacherField::evaluate(const Tensor& x, const Tensor& t, const Call& call) const {
  evaluations_.count(x);
  Call own = call;
  own.dropout = nullptr;  // the stream is the student's; a teacher is always evaluated
  Tensor v = teacher_.velocity(x, t, own);
  check_velocity("teacher '" + name_ + "'", x, v);
  if (traits_.x_gradient && at::GradMode::is_enabled() && x.requires_grad() && !v.requires_grad()) {
    throw Error(ErrorKind::plugin, "teacher '" + name_ +
                                       "' says that it is differentiable in x, but its velocity records no gradient: "
                                       "it detaches x, or must leave NetworkTraits::x_gradient false");
  }
  return v;
}

Tensor TeacherField::velocity(const Tensor& x, const Tensor& t, const Call& call) const {
  check_call("Field::velocity", x, t, t);
  if (guidance_.scale == 1 || !call.label.defined()) return evaluate(x, t, call);

  Call none = call;
  none.label = at::full_like(call.label, traits_.classes);
  Tensor v_label, v_none;
  if (traits_.stackable) {
    Call both = call;
    both.label = at::cat({call.label, none.label});
    const auto parts = evaluate(at::cat({x, x}), at::cat({t, t}), both).chunk(2);
    v_label = parts[0];
    v_none = parts[1];
  } else {
    v_label = evaluate(x, t, call);
    v_none = evaluate(x, t, none);
  }
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[0] = x.size(0);
  const Tensor guided = (t >= guidance_.from).logical_and(t <= guidance_.to);
  const Tensor w = at::where(guided, at::full_like(t, guidance_.scale), at::full_like(t, 1)).view(shape);
  return v_none + w * (v_label - v_none);
}

}  // namespace ttfm
