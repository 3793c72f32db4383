// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/session.h"

/// The program's verbs, one file each. Each returns an exit code, or throws ttfm::Error; results that are data go to
/// stdout, everything else to stderr.
namespace ttfm::cli {

struct RunArguments {
  pipeline::SessionRequest session;
  std::string resume = "never";
  bool allow_config_change = false;
  bool dry_run = false;
  std::string replay;  ///< a failure file, in place of a configuration
  std::vector<std::string> argv;
};
int run(const RunArguments& arguments);

struct SampleArguments {
  std::string folder;  ///< of a run
  pipeline::SessionRequest session;
  std::string model = "student";
  int64_t evaluations = 4;
  int64_t count = 64;
  int64_t batch = 512;
  uint64_t seed = 0;
  std::optional<int64_t> label;
  std::string out;  ///< .png or .safetensors
};
int sample(const SampleArguments& arguments);

struct EvalArguments {
  std::string folder;
  pipeline::SessionRequest session;
  std::string out;  ///< folder; empty: the run's
};
int eval(const EvalArguments& arguments);

struct PluginArguments {
  pipeline::SessionRequest session;  ///< its configuration may be empty
  std::string name;                  ///< of describe: "loss/itvm" or "itvm"; of check: a file
  bool json = false;
  bool toml = false;
};
int plugin_list(const PluginArguments& arguments);
int plugin_check(const PluginArguments& arguments);
int plugin_describe(const PluginArguments& arguments);

struct PluginNewArguments {
  pipeline::SessionRequest session;  ///< which plugins there are already; its configuration is empty
  std::string kind, name;
  std::filesystem::path parent = ".";
  std::string program;  ///< as it was called
};
/// Writes a project for a plugin of one component into the new folder parent/name.
int plugin_new(const PluginNewArguments& arguments);

struct CheckpointArguments {
  std::string path;  ///< of a run, a stage, a checkpoint; of inspect: or a .safetensors file
  bool json = false;
};
int checkpoint_list(const CheckpointArguments& arguments);
int checkpoint_inspect(const CheckpointArguments& arguments);
int checkpoint_verify(const CheckpointArguments& arguments);

struct CheckpointExportArguments {
  std::string path;     ///< of a run, a stage, a checkpoint
  std::string out;      ///< .safetensors
  std::string weights;  ///< ema, raw; empty: the average where there is one
  std::string stage;    ///< student, teacher; empty: the student where there is one
  bool force = false;
};
int checkpoint_export(const CheckpointExportArguments& arguments);

struct DoctorArguments {
  pipeline::SessionRequest session;  ///< its configuration may be empty
  bool json = false;
};
int doctor(const DoctorArguments& arguments);

struct ConfigArguments {
  pipeline::SessionRequest session;
  bool json = false;
  bool only_given = false;
};
int config_check(const ConfigArguments& arguments);
int config_show(const ConfigArguments& arguments);
int config_reference(const ConfigArguments& arguments);

}  // namespace ttfm::cli
