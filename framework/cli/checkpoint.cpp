// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <algorithm>
#include <cstdio>
#include <numeric>

#include <ttfm/error.h>
#include <ttfm/io/safetensors.h>

#include "base/log.h"
#include "base/size_text.h"
#include "base/text_table.h"
#include "cli/checkpoint_places.h"
#include "cli/commands.h"
#include "config/merge.h"
#include "io/safetensors_types.h"
#include "run/checkpoint.h"
#include "run/environment.h"
#include "run/progress_line.h"
#include "run/weights.h"

namespace ttfm::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string json_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string counted(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

uint64_t bytes_of(const fs::path& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
    if (each->is_regular_file(error)) bytes += each->file_size(error);
  }
  return bytes;
}

std::string trained(const CheckpointPlace& place) {
  const bool known = place.state.contains("seconds") && place.state["seconds"].is_number();
  return known ? run::short_duration(place.state["seconds"]) : "-";
}

/// A .safetensors file as JSON, without its numbers.
Json describe_file(const fs::path& path) {
  const io::SafetensorsFile file(path);
  Json tensors = Json::array();
  uint64_t bytes = 0;
  int64_t numbers = 0;
  for (const io::TensorEntry& tensor : file.tensors()) {
    tensors.push_back({{"name", tensor.name},
                       {"type", io::find_type(tensor.dtype)->name},
                       {"shape", tensor.shape},
                       {"bytes", tensor.bytes()}});
    bytes += tensor.bytes();
    numbers += std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>());
  }
  return {{"file", path.filename().string()},
          {"metadata", file.metadata()},
          {"numbers", numbers},
          {"bytes", bytes},
          {"tensors", tensors}};
}

/// The files of tensors of a checkpoint: the weights, their average, then the others by name.
std::vector<fs::path> groups_of(const fs::path& checkpoint) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(checkpoint)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  const auto key = [](const fs::path& path) {
    const std::string stem = path.stem().string();
    return std::make_pair(stem == "model" ? 0 : stem == "ema" ? 1 : 2, stem);
  };
  std::sort(files.begin(), files.end(), [&](const fs::path& a, const fs::path& b) { return key(a) < key(b); });
  return files;
}

std::string sizes_text(size_t tensors, uint64_t numbers, uint64_t bytes) {
  return counted(tensors, "tensor") + ", " + counted(numbers, "number") + ", " + size_text(bytes);
}

std::string text_of_file(const Json& file) {
  std::string text = file["file"].get<std::string>() + ": " +
                     sizes_text(file["tensors"].size(), file["numbers"], file["bytes"]) + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : file["metadata"].items()) rows.push_back({name, value});
  text += text_table(rows, "  ");
  rows.clear();
  for (const Json& tensor : file["tensors"]) {
    std::string shape;
    for (const Json& size : tensor["shape"]) shape += (shape.empty() ? "" : ", ") + size.dump();
    rows.push_back({tensor["name"], tensor["type"], "[" + shape + "]", size_text(tensor["bytes"])});
  }
  return text + text_table(rows, "  ");
}

Json describe_checkpoint(const CheckpointPlace& place) {
  Json groups = Json::array();
  for (const fs::path& file : groups_of(place.folder)) groups.push_back(describe_file(file));
  return {{"checkpoint", place.folder.string()}, {"state", place.state}, {"groups", groups}};
}

std::string text_of_checkpoint(const CheckpointPlace& place, const Json& described) {
  std::vector<std::vector<std::string>> facts = {{"checkpoint", place.folder.string()}};
  for (const auto& [name, value] : place.state.items()) {
    if (value.empty()) continue;  // no counters
    std::string text;
    for (const auto& [key, each] : value.items()) {
      const std::string shown = each.is_string() ? each.get<std::string>() : each.dump();
      text += (text.empty() ? "" : ", ") + (value.is_object() ? key + " " : "") + shown;
    }
    facts.push_back({name, name == "seconds" ? text + " (" + trained(place) + ")" : text});
  }
  std::string text = text_table(facts);
  size_t tensors = 0;
  uint64_t numbers = 0, bytes = 0;
  for (const Json& group : described["groups"]) {
    text += text_of_file(group);
    tensors += group["tensors"].size();
    numbers += group["numbers"].get<uint64_t>();
    bytes += group["bytes"].get<uint64_t>();
  }
  return text + "total: " + counted(described["groups"].size(), "file") + ", " + sizes_text(tensors, numbers, bytes) +
         "\n";
}

/// `type` of a section in a run's config.resolved.toml; "" where there is none.
std::string type_in(const fs::path& config, const std::vector<const char*>& section) {
  config::Diagnostics ignored;
  const config::Layers layers = config::read_layers(config, {}, ignored);
  const config::Node* node = &layers.root;
  for (const char* name : section) node = node ? node->find(name) : nullptr;
  node = node ? node->find("type") : nullptr;
  return node ? node->text : "";
}

/// What the weights of a checkpoint are, for whoever finds the file later.
io::Metadata metadata_of(const CheckpointPlace& place, const std::string& weights) {
  io::Metadata metadata = {{"stage", place.stage}, {"step", place.step}, {"weights", weights}};
  if (place.state.contains("/versions/ttfm"_json_pointer)) metadata["ttfm"] = place.state["versions"]["ttfm"];
  std::error_code error;
  const fs::path run = fs::weakly_canonical(place.folder, error).parent_path().parent_path().parent_path();
  const fs::path config = run / "config.resolved.toml";
  if (!fs::exists(config)) return metadata;  // a checkpoint that was copied out of its run
  std::string type = place.stage == "teacher" ? type_in(config, {"teacher", "network"}) : "";
  if (type.empty()) type = type_in(config, {"student"});
  if (!type.empty()) metadata["type"] = type;
  metadata["config_sha256"] = run::sha256_of_file(config);
  return metadata;
}

}  // namespace

int checkpoint_list(const CheckpointArguments& arguments) {
  std::vector<std::vector<std::string>> rows = {{"stage", "step", "size", "trained", "name", "state"}};
  Json json = Json::array();
  for (const CheckpointPlace& place : find_checkpoints(arguments.path)) {
    const std::string damage = run::damage(place.folder);
    const uint64_t bytes = bytes_of(place.folder);
    rows.push_back({place.stage, place.step, size_text(bytes), trained(place), place.marks.empty() ? "-" : place.marks,
                    damage.empty() ? "verified" : "damaged: " + damage});
    json.push_back({{"path", place.folder.string()},
                    {"stage", place.stage},
                    {"step", std::stoll(place.step)},
                    {"bytes", bytes},
                    {"seconds", place.state.contains("seconds") ? place.state["seconds"] : Json()},
                    {"latest", place.marks.find("LATEST") != std::string::npos},
                    {"best", place.marks.find("BEST") != std::string::npos},
                    {"damage", damage}});
  }
  std::fputs((arguments.json ? json_text(json) : text_table(rows)).c_str(), stdout);
  return 0;
}

int checkpoint_inspect(const CheckpointArguments& arguments) {
  if (fs::is_regular_file(arguments.path)) {
    const Json file = describe_file(arguments.path);
    std::fputs((arguments.json ? json_text(file) : text_of_file(file)).c_str(), stdout);
    return 0;
  }
  Json json = Json::array();
  std::string text;
  for (const CheckpointPlace& place : newest_checkpoints(arguments.path)) {
    json.push_back(describe_checkpoint(place));
    text += (text.empty() ? "" : "\n") + text_of_checkpoint(place, json.back());
  }
  std::fputs((arguments.json ? json_text(json) : text).c_str(), stdout);
  return 0;
}

int checkpoint_verify(const CheckpointArguments& arguments) {
  size_t damaged = 0;
  const std::vector<CheckpointPlace> places = find_checkpoints(arguments.path);
  for (const CheckpointPlace& place : places) {
    uint64_t bytes = 0;
    std::string wrong;
    const run::ManifestCheck check = run::verify(place.folder);
    for (const auto& file : check.files) {
      bytes += file.bytes;
      if (!file.damage.empty()) wrong += "  " + file.name + ": " + file.damage + "\n";
    }
    if (wrong.empty() && !check.damage.empty()) wrong = "  " + check.damage + "\n";  // of the manifest itself
    damaged += !wrong.empty();
    const std::string verdict =
        wrong.empty() ? "verified, " + counted(check.files.size(), "file") + ", " + size_text(bytes) + "\n"
                      : "damaged\n" + wrong;
    std::fputs((place.stage + " step " + place.step + ": " + verdict).c_str(), stdout);
  }
  if (damaged == 0) return 0;
  std::fflush(stdout);
  throw Error(ErrorKind::checkpoint, std::to_string(damaged) + " of " + counted(places.size(), "checkpoint") + " in '" +
                                         arguments.path + "' " + (damaged == 1 ? "is" : "are") +
                                         " damaged. A run goes on after the newest one that is whole");
}

int checkpoint_export(const CheckpointExportArguments& arguments) {
  const fs::path out = arguments.out;
  if (out.extension() != ".safetensors") {
    throw Error(ErrorKind::config, "--out " + arguments.out + ": expected a name that ends with .safetensors");
  }
  if (fs::exists(out) && !arguments.force) {
    throw Error(ErrorKind::config, "--out " + arguments.out + ": is there already; --force writes over it");
  }
  if (fs::is_regular_file(arguments.path)) {
    throw Error(ErrorKind::config, "'" + arguments.path + "' is a file of weights already; copy it");
  }
  const run::WeightChoice choice{arguments.stage.empty() ? "student" : arguments.stage, arguments.weights != "raw"};
  const run::LoadedWeights loaded = run::load_weights(arguments.path, choice);
  const CheckpointPlace place = find_checkpoints(loaded.file.parent_path()).front();
  if (!arguments.stage.empty() && place.stage != arguments.stage) {
    throw Error(ErrorKind::checkpoint, "'" + arguments.path + "' holds no checkpoint of a " + arguments.stage +
                                           ", but one of a " + place.stage);
  }
  const std::string weights = loaded.file.stem() == "ema" ? "ema" : "raw";
  if (arguments.weights == "ema" && weights != "ema") {
    throw Error(ErrorKind::checkpoint, "'" + place.folder.string() +
                                           "' holds no averaged weights (ema_decay was 0); --weights raw takes the "
                                           "others");
  }
  io::write_safetensors(out, loaded.tensors, metadata_of(place, weights));
  log::info(weights + " weights of the " + place.stage + " after step " + place.step + ", " +
            counted(loaded.tensors.size(), "tensor") + ", " + size_text(fs::file_size(out)) + ": " + out.string());
  return 0;
}

}  // namespace ttfm::cli
