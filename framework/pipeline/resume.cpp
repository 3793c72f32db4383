// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/resume.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include <ttfm/error.h>

#include "base/read_file.h"
#include "config/sections.h"
#include "run/checkpoint.h"
#include "run/manifest.h"
#include "train/batches.h"

namespace ttfm::pipeline {
namespace {

constexpr int64_t kProbes = 64;  // samples of the training split that stand for all

void add(run::Checksum& checksum, const Tensor& tensor) {
  const Tensor host = tensor.detach().cpu().contiguous();
  checksum.add(host.const_data_ptr(), host.nbytes());
}

std::string data_checksum(const Assembly& assembly) {
  const int64_t size = assembly.data().size[0];
  run::Checksum checksum;
  checksum.add(&size, sizeof size);
  if (size == 0) return checksum.text();
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < kProbes; ++i) indices.push_back(size < 0 ? i : i * (size - 1) / (kProbes - 1));
  const train::Batch probes =
      train::read_batch(assembly.dataset(), Split::train, indices, /*key=*/0, c10::Device(c10::kCPU));
  add(checksum, probes.x_1);
  if (probes.label.defined()) add(checksum, probes.label);
  return checksum.text();
}

/// Whether a key may change between the parts of a run: it acts on no step that is done.
bool may_change(const config::Change& change, bool teacher_is_done) {
  static constexpr std::array kSections = {"log.", "checkpoint.", "eval.", "sampler.", "teacher.sampler.", "plugins."};
  static constexpr std::array kKeys = {"run.name",           "run.folder",
                                       "train.steps",        "train.on_nonfinite",
                                       "train.max_skipped",  "teacher.train.on_nonfinite",
                                       "student.checkpoint", "teacher.train.max_skipped"};
  if (change.key == "teacher.train.steps") return !teacher_is_done;
  return change.path || std::find(kKeys.begin(), kKeys.end(), change.key) != kKeys.end() ||
         std::any_of(kSections.begin(), kSections.end(),
                     [&](const char* section) { return change.key.starts_with(section); });
}

std::map<std::string, std::string> read_inputs(const std::filesystem::path& path) {
  const nlohmann::json json =
      nlohmann::json::parse(read_file_or_nothing(path, limits::kConfigBytes), nullptr, /*allow_exceptions=*/false);
  std::map<std::string, std::string> inputs;
  if (!json.is_object()) return inputs;
  for (const auto& [name, checksum] : json.items()) {
    if (checksum.is_string()) inputs[name] = checksum.get<std::string>();
  }
  return inputs;
}

}  // namespace

std::map<std::string, std::string> input_checksums(const Session& session, const TeacherModel* teacher) {
  std::map<std::string, std::string> inputs{{"data", data_checksum(session.assembly())}};
  if (teacher) {
    run::Checksum checksum;
    const auto add_all = [&](const train::FlatParameters& weights) {
      add(checksum, weights.row_by_row(weights.values()));
    };
    if (teacher->network) add_all(teacher->network->parameters());
    if (teacher->parameters) add_all(*teacher->parameters);
    inputs["teacher"] = checksum.text();
  }
  return inputs;
}

std::vector<std::string> check_resume(const Session& session, const std::map<std::string, std::string>& inputs,
                                      const run::RunFolder& folder, bool allow) {
  const bool teacher_is_done = !run::Checkpoints(folder.checkpoints("student")).steps().empty();
  std::vector<std::string> changes, refused;
  const auto note = [&](const std::string& line, bool may) {
    changes.push_back(line);
    if (!may) refused.push_back(line);
  };
  if (const auto before = folder.latest("config.resolved", ".toml")) {
    const config::Resolved old = config::resolve(*before, {}, session.registry());
    for (const config::Change& change : config::changes(old, session.config())) {
      const auto text = [](const std::string& value) { return value.empty() ? "(not there)" : value; };
      std::string line = change.key + " = " + text(change.now) + ", it was " + text(change.before);
      const bool may = may_change(change, teacher_is_done);
      if (!may && change.key == "teacher.train.steps") {  // which may come from train.steps
        line += ": the student has begun with this teacher; add --teacher.train.steps=" + change.before;
      }
      note(line, may);
    }
  }
  if (const auto before = folder.latest("inputs", ".json")) {
    const auto old = read_inputs(*before);
    for (const auto& [name, checksum] : inputs) {
      const auto found = old.find(name);
      if (found == old.end() || found->second == checksum) continue;
      note(name == "data" ? "the training samples are not the ones it began with"
                          : "the teacher's weights are not the ones it began with",
           false);
    }
  }
  if (refused.empty() || allow) return changes;

  std::string text = "the run '" + folder.path().string() + "' cannot go on with something else than it began with:";
  for (const std::string& line : refused) text += "\n  " + line;
  throw Error(ErrorKind::config, text +
                                     "\nSteps, paths, [log], [checkpoint], [eval] and [sampler] may change. Take the "
                                     "rest back, begin a new run (--run.name=NAME), or insist with "
                                     "--allow-config-change: the run's record will say so");
}

}  // namespace ttfm::pipeline
