// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/assembly.h"

#include <ttfm/error.h>

#include "base/error_codes.h"
#include "base/philox.h"
#include "config/located.h"
#include "config/sections.h"

namespace ttfm::pipeline {

Assembly::Assembly(const config::Resolved& config, const host::Registry& registry, c10::Device device)
    : config_(config),
      registry_(registry),
      device_(device),
      seed_(static_cast<uint64_t>(config::read_section<config::RunSection>(config.at("run")).seed)),
      dataset_(create<Dataset>("dataset")) {
  dataset_->traits(data_);
  if (data_.rank < 1 || data_.rank > 8) {
    throw Error(ErrorKind::plugin, "data set '" + config.at("dataset").type + "' states samples of " +
                                       std::to_string(data_.rank) + " dimensions; 1 to 8 are possible");
  }
}

config::ConfigView Assembly::view(const config::Section& section) const {
  return config::ConfigView(section, data_shape(), data_.classes);
}

template <class T>
host::Owned<T> Assembly::create(const std::string& section) const {
  const config::Section& from = config_.at(section);
  try {
    return registry_.create<T>(from.type, view(from));
  } catch (const Error& error) {
    throw config::located(error, from);
  }
}

std::unique_ptr<train::Network> Assembly::network(const std::string& section, train::Network::Role role) const {
  host::Owned<Student> student = create<Student>(section);
  const auto destroy = student.get_deleter();
  return std::make_unique<train::Network>(std::shared_ptr<Student>(student.release(), destroy),
                                          config_.at(section).type, role, stream("initialise"), device_);
}

bool Assembly::teacher_has_network() const {
  const auto table = registry_.find(TTFM_TEACHER, config_.at("teacher").type);
  const char* row = reinterpret_cast<const char*>(table.params);
  for (uint32_t i = 0; i < table.count; ++i, row += table.params->struct_size) {
    if (reinterpret_cast<const ttfm_param_v1*>(row)->type == TTFM_PARAM_STUDENT) return true;
  }
  return false;
}

TeacherModel Assembly::teacher(std::shared_ptr<train::Network> network) const {
  const config::Section& section = config_.at("teacher");
  const auto guidance = config::read_section<config::GuidanceSection>(config_.at("teacher.guidance"));

  TeacherModel model;
  model.network = std::move(network);
  config::ConfigView values = view(section);
  if (model.network) values.set_student("network", model.network->flow_map());
  try {
    model.teacher = registry_.create<Teacher>(section.type, values);
  } catch (const Error& error) {
    throw config::located(error, section);
  }

  train::ParameterCollector own("teacher '" + section.type + "'");
  ParameterSet set(&own);
  model.teacher->parameters(set);
  model.parameters = std::make_unique<train::FlatParameters>(own, device_, /*trainable=*/false);
  model.impl = std::make_unique<TeacherField>(*model.teacher, section.type,
                                              Guidance{guidance.scale, guidance.from, guidance.to});
  model.field = std::make_unique<Field>(model.impl.get());
  return model;
}

host::Owned<Loss> Assembly::loss(const std::string& section) const { return create<Loss>(section); }

NamedSampler Assembly::sampler(const std::string& section) const {
  NamedSampler named{config_.at(section).type, create<Sampler>(section)};
  SamplerTraits traits;
  named.sampler->traits(traits);
  const bool of_teacher = section == "teacher.sampler";
  if (of_teacher ? !traits.field : !traits.flow_map) {
    const std::string wanted = of_teacher ? "a teacher is a velocity field" : "a student is a flow map";
    throw config::error_at(config_.at(section), "type", kContradiction,
                           "`type` = \"" + named.name + "\" in [" + section + "] works on " +
                               (traits.field ? "velocity fields" : "flow maps") + ", but " + wanted,
                           "choose another sampler: `ttfm plugin list` shows all");
  }
  return named;
}

Stream Assembly::stream(const char* purpose, uint64_t number) const {
  Stream::Impl impl;
  impl.key = mix(mix(seed_, purpose), number);
  impl.device_type = static_cast<int8_t>(device_.type());
  impl.device_index = device_.index();
  return Stream(impl);
}

}  // namespace ttfm::pipeline
