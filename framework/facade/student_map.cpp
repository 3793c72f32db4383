// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "facade/student_map.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <sstream>
#include <vector>

#include <ttfm/error.h>
#include <ttfm/flow/flow_map.h>

#include "base/log.h"
#include "facade/autocast.h"

namespace ttfm {
namespace {

std::string shape_text(const Tensor& x) {
  std::ostringstream text;
  text << x.sizes() << ' ' << x.scalar_type() << " on " << x.device();
  return text.str();
}

const Call& call_of(const Query& query) {
  static const Call none;
  return query.call ? *query.call : none;
}

bool can_stack(const NetworkTraits& traits, const Query* queries, size_t count) {
  if (!traits.stackable || count < 2) return false;
  for (size_t i = 0; i < count; ++i) {
    const Call& call = call_of(queries[i]);
    // a mask belongs to a row of the stream: stacked rows would get others
    if (call.dropout || call.guidance.defined()) return false;
    if (queries[i].x.sizes().slice(1) != queries[0].x.sizes().slice(1)) return false;
  }
  return true;
}

/// The labels of all queries in one tensor; undefined where none has labels.
Tensor stack_labels(const NetworkTraits& traits, const Query* queries, size_t count) {
  std::vector<Tensor> labels;
  bool any = false;
  for (size_t i = 0; i < count; ++i) any = any || call_of(queries[i]).label.defined();
  if (!any) return {};
  for (size_t i = 0; i < count; ++i) {
    const Tensor& label = call_of(queries[i]).label;
    labels.push_back(label.defined()
                         ? label
                         : at::full({queries[i].x.size(0)}, traits.classes, queries[i].x.options().dtype(at::kLong)));
  }
  return at::cat(labels);
}

// How far each row may go along (ds, dt), at most `step`, with 0 <= s <= t <= 1 (any order of s and t if `any_order`).
Tensor reach(const Tensor& s, const Tensor& t, const Tensor& ds, const Tensor& dt, double step, bool any_order) {
  Tensor limit = at::full_like(t, step);
  const auto keep = [&limit](const Tensor& slack, const Tensor& slope) {  // slack + e slope >= 0
    limit = at::where(slope < 0, limit.min(slack.clamp_min(0) / slope.neg()), limit);
  };
  keep(s, ds);
  keep(1 - s, -ds);
  keep(t, dt);
  keep(1 - t, -dt);
  if (!any_order) keep(t - s, dt - ds);
  return limit;
}

}  // namespace

void check_call(const char* who, const Tensor& x, const Tensor& s, const Tensor& t) {
  const auto fail = [&](const char* what, const Tensor& time) {
    throw Error(ErrorKind::plugin, std::string(who) + ": " + what + " is " + shape_text(time) + ", expected [" +
                                       std::to_string(x.dim() ? x.size(0) : 0) + "] like the rows of x, which is " +
                                       shape_text(x));
  };
  if (!x.defined() || x.dim() < 2) {
    throw Error(ErrorKind::plugin, std::string(who) + ": x is " + (x.defined() ? shape_text(x) : "undefined") +
                                       ", expected [B, ...] with at least two dimensions");
  }
  if (!s.defined() || s.dim() != 1 || s.size(0) != x.size(0) || s.device() != x.device()) fail("s", s);
  if (!t.defined() || t.dim() != 1 || t.size(0) != x.size(0) || t.device() != x.device()) fail("t", t);
}

void check_velocity(const std::string& who, const Tensor& x, const Tensor& u) {
  if (u.defined() && u.sizes() == x.sizes() && u.device() == x.device()) return;
  throw Error(ErrorKind::plugin, who + " returned " + (u.defined() ? shape_text(u) : "an undefined tensor") +
                                     ", expected the shape and device of x: " + shape_text(x));
}

StudentMap::StudentMap(const Student& student, std::string name, bool records)
    : student_(student), name_(std::move(name)), records_(records) {
  student_.traits(traits_);
  diagonal_.map = this;
  stopped_.map = this;
}

void StudentMap::traits(NetworkTraits& out) const { fill(out, traits_); }

Tensor StudentMap::evaluate(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const {
  check_call("FlowMap::velocity", x, s, t);
  evaluations_.count(x);
  const Call own = call;  // the loss's may be smaller than the student expects
  const Autocast autocast(x.device().type(), type_);
  const Tensor u = student_.velocity(x, s, t, own);
  check_velocity("student '" + name_ + "'", x, u);
  return u.to(x.scalar_type());
}

Tensor StudentMap::velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const {
  if (records_) return evaluate(x, s, t, call);
  const at::NoGradGuard no_grad;
  return evaluate(x, s, t, call);
}

Dual StudentMap::derivative(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                            const Call& call) const {
  check_call("FlowMap::derivative", x, s, t);
  const at::AutoGradMode grad_mode(records_ && at::GradMode::is_enabled());
  if (!traits_.dual) return central_difference(x, s, t, direction, call);
  evaluations_.count(x);
  const Call own = call;
  const Autocast autocast(x.device().type(), type_);
  Dual u = student_.velocity_dual({x, direction.dx}, {s, direction.ds}, {t, direction.dt}, own);
  check_velocity("student '" + name_ + "'", x, u.primal);
  if (!u.tangent.defined()) u.tangent = u.primal * 0;
  check_velocity("the derivative of student '" + name_ + "'", x, u.tangent);
  return {u.primal.to(x.scalar_type()), u.tangent.to(x.scalar_type())};
}

void StudentMap::warn_of_differences() const {
  log::warn_once("student '" + name_ +
                 "' has no velocity_dual: its derivative is taken by central differences, which cost three evaluations "
                 "and are good to about three digits in fp32");
}

// (u(z + e d) - u(z - e' d)) / (e + e'): of second order, except where one side would leave 0 <= s <= t <= 1. e balances
// the truncation against fp32's rounding.
Dual StudentMap::central_difference(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                                    const Call& call) const {
  warn_of_differences();
  const bool is_double = x.scalar_type() == at::kDouble;
  const double step = is_double ? 1e-5 : 1e-2;
  const Tensor ds = direction.ds.defined() ? direction.ds : at::zeros_like(s);
  const Tensor dt = direction.dt.defined() ? direction.dt : at::zeros_like(t);
  const Tensor ahead = reach(s, t, ds, dt, step, traits_.any_order);
  const Tensor behind = reach(s, t, -ds, -dt, step, traits_.any_order);
  const auto moved = [&](const Tensor& e) {
    const Tensor moved_x = direction.dx.defined() ? x + flow::per_row(e, x) * direction.dx : x;
    return Query{moved_x, s + e * ds, t + e * dt, &call};
  };
  const Query queries[3] = {{x, s, t, &call}, moved(ahead), moved(-behind)};
  Tensor u[3];
  velocities(queries, 3, u);
  const Tensor width = (ahead + behind).clamp_min(is_double ? 1e-12 : 1e-6);
  return {u[0], (u[1] - u[2]) / flow::per_row(width, x)};
}

void StudentMap::velocities(const Query* queries, size_t count, Tensor* out) const {
  if (!can_stack(traits_, queries, count)) {
    for (size_t i = 0; i < count; ++i) {
      out[i] = velocity(queries[i].x, queries[i].s, queries[i].t, call_of(queries[i]));
    }
    return;
  }
  std::vector<Tensor> x, s, t;
  std::vector<int64_t> rows;
  for (size_t i = 0; i < count; ++i) {
    x.push_back(queries[i].x);
    s.push_back(queries[i].s);
    t.push_back(queries[i].t);
    rows.push_back(queries[i].x.size(0));
  }
  Call call = call_of(queries[0]);
  call.label = stack_labels(traits_, queries, count);
  const auto parts = velocity(at::cat(x), at::cat(s), at::cat(t), call).split_with_sizes(rows);
  for (size_t i = 0; i < count; ++i) out[i] = parts[i];
}

Tensor StudentMap::Diagonal::velocity(const Tensor& x, const Tensor& t, const Call& call) const {
  const at::NoGradGuard no_grad;
  return map->evaluate(x, t, t, call);
}

Tensor StudentMap::Stopped::velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const {
  const at::NoGradGuard no_grad;
  return map->evaluate(x, s, t, call);
}

Dual StudentMap::Stopped::derivative(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                                     const Call& call) const {
  const at::NoGradGuard no_grad;
  return map->derivative(x, s, t, direction, call);
}

void StudentMap::Stopped::velocities(const Query* queries, size_t count, Tensor* out) const {
  const at::NoGradGuard no_grad;
  map->velocities(queries, count, out);
}

}  // namespace ttfm
