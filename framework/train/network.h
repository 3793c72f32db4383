// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <memory>
#include <string>

#include <ttfm/student.h>

#include "facade/student_map.h"
#include "train/flat_parameters.h"

namespace ttfm::train {

/// An instance of a student: the plugin's object, its weights in a flat buffer, and the facade that asks it.
class Network {
 public:
  enum class Role {
    trained,  ///< records gradients into its weights and inputs
    frozen,   ///< into its inputs only: a teacher, a model that is evaluated
    copy,     ///< none at all: a loss's copy of the student
  };

  /// Names and initialises the weights of `student` from `stream`, then moves them to `device`.
  Network(std::shared_ptr<Student> student, const std::string& name, Role role, const Stream& stream,
          c10::Device device);
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// The type that its products are computed in from now on, see StudentMap::compute_in.
  void compute_in(at::ScalarType type) {
    map_.compute_in(type);
    parameters_.compute_in(type);
  }

  const std::string& name() const { return name_; }
  const NetworkTraits& traits() const { return traits_; }
  FlatParameters& parameters() { return parameters_; }
  const FlatParameters& parameters() const { return parameters_; }
  const StudentMap& map() const { return map_; }
  const FlowMap& flow_map() const { return flow_map_; }

 private:
  static FlatParameters flatten(Student& student, const std::string& name, Role role, const Stream& stream,
                                c10::Device device);

  std::shared_ptr<Student> student_;
  std::string name_;
  NetworkTraits traits_;
  FlatParameters parameters_;
  StudentMap map_;
  FlowMap flow_map_;
};

}  // namespace ttfm::train
