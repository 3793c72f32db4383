// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/device.h"
#include "pipeline/assembly.h"

namespace ttfm::pipeline {

/// Which configuration, and how it is changed on the command line.
struct SessionRequest {
  std::filesystem::path config;
  std::vector<std::string> overrides;  ///< "--train.lr=1e-3"
  std::string plugin_path;             ///< --plugin-path
};

/// A validated configuration with its plugins, device and components: where every command that computes begins.
/// The constructor chooses the device before anything else of LibTorch is used.
class Session {
 public:
  explicit Session(const SessionRequest& request);

  const config::Resolved& config() const { return config_; }
  const host::Registry& registry() const { return *registry_; }
  const Assembly& assembly() const { return *assembly_; }
  c10::Device device() const { return device_.device; }
  std::string device_text() const;  ///< "cuda:0", "cpu (no CUDA driver)"
  int threads() const { return threads_; }

 private:
  std::unique_ptr<host::Registry> registry_;
  config::Resolved config_;
  DeviceChoice device_;
  int threads_ = 1;
  std::unique_ptr<Assembly> assembly_;
};

/// The registry of a configuration's plugins: [plugins] path is read before anything is validated.
std::unique_ptr<host::Registry> open_registry(const SessionRequest& request);

/// The session of a run's folder, from its config.resolved.toml.
SessionRequest session_of_run(const std::filesystem::path& run, SessionRequest request);

/// The student with the weights of a run's folder: those that [eval] weights names.
std::unique_ptr<train::Network> trained_student(const Session& session, const std::filesystem::path& run);

/// The teacher of a configuration that holds no network, with the weights it starts with.
TeacherModel bare_teacher(const Session& session);

/// The teacher of a configuration: exact, from a checkpoint, or trained in the run whose folder is given.
TeacherModel teacher_of(const Session& session, const std::filesystem::path& run);

}  // namespace ttfm::pipeline
