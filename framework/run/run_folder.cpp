// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include <ttfm/error.h>

#include "base/append_file.h"
#include "base/atomic_file.h"
#include "base/log.h"
#include "base/read_file.h"
#include "base/run_name.h"

namespace ttfm::run {
namespace {

namespace fs = std::filesystem;

void check_name(const std::string& name) {
  if (is_run_name(name)) return;
  throw Error(ErrorKind::config, "[run] name = \"" + name +
                                     "\" cannot name a folder: at most 128 letters, digits, '.', '_' and '-' are "
                                     "allowed, beginning with a letter, a digit or '_'");
}

/// "20261122-2014-quickstart-3fa2"
std::string fresh_name(const fs::path& config) {
  std::string stem = config.stem().string();
  std::replace_if(
      stem.begin(), stem.end(), [](char c) { return !is_name_character(c); }, '_');
  static constexpr const char* kDigits = "0123456789abcdef";
  std::random_device random;
  std::string suffix;
  for (int i = 0; i < 4; ++i) suffix += kDigits[random() % 16];
  return local_time("%Y%m%d-%H%M-") + (stem.empty() ? "run" : stem) + "-" + suffix;
}

/// An argument as a shell reads it back.
std::string quoted(const std::string& argument) {
  const auto plain = [](char c) { return is_name_character(c) || std::strchr("/=:,+@%", c) != nullptr; };
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), plain)) return argument;
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// The command that was given, with --resume=auto, and with the name of a run that had none.
std::string command_to_resume(const RunRequest& request, const std::string& name) {
  std::string text;
  for (const std::string& argument : request.argv) {
    if (argument.starts_with("--resume")) continue;
    text += (text.empty() ? "" : " ") + quoted(argument);
  }
  if (!request.name) text += " --run.name=" + name;
  return text + " --resume=auto";
}

const char* state_text(Status::State state) {
  switch (state) {
    case Status::State::running:
      return "running";
    case Status::State::done:
      return "done";
    case Status::State::stopped:
      return "stopped";
    case Status::State::failed:
      return "failed";
  }
  return "failed";
}

/// Removes what processes that were killed left half written, here and below.
void remove_unfinished(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (auto entry = fs::recursive_directory_iterator(folder, error); entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    if (!is_unfinished(entry->path())) continue;
    found.push_back(entry->path());
    entry.disable_recursion_pending();
  }
  for (const fs::path& path : found) fs::remove_all(path, error);
}

}  // namespace

RunFolder::RunFolder(const RunRequest& request) {
  create(request);
  resume_command_ = command_to_resume(request, path_.filename().string());
  lock();
  remove_unfinished(path_);
  log::add_file(path_ / "log.txt");
}

RunFolder::~RunFolder() {
  if (lock_ >= 0) close(lock_);  // and so gives the lock back
}

void RunFolder::create(const RunRequest& request) {
  if (!request.name && request.resume == Resume::must) {
    throw Error(ErrorKind::config, "--resume=must needs [run] name: a run without a name is always a new one");
  }
  if (request.name) check_name(*request.name);
  std::error_code error;
  fs::create_directories(request.parent, error);
  if (error) throw Error(ErrorKind::io, "cannot make '" + request.parent.string() + "': " + error.message());
  if (!request.name) {
    do {  // create_directory() says whether the folder is new, so two runs never share one
      path_ = request.parent / fresh_name(request.config);
    } while (!fs::create_directory(path_, error) && !error);
  } else {
    path_ = request.parent / *request.name;
    const bool made = fs::create_directory(path_, error);
    const bool empty = made || (!error && fs::is_empty(path_, error));
    if (!error && empty && request.resume == Resume::must) {
      if (made) fs::remove(path_, error);
      throw Error(ErrorKind::checkpoint, "--resume=must, but there is no run in '" + path_.string() + "'");
    }
    if (!error && !empty && request.resume == Resume::never) {
      throw Error(ErrorKind::config, "the run folder '" + path_.string() +
                                         "' is there already and nothing in it is written over.\nGo on with it: " +
                                         command_to_resume(request, *request.name) +
                                         "\nOr give the new run another name: --run.name=" + *request.name + "-2");
    }
    if (!error && !empty && !fs::exists(path_ / "run.lock")) {
      throw Error(ErrorKind::checkpoint,
                  "'" + path_.string() + "' is not the folder of a run (it has no run.lock): it is left alone");
    }
    resumed_ = fs::exists(path_ / "config.toml");  // else it was killed before it had one
  }
  if (error) throw Error(ErrorKind::io, "cannot make the run folder '" + path_.string() + "': " + error.message());
}

void RunFolder::lock() {
  const fs::path file = path_ / "run.lock";
  lock_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) throw Error(ErrorKind::io, "cannot open '" + file.string() + "': " + std::strerror(errno));
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    close(lock_);
    lock_ = -1;
    if (reason != EWOULDBLOCK) {
      throw Error(ErrorKind::io, "cannot lock '" + file.string() + "': " + std::strerror(reason));
    }
    throw Error(ErrorKind::config, "the run folder '" + path_.string() + "' is in use by another process (" +
                                       read_file_or_nothing(file, limits::kConfigBytes) +
                                       "): wait for its end, or stop it");
  }
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  const std::string holder = "process " + std::to_string(getpid()) + " on " + host.data();
  if (ftruncate(lock_, 0) != 0 || pwrite(lock_, holder.data(), holder.size(), 0) < 0) {
    log::debug("cannot write into '" + file.string() + "'");  // it only informs
  }
}

namespace {

fs::path numbered(const fs::path& folder, std::string_view stem, std::string_view extension, int number) {
  return folder / (std::string(stem) + (number == 1 ? "" : "." + std::to_string(number)) + std::string(extension));
}

}  // namespace

std::optional<fs::path> RunFolder::latest(std::string_view stem, std::string_view extension) const {
  std::optional<fs::path> last;
  for (int number = 1; fs::exists(numbered(path_, stem, extension, number)); ++number) {
    last = numbered(path_, stem, extension, number);
  }
  return last;
}

void RunFolder::keep(std::string_view stem, std::string_view extension, std::string_view bytes) const {
  if (const auto last = latest(stem, extension); last && read_file_or_nothing(*last, limits::kConfigBytes) == bytes)
    return;
  int number = 1;
  while (fs::exists(numbered(path_, stem, extension, number))) ++number;
  write_file_atomically(numbered(path_, stem, extension, number), bytes);
}

fs::path RunFolder::failure(std::string_view stage, int64_t step) const {
  std::string digits = std::to_string(step);
  digits.insert(0, digits.size() < 8 ? 8 - digits.size() : 0, '0');
  return path_ / "failure" / (std::string(stage) + "-step-" + digits + ".safetensors");
}

void RunFolder::write_config(std::string_view source, std::string_view resolved) const {
  keep("config", ".toml", source);
  keep("config.resolved", ".toml", resolved);
}

void RunFolder::write_inputs(const std::map<std::string, std::string>& checksums) const {
  keep("inputs", ".json", nlohmann::ordered_json(checksums).dump(2) + "\n");
}

void RunFolder::write_environment(const Environment& environment) const {
  const std::string text = environment_json(environment);
  if (!fs::exists(path_ / "env.json")) write_file_atomically(path_ / "env.json", text);
  const std::string history = read_file_or_nothing(path_ / "history.jsonl", limits::kMetricsBytes);
  const bool torn = !history.empty() && history.back() != '\n';  // by a process that was killed
  AppendFile file(path_ / "history.jsonl");
  file.append((torn ? "\n" : "") + nlohmann::ordered_json::parse(text).dump() + "\n");
  file.sync();
}

std::string RunFolder::last_environment() const {
  std::string last;
  std::istringstream lines(read_file_or_nothing(path_ / "history.jsonl", limits::kMetricsBytes));
  for (std::string line; std::getline(lines, line);) {
    if (nlohmann::json::accept(line)) last = line;
  }
  return last;
}

void RunFolder::end(Status::State state, int exit_code, const std::string& reason) {
  Status status = status_;
  status.state = state;
  status.exit_code = exit_code;
  status.reason = reason;
  write_status(status);
}

void RunFolder::write_status(const Status& status) {
  status_ = status;
  nlohmann::ordered_json json{
      {"state", state_text(status.state)}, {"stage", status.stage}, {"step", status.step}, {"steps", status.steps}};
  if (status.state != Status::State::running) json["exit_code"] = status.exit_code;
  if (!status.reason.empty()) json["reason"] = status.reason;
  json["process"] = getpid();
  json["time"] = local_time("%Y-%m-%dT%H:%M:%S%z");
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;  // a reason may quote any bytes
  write_file_atomically(path_ / "status.json", json.dump(2, ' ', false, replace) + "\n");
}

}  // namespace ttfm::run
