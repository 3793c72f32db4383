// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/weights.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <map>

#include <ttfm/error.h>

#include "run/checkpoint.h"
#include "run/manifest.h"

namespace ttfm::run {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostListed = 5;

LoadedWeights read_file(const fs::path& path) {
  LoadedWeights weights;
  const io::SafetensorsFile file(path);
  for (const io::TensorEntry& tensor : file.tensors()) weights.tensors.push_back({tensor.name, file.read(tensor)});
  weights.file = path;
  return weights;
}

LoadedWeights read_folder(const fs::path& folder, bool ema) {
  if (const std::string what = damage(folder); !what.empty()) {
    throw Error(ErrorKind::checkpoint, "the checkpoint '" + folder.string() + "' is damaged: " + what);
  }
  const fs::path averaged = folder / "ema.safetensors";
  return read_file(ema && fs::exists(averaged) ? averaged : folder / "model.safetensors");
}

/// "a, b, c and 2 more"
std::string listed(const std::vector<std::string>& items) {
  std::string text;
  for (size_t i = 0; i < std::min(items.size(), kMostListed); ++i) text += (i > 0 ? ", " : "") + items[i];
  if (items.size() > kMostListed) text += " and " + std::to_string(items.size() - kMostListed) + " more";
  return text;
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

}  // namespace

LoadedWeights load_weights(const fs::path& path, const WeightChoice& choice) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_regular_file(status)) return read_file(path);
  if (!fs::is_directory(status)) {
    std::string why = "it is neither a file nor a folder";
    if (!fs::status_known(status)) why = error.message();
    if (status.type() == fs::file_type::not_found) why = "no such file or folder";
    throw Error(ErrorKind::checkpoint, "there are no weights at '" + path.string() + "': " + why +
                                           ". A .safetensors file or the folder of a run is expected");
  }
  if (fs::exists(path / kManifestName, error)) return read_folder(path, choice.ema);

  const std::string other = choice.stage == "student" ? "teacher" : "student";
  const std::array<fs::path, 4> places = {path / choice.stage / "checkpoints", path / other / "checkpoints",
                                          path / "checkpoints", path};
  for (const fs::path& place : places) {
    if (!fs::is_directory(place, error)) continue;
    if (const auto folder = Checkpoints(place).newest_folder()) return read_folder(*folder, choice.ema);
  }
  throw Error(ErrorKind::checkpoint, "there are no weights in the folder '" + path.string() + "': it holds neither " +
                                         kManifestName + " nor checkpoints of a student or a teacher");
}

std::vector<at::Tensor> match_weights(const std::vector<WantedWeight>& wanted,
                                      const std::vector<io::NamedTensor>& given, const std::string& source) {
  std::map<std::string_view, const at::Tensor*> unused;
  for (const io::NamedTensor& tensor : given) unused.emplace(tensor.name, &tensor.value);

  std::vector<at::Tensor> matched;
  std::vector<std::string> missing, unexpected, misshaped;
  for (const WantedWeight& weight : wanted) {
    const auto found = unused.find(weight.name);
    if (found == unused.end()) {
      missing.push_back(weight.name + " " + shape_text(weight.shape));
      continue;
    }
    if (found->second->sizes() != at::IntArrayRef(weight.shape)) {
      misshaped.push_back(weight.name + " has " + shape_text(found->second->sizes()) + ", not " +
                          shape_text(weight.shape));
    }
    matched.push_back(*found->second);
    unused.erase(found);
  }
  for (const io::NamedTensor& tensor : given) {  // in the file's order
    if (unused.contains(tensor.name)) unexpected.push_back(tensor.name + " " + shape_text(tensor.value.sizes()));
  }
  if (missing.empty() && unexpected.empty() && misshaped.empty()) return matched;

  std::string text = "'" + source + "' is a checkpoint of another network:";
  const auto add = [&text](const char* what, const std::vector<std::string>& items) {
    if (!items.empty()) text += "\n  " + std::to_string(items.size()) + " " + what + ": " + listed(items);
  };
  add("missing", missing);
  add("unexpected", unexpected);
  add("of another shape", misshaped);
  text += "\nGive the network the parameters that it was trained with (config.resolved.toml of that run)";
  throw Error(ErrorKind::checkpoint, text);
}

void copy_weights(const std::vector<io::NamedTensor>& own, const std::vector<io::NamedTensor>& given,
                  const std::string& source) {
  const at::NoGradGuard no_grad;
  std::vector<WantedWeight> wanted;
  for (const io::NamedTensor& each : own) wanted.push_back({each.name, each.value.sizes().vec()});
  const std::vector<at::Tensor> matched = match_weights(wanted, given, source);
  for (size_t i = 0; i < own.size(); ++i) own[i].value.copy_(matched[i]);
}

}  // namespace ttfm::run
