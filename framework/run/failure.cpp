// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/failure.h"

#include <nlohmann/json.hpp>

#include <ttfm/error.h>

namespace ttfm::run {
namespace {

constexpr const char* kMetadata = "ttfm.failure";
constexpr int kFormat = 1;

/// "model/in.weight" as {"model", "in.weight"}; a name without a group has none.
std::pair<std::string, std::string> split(const std::string& name) {
  const size_t slash = name.find('/');
  return slash == std::string::npos ? std::pair(std::string(), name)
                                    : std::pair(name.substr(0, slash), name.substr(slash + 1));
}

at::Tensor on_host(const at::Tensor& tensor) { return tensor.detach().cpu().contiguous(); }

}  // namespace

void write_failure(const std::filesystem::path& path, const Failure& failure) {
  std::vector<io::NamedTensor> tensors;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    tensors.push_back({name, on_host(tensor)});
  };
  add("loss", failure.loss);
  add("gradient_norm", failure.gradient_norm);
  add("indices", failure.indices);
  for (const auto& [name, tensor] : failure.terms) add("term/" + name, tensor);
  for (const auto& [name, tensor] : failure.values) add("value/" + name, tensor);
  for (const TensorGroup& group : failure.weights) {
    for (const io::NamedTensor& each : group.tensors) add(group.name + "/" + each.name, each.value);
  }
  const nlohmann::ordered_json json{{"format", kFormat},
                                    {"stage", failure.stage},
                                    {"step", failure.step},
                                    {"seed", failure.seed},
                                    {"config", failure.config},
                                    {"versions", failure.versions},
                                    {"not_finite", failure.not_finite}};
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;  // a plugin's names may hold any bytes
  std::filesystem::create_directories(path.parent_path());
  io::write_safetensors(path, tensors, {{kMetadata, json.dump(-1, ' ', false, replace)}});
}

Failure read_failure(const std::filesystem::path& path) {
  const io::SafetensorsFile file(path);
  const auto metadata = file.metadata().find(kMetadata);
  const auto refuse = [&](const std::string& what) {
    return Error(ErrorKind::checkpoint, "'" + path.string() + "' does not hold a failed step: " + what);
  };
  if (metadata == file.metadata().end()) {
    throw refuse(std::string("it has no metadata '") + kMetadata +
                 "'. Files of this kind are in the folder failure/ of a run that stopped with exit code 6");
  }
  Failure failure;
  try {
    const nlohmann::json json = nlohmann::json::parse(metadata->second);
    if (const int format = json.at("format").get<int>(); format != kFormat) {
      throw refuse("its format is " + std::to_string(format) + ", this program reads " + std::to_string(kFormat));
    }
    json.at("stage").get_to(failure.stage);
    json.at("step").get_to(failure.step);
    json.at("seed").get_to(failure.seed);
    json.at("config").get_to(failure.config);
    json.at("versions").get_to(failure.versions);
    json.at("not_finite").get_to(failure.not_finite);
  } catch (const nlohmann::json::exception& exception) {
    throw refuse(exception.what());
  }
  failure.loss = file.read("loss");
  failure.gradient_norm = file.read("gradient_norm");
  failure.indices = file.read("indices");
  for (const io::TensorEntry& entry : file.tensors()) {
    const auto [group, name] = split(entry.name);
    if (group.empty()) continue;
    const at::Tensor tensor = file.read(entry);
    if (group == "term") {
      failure.terms[name] = tensor;
    } else if (group == "value") {
      failure.values[name] = tensor;
    } else {
      if (failure.weights.empty() || failure.weights.back().name != group) failure.weights.push_back({group, {}});
      failure.weights.back().tensors.push_back({name, tensor});
    }
  }
  return failure;
}

}  // namespace ttfm::run
