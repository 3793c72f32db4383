// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/checkpoint.h"

#include <ATen/ops/isfinite.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include <ttfm/error.h>

#include "base/atomic_file.h"
#include "base/log.h"
#include "run/manifest.h"

namespace ttfm::run {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kUnfinished = ".tmp-";
constexpr std::string_view kTensors = ".safetensors";
constexpr const char* kStateName = "state.json";

/// The step of "step-00001000"; none for any other name.
std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc() || stop != end || step < 0) return std::nullopt;
  return step;
}

void refuse_non_finite(const Checkpoint& checkpoint) {
  for (const TensorGroup& group : checkpoint.groups) {
    for (const io::NamedTensor& tensor : group.tensors) {
      const at::Tensor finite = at::isfinite(tensor.value);
      const int64_t bad = finite.numel() - finite.sum().item<int64_t>();
      if (bad == 0) continue;
      throw Error(ErrorKind::numeric,
                  "the checkpoint of " + checkpoint.state.stage + " step " + std::to_string(checkpoint.state.step) +
                      " is not written: " + std::to_string(bad) + " of " + std::to_string(finite.numel()) +
                      " numbers of '" + tensor.name + "' (" + group.name +
                      ") are not finite. The last checkpoint stays; a lower [train] lr or a " + "clip_norm may help");
    }
  }
}

std::string state_json(const CheckpointState& state) {
  return nlohmann::ordered_json{{"stage", state.stage},     {"step", state.step},         {"images", state.images},
                                {"seconds", state.seconds}, {"counters", state.counters}, {"versions", state.versions}}
             .dump(2) +
         "\n";
}

CheckpointState read_state(const fs::path& path) {
  try {
    std::ifstream file(path, std::ios::binary);
    const nlohmann::json json = nlohmann::json::parse(file);
    CheckpointState state;
    json.at("stage").get_to(state.stage);
    json.at("step").get_to(state.step);
    json.at("images").get_to(state.images);
    json.at("seconds").get_to(state.seconds);
    json.at("counters").get_to(state.counters);
    json.at("versions").get_to(state.versions);
    return state;
  } catch (const nlohmann::json::exception& exception) {
    throw Error(ErrorKind::checkpoint,
                "'" + path.string() + "' does not hold a checkpoint's state: " + exception.what());
  }
}

void rename_folder(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return;
  throw Error(ErrorKind::io, "cannot rename '" + from.string() + "' to '" + to.string() + "': " + std::strerror(errno));
}

/// Until its folder is synced, a rename may be undone by a loss of power.
void sync_folder(const fs::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && (fsync(descriptor) == 0 || errno == EINVAL);
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  if (!synced) throw Error(ErrorKind::io, "cannot sync '" + folder.string() + "': " + std::strerror(error));
}

/// Removes the folder at the end of its life, unless it was renamed.
class Temporary {
 public:
  explicit Temporary(fs::path path) : path_(std::move(path)) {
    std::error_code error;
    fs::remove_all(path_, error);
    fs::create_directories(path_, error);
    if (error) throw Error(ErrorKind::io, "cannot make '" + path_.string() + "': " + error.message());
  }
  ~Temporary() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Removes what processes that were killed left half written.
void remove_unfinished(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().find(kUnfinished) != std::string::npos) found.push_back(entry.path());
  }
  for (const fs::path& path : found) fs::remove_all(path, error);
}

}  // namespace

const TensorGroup* Checkpoint::find(std::string_view name) const {
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.name == name; });
  return found == groups.end() ? nullptr : &*found;
}

fs::path Checkpoints::folder_of(int64_t step) const {
  std::string digits = std::to_string(step);
  digits.insert(0, digits.size() < 8 ? 8 - digits.size() : 0, '0');
  return folder_ / (std::string(kPrefix) + digits);
}

fs::path Checkpoints::write(const Checkpoint& checkpoint) const {
  if (!checkpoint.find("model")) {
    throw Error(ErrorKind::internal, "a checkpoint without the group 'model' (a bug in ttfm)");
  }
  refuse_non_finite(checkpoint);
  remove_unfinished(folder_);
  const fs::path place = folder_of(checkpoint.state.step);
  const Temporary temporary(place.string() + std::string(kUnfinished) + std::to_string(getpid()));

  std::vector<std::string> files;
  for (const TensorGroup& group : checkpoint.groups) {
    files.push_back(group.name + std::string(kTensors));
    io::write_safetensors(temporary.path() / files.back(), group.tensors);
  }
  files.emplace_back(kStateName);
  write_file_atomically(temporary.path() / kStateName, state_json(checkpoint.state));
  write_manifest(temporary.path(), files);

  if (fs::exists(place)) {  // a damaged one, or the same step again; rename() only replaces empty folders
    const Temporary aside(place.string() + std::string(kUnfinished) + "old-" + std::to_string(getpid()));
    rename_folder(place, aside.path());
    rename_folder(temporary.path(), place);
  } else {
    rename_folder(temporary.path(), place);
  }
  sync_folder(folder_);
  write_file_atomically(folder_ / "LATEST", place.filename().string() + "\n");
  return place;
}

std::vector<int64_t> Checkpoints::steps() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (const auto step = step_of(entry.path().filename().string()); step && entry.is_directory()) {
      steps.push_back(*step);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw Error(ErrorKind::io, "cannot list '" + folder_.string() + "': " + error.message());
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

std::optional<fs::path> Checkpoints::newest_folder() const {
  const std::vector<int64_t> all = steps();
  for (auto step = all.rbegin(); step != all.rend(); ++step) {
    const std::string what = damage(folder_of(*step));
    if (what.empty()) return folder_of(*step);
    log::warning("the checkpoint '" + folder_of(*step).string() + "' is damaged and left out: " + what);
  }
  if (all.empty()) return std::nullopt;
  throw Error(ErrorKind::checkpoint, "none of the " + std::to_string(all.size()) + " checkpoints in '" +
                                         folder_.string() + "' is whole. Restore one from a backup, or remove the " +
                                         "folder to begin again from step 0");
}

std::optional<Checkpoint> Checkpoints::newest() const {
  const std::optional<fs::path> folder = newest_folder();
  if (!folder) return std::nullopt;
  return read_checkpoint(*folder);
}

void Checkpoints::prune(int64_t keep_last) const {
  const std::vector<int64_t> all = steps();
  if (static_cast<int64_t>(all.size()) <= keep_last) return;
  const auto healthy =
      std::find_if(all.rbegin(), all.rend(), [&](int64_t step) { return damage(folder_of(step)).empty(); });
  for (auto step = all.begin(); step != all.end() - keep_last; ++step) {
    if (healthy != all.rend() && *step == *healthy) continue;
    std::error_code error;
    fs::remove_all(folder_of(*step), error);
    if (error) log::warning("cannot remove '" + folder_of(*step).string() + "': " + error.message());
  }
}

std::string damage(const fs::path& checkpoint_folder) {
  const ManifestCheck check = check_manifest(checkpoint_folder);
  if (!check.damage.empty()) return check.damage;
  for (const char* name : {kStateName, "model.safetensors"}) {
    if (std::find(check.files.begin(), check.files.end(), name) == check.files.end()) {
      return std::string(kManifestName) + ": does not list " + name;
    }
  }
  return {};
}

Checkpoint read_checkpoint(const fs::path& checkpoint_folder) {
  if (const std::string what = damage(checkpoint_folder); !what.empty()) {
    throw Error(ErrorKind::checkpoint, "the checkpoint '" + checkpoint_folder.string() + "' is damaged: " + what);
  }
  Checkpoint checkpoint;
  checkpoint.state = read_state(checkpoint_folder / kStateName);
  for (const std::string& name : check_manifest(checkpoint_folder).files) {
    if (!name.ends_with(kTensors)) continue;
    const io::SafetensorsFile file(checkpoint_folder / name);
    TensorGroup& group = checkpoint.groups.emplace_back();
    group.name = name.substr(0, name.size() - kTensors.size());
    for (const io::TensorEntry& tensor : file.tensors()) group.tensors.push_back({tensor.name, file.read(tensor)});
  }
  return checkpoint;
}

}  // namespace ttfm::run
