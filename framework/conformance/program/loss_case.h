// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <vector>

#include <ttfm/conformance/facades.h>

#include "conformance/program/subject.h"

namespace ttfm::conformance {

/// A term of a loss as it was added.
struct Term {
  std::string name;
  Tensor per_sample;
  double weight = 1;
};

/// What a loss did in one call.
struct LossUse {
  std::string error;  ///< what it threw; "" if nothing
  std::vector<Term> terms;
  Tensor total;  ///< the sum of weight times mean, as the host makes it; undefined without terms
};

/// All that a loss is given, as small as it can be: the exact flow map of a Gaussian with a trainable error for the
/// student, others for its copies, the exact velocity for the teacher. Notes how they are asked.
class LossCase {
 public:
  LossCase(const Loss& loss, const DataCase& data, c10::ScalarType dtype = at::kDouble, int64_t batch = 5,
           uint64_t seed = 1);
  LossCase(const LossCase&) = delete;  // the networks point back
  LossCase& operator=(const LossCase&) = delete;

  /// One call of compute(); what it throws is in the result.
  LossUse use(const Loss& loss);

  /// The student's weights.
  Tensor g;
  LossNeeds needs;
  Tensor x_0, x_1;
  Call call;
  uint64_t seed;
  int64_t first_row = 0;  ///< the global number of the batch's first row
  int64_t step = 0, steps = 100;

  /// How the networks were asked.
  struct Asked {
    int64_t student = 0, teacher = 0, derivatives = 0;
    std::vector<int64_t> copies = std::vector<int64_t>(4);
    bool teacher_records = false;  ///< the teacher was asked at an x that a gradient would flow back from
    std::string broken;            ///< the first question that breaks a network's contract
    std::string unlabelled;        ///< who was asked without the batch's labels
  };
  Asked asked;

 private:
  Tensor student_velocity(const Tensor& weights, const Tensor& x, const Tensor& s, const Tensor& t) const;
  void check_question(const char* who, const Tensor& x, const Tensor& s, const Tensor& t, const Call& asked_call);
  NetworkTraits traits() const;

  DataCase data_;
  std::vector<Tensor> copy_weights_;
  TestMap student_;
  std::vector<std::unique_ptr<TestMap>> copies_;
  TestField teacher_;
};

}  // namespace ttfm::conformance
