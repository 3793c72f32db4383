// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/checkpoint.h"

#include <ATen/ops/aminmax.h>
#include <ATen/ops/isfinite.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>

#include <ttfm/error.h>

#include "base/atomic_file.h"
#include "base/log.h"
#include "base/output_file.h"
#include "base/read_file.h"
#include "io/safetensors_encoder.h"
#include "run/json_count.h"
#include "run/manifest.h"

namespace ttfm::run {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
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

/// All that is not finite shows in the extremes: one pass without a copy.
bool is_finite(const at::Tensor& tensor) {
  if (!tensor.is_floating_point() || tensor.numel() == 0) return true;
  const auto [low, high] = at::aminmax(tensor);
  return std::isfinite(low.item<double>()) && std::isfinite(high.item<double>());
}

void refuse_non_finite(const Checkpoint& checkpoint) {
  for (const TensorGroup& group : checkpoint.groups) {
    for (const io::NamedTensor& tensor : group.tensors) {
      if (is_finite(tensor.value)) continue;
      const int64_t bad = at::isfinite(tensor.value).logical_not().sum().item<int64_t>();
      throw Error(ErrorKind::numeric,
                  "the checkpoint of " + checkpoint.state.stage + " step " + std::to_string(checkpoint.state.step) +
                      " is not written: " + std::to_string(bad) + " of " + std::to_string(tensor.value.numel()) +
                      " numbers of '" + tensor.name + "' (" + group.name +
                      ") are not finite. The last checkpoint stays; a lower [train] lr or a " + "clip_norm may help");
    }
  }
}

std::string state_json(const CheckpointState& state) {
  return nlohmann::ordered_json{{"stage", state.stage},      {"step", state.step},       {"images", state.images},
                                {"seconds", state.seconds},  {"metrics", state.metrics}, {"counters", state.counters},
                                {"versions", state.versions}}
             .dump(2) +
         "\n";
}

CheckpointState read_state(const fs::path& path) {
  const auto refuse = [&path](const std::string& why) -> CheckpointState {
    throw Error(ErrorKind::checkpoint, "'" + path.string() + "' does not hold a checkpoint's state: " + why);
  };
  try {
    const nlohmann::json json = nlohmann::json::parse(read_file(path, limits::kStateBytes));
    CheckpointState state;
    json.at("stage").get_to(state.stage);
    state.step = count_at(json, "step");
    state.images = count_at(json, "images");
    state.seconds = json.at("seconds").is_number() ? json["seconds"].get<double>() : -1;
    if (!(state.seconds >= 0)) throw WrongField("`seconds` is not a number of 0 or more");
    for (const auto& [name, value] : json.at("counters").items()) state.counters[name] = count(value, name);
    if (json.contains("metrics")) json["metrics"].get_to(state.metrics);  // not in files of 1.0
    json.at("versions").get_to(state.versions);
    return state;
  } catch (const nlohmann::json::exception& exception) {
    return refuse(exception.what());
  } catch (const WrongField& wrong) {
    return refuse(wrong.what());
  } catch (const UnreadableFile& unreadable) {
    return refuse(unreadable.what());
  }
}

void rename_folder(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return;
  throw Error(ErrorKind::io, "cannot rename '" + from.string() + "' to '" + to.string() + "': " + std::strerror(errno));
}

/// The files of a checkpoint on their way to the disk: all are written before the first is waited for.
class Files {
 public:
  explicit Files(fs::path folder) : folder_(std::move(folder)) {}

  /// Adds a file; `fill` is given the function that writes its bytes.
  template <class Fill>
  void add(const std::string& name, const Fill& fill) {
    const fs::path path = folder_ / name;
    OutputFile& file = files_.emplace_back(path, path.string());
    Checksum checksum;
    uint64_t bytes = 0;
    fill([&](const void* data, size_t size) {
      constexpr size_t kPiece = size_t{1} << 20;  // what was hashed is still in the cache when it is written
      const auto* from = static_cast<const char*>(data);
      for (size_t done = 0; done < size; done += kPiece) {
        const size_t piece = std::min(kPiece, size - done);
        checksum.add(from + done, piece);
        file.write(from + done, piece);
      }
      bytes += size;
    });
    file.begin_sync();
    entries_.push_back({name, bytes, checksum.text()});
  }
  void add(const std::string& name, const std::string& text) {
    add(name, [&](const auto& write) { write(text.data(), text.size()); });
  }

  void finish() {
    for (OutputFile& file : files_) file.finish();
    files_.clear();
  }

  const std::vector<ManifestEntry>& entries() const { return entries_; }

 private:
  fs::path folder_;
  std::deque<OutputFile> files_;
  std::vector<ManifestEntry> entries_;
};

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

Checkpoint read_verified(const fs::path& folder, const ManifestCheck& check) {
  Checkpoint checkpoint;
  checkpoint.folder = folder;
  checkpoint.state = read_state(folder / kStateName);
  for (const ManifestCheck::File& listed : check.files) {
    if (!listed.name.ends_with(kTensors)) continue;
    const io::SafetensorsFile file(folder / listed.name);
    TensorGroup& group = checkpoint.groups.emplace_back();
    group.name = listed.name.substr(0, listed.name.size() - kTensors.size());
    for (const io::TensorEntry& tensor : file.tensors()) group.tensors.push_back({tensor.name, file.read(tensor)});
  }
  return checkpoint;
}

/// Text of LATEST and BEST.
std::string pointer_to(const fs::path& checkpoint) { return checkpoint.filename().string() + "\n"; }

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
  const fs::path place = folder_of(checkpoint.state.step);
  const Temporary temporary(place.string() + kUnfinished + std::to_string(getpid()));

  Files files(temporary.path());
  for (const TensorGroup& group : checkpoint.groups) {
    const std::string name = group.name + std::string(kTensors);
    files.add(name, [&](const auto& write) { io::encode_safetensors(place / name, group.tensors, {}, write); });
  }
  files.add(kStateName, state_json(checkpoint.state));
  files.finish();
  const std::string manifest = manifest_text(files.entries());
  files.add(kManifestName, manifest);
  files.finish();
  sync_folder(temporary.path());

  if (fs::exists(
          fs::symlink_status(place))) {  // a damaged one, or the same step again; rename() only replaces empty folders
    const Temporary aside(place.string() + kUnfinished + "old-" + std::to_string(getpid()));
    rename_folder(place, aside.path());
    rename_folder(temporary.path(), place);
  } else {
    rename_folder(temporary.path(), place);
  }
  sync_folder(folder_);
  write_file_atomically(folder_ / "LATEST", pointer_to(place));
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

/// What `take` makes of the newest one that verifies.
template <class Take>
auto Checkpoints::newest_that(const Take& take) const {
  const std::vector<int64_t> all = steps();
  for (auto step = all.rbegin(); step != all.rend(); ++step) {
    const fs::path folder = folder_of(*step);
    const ManifestCheck check = verify(folder);
    if (check.damage.empty()) return std::optional(take(folder, check));
    log::warning("the checkpoint '" + folder.string() + "' is damaged and left out: " + check.damage);
  }
  if (all.empty()) return decltype(std::optional(take(fs::path(), {})))();
  throw Error(ErrorKind::checkpoint, "none of the " + std::to_string(all.size()) + " checkpoints in '" +
                                         folder_.string() + "' is whole. Restore one from a backup, or remove the " +
                                         "folder to begin again from step 0");
}

std::optional<fs::path> Checkpoints::newest_folder() const {
  return newest_that([](const fs::path& folder, const ManifestCheck&) { return folder; });
}

std::optional<Checkpoint> Checkpoints::newest() const { return newest_that(read_verified); }

std::optional<int64_t> Checkpoints::best(const std::string& metric) const {
  if (metric.empty()) return std::nullopt;
  std::vector<std::pair<double, int64_t>> values;
  for (const int64_t step : steps()) {
    try {
      const CheckpointState state = read_state(folder_of(step) / kStateName);
      const auto value = state.metrics.find(metric);
      if (value != state.metrics.end()) values.emplace_back(value->second, step);
    } catch (const Error&) {  // a damaged one is not the best
    }
  }
  if (values.empty()) return std::nullopt;
  return std::min_element(values.begin(), values.end())->second;
}

void Checkpoints::prune(const Retention& keep, std::optional<int64_t> written) const {
  const std::vector<int64_t> all = steps();
  const auto healthy = std::find_if(all.rbegin(), all.rend(),
                                    [&](int64_t step) { return step == written || damage(folder_of(step)).empty(); });
  int64_t best = -1;
  if (const auto step = this->best(keep.best)) {
    best = *step;
    const std::string text = pointer_to(folder_of(best));
    if (read_file_or_nothing(folder_ / "BEST", limits::kStateBytes) != text)
      write_file_atomically(folder_ / "BEST", text);
  }
  if (healthy == all.rend()) return;  // each may be worth a rescue
  for (size_t i = 0; i + static_cast<size_t>(keep.last) < all.size(); ++i) {
    const int64_t step = all[i];
    if (step == *healthy || step == best || (keep.every > 0 && step % keep.every == 0)) continue;
    std::error_code error;
    fs::remove_all(folder_of(step), error);
    if (error) log::warning("cannot remove '" + folder_of(step).string() + "': " + error.message());
  }
}

ManifestCheck verify(const fs::path& checkpoint_folder) {
  ManifestCheck check = check_manifest(checkpoint_folder);
  for (const char* name : {kStateName, "model.safetensors"}) {
    const bool listed = std::any_of(check.files.begin(), check.files.end(),
                                    [name](const ManifestCheck::File& file) { return file.name == name; });
    if (!listed && check.damage.empty()) check.damage = std::string(kManifestName) + ": does not list " + name;
  }
  return check;
}

std::string damage(const fs::path& checkpoint_folder) { return verify(checkpoint_folder).damage; }

Checkpoint read_checkpoint(const fs::path& checkpoint_folder) {
  const ManifestCheck check = verify(checkpoint_folder);
  if (check.damage.empty()) return read_verified(checkpoint_folder, check);
  throw Error(ErrorKind::checkpoint, "the checkpoint '" + checkpoint_folder.string() + "' is damaged: " + check.damage);
}

}  // namespace ttfm::run
