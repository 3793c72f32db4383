// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/environment.h"

#include <openssl/evp.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include <ttfm/error.h>

namespace ttfm::run {
namespace {

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

std::string local_time(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), format, &local);
  return text.data();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::ifstream file(path, std::ios::binary);
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  std::vector<char> block(1 << 16);
  while (good && file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    good = EVP_DigestUpdate(context.get(), block.data(), static_cast<size_t>(file.gcount())) == 1;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  good = good && file.eof() && EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1;
  if (!good) throw Error(ErrorKind::io, "cannot read '" + path.string() + "' for its SHA-256");
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    std::array<char, 3> byte{};
    std::snprintf(byte.data(), byte.size(), "%02x", digest[i]);
    text += byte.data();
  }
  return text;
}

std::string environment_json(const Environment& environment) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  utsname system{};
  uname(&system);

  nlohmann::ordered_json json{
      {"versions", environment.versions},
      {"argv", environment.argv},
      {"folder", std::filesystem::current_path().string()},
      {"host", host.data()},
      {"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
      {"processor", processor_name()},
      {"cores", std::thread::hardware_concurrency()},
      {"device", environment.device},
      {"threads", environment.threads},
      {"instruction_set", environment.instruction_set},
      {"seed", environment.seed},
      {"process", getpid()},
      {"time", local_time("%Y-%m-%dT%H:%M:%S%z")},
      {"changes", environment.changes},
      {"plugins", nlohmann::ordered_json::array()},
  };
  for (const Environment::Plugin& plugin : environment.plugins) {
    json["plugins"].push_back({{"name", plugin.name},
                               {"version", plugin.version},
                               {"path", plugin.path.string()},
                               {"sha256", sha256_of_file(plugin.path)}});
  }
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;  // arguments may hold any bytes
  return json.dump(2, ' ', false, replace) + "\n";
}

std::vector<std::string> differences(const std::string& before_json, const Environment& now) {
  using nlohmann::json;
  const auto parse = [](const std::string& text) { return json::parse(text, nullptr, /*allow_exceptions=*/false); };
  const auto member = [](const json& object, const std::string& key) {
    return object.is_object() && object.contains(key) ? object.at(key) : json();
  };
  const json before = parse(before_json), present = parse(environment_json(now));

  std::vector<std::string> differences;
  const auto compare = [&](const std::string& what, const json& then, const json& at_present) {
    if (then.is_null() || then == at_present) return;
    differences.push_back(what + ": " + at_present.dump() + ", before " + then.dump());
  };
  for (const char* key : {"device", "threads", "processor", "instruction_set"})
    compare(key, member(before, key), member(present, key));
  for (const char* name : {"ttfm", "libtorch"}) {
    compare(name, member(member(before, "versions"), name), member(member(present, "versions"), name));
  }
  const json plugins = member(before, "plugins");
  for (const json& plugin : member(present, "plugins")) {
    for (const json& then : plugins.is_array() ? plugins : json::array()) {
      if (member(then, "name") != plugin.at("name")) continue;
      compare("plugin " + plugin.at("name").dump(), member(then, "sha256"), plugin.at("sha256"));
    }
  }
  return differences;
}

}  // namespace ttfm::run
