// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include <ttfm/student.h>

#include "facade/impl.h"

namespace ttfm {

/// Network evaluations: how often a network was asked, and for how many rows in all.
struct Evaluations {
  std::atomic<int64_t> calls{0};
  std::atomic<int64_t> rows{0};

  void count(const Tensor& x) {
    calls += 1;
    rows += x.size(0);
  }
};

/// A student behind a FlowMap: stacking, the fallback derivative and counting. The student outlives it.
class StudentMap final : public FlowMap::Impl {
 public:
  /// `name` is the plugin's, for messages. `records` is false for copies, which record no gradient at all.
  StudentMap(const Student& student, std::string name, bool records);

  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const override;
  Dual derivative(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                  const Call& call) const override;
  void velocities(const Query* queries, size_t count, Tensor* out) const override;
  const Field::Impl* diagonal() const override { return &diagonal_; }
  const FlowMap::Impl* stopped() const override { return records_ ? &stopped_ : static_cast<const Impl*>(this); }
  void traits(NetworkTraits& out) const override;

  /// The type that the student's products are computed in from now on: float, or bfloat16 with weights, velocities and
  /// derivatives in float all the same.
  void compute_in(at::ScalarType type) { type_ = type; }

  /// Says once that derivatives of this student are taken by central differences.
  void warn_of_differences() const;

  /// Evaluations through this map, its diagonal and its stopped() form.
  Evaluations& evaluations() const { return evaluations_; }

 private:
  /// u_{t,t}(x), recording nothing.
  struct Diagonal final : Field::Impl {
    const StudentMap* map = nullptr;
    Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const override;
    void traits(NetworkTraits& out) const override { map->traits(out); }
  };

  /// The same map under no-grad.
  struct Stopped final : FlowMap::Impl {
    const StudentMap* map = nullptr;
    Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const override;
    Dual derivative(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                    const Call& call) const override;
    void velocities(const Query* queries, size_t count, Tensor* out) const override;
    const Field::Impl* diagonal() const override { return &map->diagonal_; }
    const FlowMap::Impl* stopped() const override { return this; }
    void traits(NetworkTraits& out) const override { map->traits(out); }
  };

  Tensor evaluate(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const;
  Dual central_difference(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                          const Call& call) const;

  const Student& student_;
  std::string name_;
  bool records_;
  NetworkTraits traits_;
  at::ScalarType type_ = at::kFloat;
  Diagonal diagonal_;
  Stopped stopped_;
  mutable Evaluations evaluations_;
};

/// Checks x [B, ...] and times [B] of a call; throws ttfm::Error (plugin) that names `who` and both shapes.
void check_call(const char* who, const Tensor& x, const Tensor& s, const Tensor& t);

/// Checks what a network returned against x.
void check_velocity(const std::string& who, const Tensor& x, const Tensor& u);

}  // namespace ttfm
