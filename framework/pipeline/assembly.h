// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/view.h"
#include "facade/teacher_field.h"
#include "host/registry.h"
#include "train/network.h"

namespace ttfm::pipeline {

/// A teacher with everything behind it: the network it may hold, its own weights, guidance.
struct TeacherModel {
  std::shared_ptr<train::Network> network;  ///< of a teacher that holds one; null for exact teachers
  host::Owned<Teacher> teacher;
  std::unique_ptr<train::FlatParameters> parameters;  ///< the teacher's own
  std::unique_ptr<TeacherField> impl;
  std::unique_ptr<Field> field;

  Evaluations& evaluations() const { return impl->evaluations(); }
};

/// A sampler and its name.
struct NamedSampler {
  std::string name;
  host::Owned<Sampler> sampler;
};

/// Makes the components of a run from its configuration.
class Assembly {
 public:
  /// Opens the data set. Everything referred to outlives the assembly.
  Assembly(const config::Resolved& config, const host::Registry& registry, c10::Device device);

  const config::Resolved& config() const { return config_; }
  c10::Device device() const { return device_; }
  uint64_t seed() const { return seed_; }
  const Dataset& dataset() const { return *dataset_; }
  const DatasetTraits& data() const { return data_; }
  std::vector<int64_t> data_shape() const { return {data_.shape, data_.shape + data_.rank}; }

  /// An instance of the student of a section: "student", "teacher.network". Instances of one section start equal.
  std::unique_ptr<train::Network> network(const std::string& section, train::Network::Role role) const;

  /// The teacher around its network, which is null for exact teachers.
  TeacherModel teacher(std::shared_ptr<train::Network> network) const;

  /// The teacher holds a network.
  bool teacher_has_network() const;

  host::Owned<Loss> loss(const std::string& section) const;
  /// The sampler of the student, "sampler", or of the teacher, "teacher.sampler". Throws ttfm::Error (config) for one
  /// that cannot work on it.
  NamedSampler sampler(const std::string& section) const;

  /// The stream of a purpose outside of training: "evaluation", "sample", ...
  Stream stream(const char* purpose, uint64_t number = 0) const;

 private:
  config::ConfigView view(const config::Section& section) const;
  template <class T>
  host::Owned<T> create(const std::string& section) const;

  const config::Resolved& config_;
  const host::Registry& registry_;
  c10::Device device_;
  uint64_t seed_;
  DatasetTraits data_;  // before the data set: what it is constructed from has these fields
  host::Owned<Dataset> dataset_;
};

}  // namespace ttfm::pipeline
