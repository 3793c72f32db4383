// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "cli/checkpoint_places.h"

#include <ttfm/error.h>

#include "base/read_file.h"
#include "run/checkpoint.h"
#include "run/manifest.h"

namespace ttfm::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Null where the file cannot be read.
Json read_json(const fs::path& path) {
  Json json = Json::parse(read_file_or_nothing(path, limits::kStateBytes), nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json();
}

/// "runs/a/" as "runs/a".
fs::path without_slash(const fs::path& path) {
  const fs::path plain = path.lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

/// What a text file beside the checkpoints says: "step-00001000".
std::string first_line(const fs::path& path) {
  const std::string text = read_file_or_nothing(path, limits::kStateBytes);
  return text.substr(0, text.find('\n'));
}

CheckpointPlace place_of(const fs::path& folder) {
  CheckpointPlace place{folder, read_json(folder / "state.json"), "", "", ""};
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(folder, ignored);
  place.stage = whole.parent_path().parent_path().filename().string();
  if (place.state.contains("stage") && place.state["stage"].is_string()) place.stage = place.state["stage"];
  const std::string name = whole.filename().string();  // step-00001000
  const size_t digits = name.find_first_not_of('0', name.find('-') + 1);
  place.step = digits == std::string::npos ? "0" : name.substr(digits);
  if (place.state.contains("step") && place.state["step"].is_number_integer()) place.step = place.state["step"].dump();
  for (const char* mark : {"LATEST", "BEST"}) {
    if (first_line(whole.parent_path() / mark) == name)
      place.marks += (place.marks.empty() ? "" : ", ") + std::string(mark);
  }
  return place;
}

bool is_checkpoint(const fs::path& folder) {
  return fs::exists(folder / run::kManifestName) || folder.filename().string().starts_with("step-");
}

/// The folders at `path` that hold checkpoints of a stage.
std::vector<run::Checkpoints> stages_of(const fs::path& path) {
  std::vector<run::Checkpoints> stages;
  for (const char* stage : {"teacher", "student"}) stages.emplace_back(path / stage / "checkpoints");
  stages.emplace_back(path / "checkpoints");
  stages.emplace_back(path);
  std::erase_if(
      stages, [](const run::Checkpoints& stage) { return !fs::is_directory(stage.folder()) || stage.steps().empty(); });
  if (!stages.empty()) return stages;
  throw Error(ErrorKind::checkpoint,
              "there are no checkpoints in '" + path.string() +
                  "'. The folder of a run, of a stage (RUN/student), or of one checkpoint is expected");
}

}  // namespace

std::vector<CheckpointPlace> find_checkpoints(const fs::path& path) {
  const fs::path plain = without_slash(path);
  if (!fs::exists(plain)) {
    throw Error(ErrorKind::checkpoint, "there is nothing at '" + plain.string() + "': no such file or folder");
  }
  if (is_checkpoint(plain)) return {place_of(plain)};
  std::vector<CheckpointPlace> all;
  for (const run::Checkpoints& stage : stages_of(plain)) {
    for (const int64_t step : stage.steps()) all.push_back(place_of(stage.folder_of(step)));
  }
  return all;
}

std::vector<CheckpointPlace> newest_checkpoints(const fs::path& path) {
  const fs::path plain = without_slash(path);
  if (is_checkpoint(plain)) return find_checkpoints(plain);
  std::vector<CheckpointPlace> all;
  for (const run::Checkpoints& stage : stages_of(plain)) all.push_back(place_of(stage.newest_folder().value()));
  return all;
}

}  // namespace ttfm::cli
