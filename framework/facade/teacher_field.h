// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>

#include <ttfm/teacher.h>

#include "facade/student_map.h"

namespace ttfm {

/// Classifier-free guidance of a labelled teacher (Ho and Salimans 2022, arXiv 2207.12598):
///   v_t(x) = v_t(x | none) + w (v_t(x | label) - v_t(x | none))   for from <= t <= to, else v_t(x | label)
struct Guidance {
  double scale = 1;
  double from = 0;
  double to = 1;
};

/// A teacher behind a Field: guidance and counting. The teacher outlives it; its weights record no gradient because the
/// host froze them.
class TeacherField final : public Field::Impl {
 public:
  /// Throws ttfm::Error (config) for a guidance of an unconditional teacher.
  TeacherField(const Teacher& teacher, std::string name, Guidance guidance);

  Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const override;
  void traits(NetworkTraits& out) const override;

  Evaluations& evaluations() const { return evaluations_; }

 private:
  Tensor evaluate(const Tensor& x, const Tensor& t, const Call& call) const;

  const Teacher& teacher_;
  std::string name_;
  Guidance guidance_;
  NetworkTraits traits_;
  mutable Evaluations evaluations_;
};

}  // namespace ttfm
