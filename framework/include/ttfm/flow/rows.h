// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/zeros_like.h>

#include <array>
#include <cstdint>

#include <ttfm/field.h>

/// Networks that are asked for some rows of a batch only, where a formula does not need the others or has them already.
namespace ttfm::flow {

/// All rows of a batch, or those where something holds. Differentiable.
class Rows {
 public:
  Rows() = default;  ///< all

  /// Those where `wanted`, bool [B], is true. Their number is a shape, which the host must know: they are picked where
  /// `wanted` is in host memory, and on another device, for which the host would wait, they are all rows. So a formula
  /// gives the same with all rows, and only its work depends on them.
  static Rows where(const Tensor& wanted) {
    Rows rows;
    if (!wanted.is_cpu()) return rows;
    const Tensor index = wanted.nonzero().squeeze(1);
    if (index.size(0) < wanted.size(0)) rows.index_ = index;
    return rows;
  }

  bool none() const { return index_.defined() && index_.size(0) == 0; }  ///< whether it is not one row

  /// These rows of x [B, ...]; undefined where x is.
  Tensor of(const Tensor& x) const { return index_.defined() && x.defined() ? x.index_select(0, index_) : x; }

  /// The call for these rows alone. It has no dropout: a mask belongs to a row's place in the whole batch.
  Call of(const Call& call) const {
    Call out = call;
    out.label = of(call.label);
    out.guidance = of(call.guidance);
    out.dropout = nullptr;
    return out;
  }

  /// x [B, ...] with `values` in the place of these rows.
  Tensor put(const Tensor& x, const Tensor& values) const {
    return index_.defined() ? at::index_copy(x, 0, index_, values) : values;
  }

 private:
  Tensor index_;  // ascending; undefined: all
};

/// u_{s,t}(x) in these rows, in the others 0, or u where that was no more work. Arguments and result are of the whole
/// batch. A map with dropout is asked for all rows, and so is one whose rows influence each other.
inline Tensor velocity(const FlowMap& map, const Tensor& x, const Tensor& s, const Tensor& t, const Call& call,
                       const Rows& rows) {
  if (rows.none()) return at::zeros_like(x);
  NetworkTraits traits;
  map.traits(traits);
  if (call.dropout || !traits.stackable) return map.velocity(x, s, t, call);
  return rows.put(at::zeros_like(x), map.velocity(rows.of(x), rows.of(s), rows.of(t), rows.of(call)));
}

/// v_s(x_s) and v_r(x_r), where r and x_r differ from s and x_s in these rows only: the others are evaluated once, and
/// both in one batch. Not so if rows influence each other, nor if one of the two records a gradient and the other does
/// not: in one batch both would. Arguments and results are of the whole batch; a field is asked without dropout.
inline std::array<Tensor, 2> velocities(const Field& v, const Tensor& x_s, const Tensor& s, const Tensor& x_r,
                                        const Tensor& r, const Call& call, const Rows& rows) {
  NetworkTraits traits;
  v.traits(traits);
  Call both = Rows().of(call);
  if (!traits.stackable) return {v.velocity(x_s, s, both), v.velocity(x_r, r, both)};
  if (x_s.requires_grad() != x_r.requires_grad()) {
    const Tensor v_s = v.velocity(x_s, s, both);
    return {v_s, rows.none() ? v_s : rows.put(v_s, v.velocity(rows.of(x_r), rows.of(r), rows.of(call)))};
  }
  const auto stacked = [&rows](const Tensor& all, const Tensor& some) {
    return all.defined() ? at::cat({all, rows.of(some)}) : all;
  };
  both.label = stacked(call.label, call.label);
  both.guidance = stacked(call.guidance, call.guidance);
  const Tensor v_both = v.velocity(stacked(x_s, x_r), stacked(s, r), both);
  const int64_t count = x_s.size(0);
  const Tensor v_s = v_both.narrow(0, 0, count);
  return {v_s, rows.put(v_s, v_both.narrow(0, count, v_both.size(0) - count))};
}

}  // namespace ttfm::flow
