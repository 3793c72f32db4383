// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <vector>

#include <ttfm/parameters.h>
#include <ttfm/random.h>
#include <ttfm/student.h>

namespace ttfm::conformance {

/// The weights of a student, gathered the way the host gathers them.
class CollectedParameters {
 public:
  /// One call of ParameterSet.
  struct Weight {
    std::string name;  ///< as the student said it
    Tensor* value;     ///< the student's own
    uint32_t flags;    ///< bits of parameter_flag
    bool trained;      ///< false: a buffer
  };

  /// Asks `student` for its weights, which it has to outlive.
  explicit CollectedParameters(Student& student);

  const std::vector<Weight>& all() const { return weights_; }      ///< with buffers
  const std::vector<Weight>& trained() const { return trained_; }  ///< without buffers

  /// The weight of that name; fails the test if there is none.
  Tensor& operator[](Name name) const;

  /// Puts every weight into another dtype, as the host does: the tensors keep their addresses.
  void convert(c10::ScalarType dtype);

  /// Random trained weights: normal, those with a fan-in scaled by 1/sqrt(fan-in), so that a deep network's activations
  /// stay near one and nothing hides behind a zero-initialised layer.
  void randomise(uint64_t seed, double gain = 1);

  /// Lets the trained weights record gradients, with none gathered so far.
  void record_gradients(bool on = true);

  /// Copies of the trained weights' values.
  std::vector<Tensor> snapshot() const;

 private:
  std::vector<Weight> weights_;
  std::vector<Weight> trained_;
};

}  // namespace ttfm::conformance
