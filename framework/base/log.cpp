// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>

#include "base/append_file.h"

#include "base/printable.h"

namespace ttfm::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// stderr, one write for each line; warnings and errors carry their level, information stands as it is.
class ConsoleSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  std::function<void()> before, after;
  using base_sink::mutex_;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (before) before();
    std::string line;
    if (message.level == spdlog::level::warn) line = colour("33", "warning: ");
    if (message.level == spdlog::level::err) line = colour("31", "error: ");
    line.append(message.payload.data(), message.payload.size());
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fflush(stderr);
    if (after) after();
  }
  void flush_() override { std::fflush(stderr); }

 private:
  static std::string colour(const char* code, const char* text) {
    static const bool coloured = isatty(STDERR_FILENO) && !std::getenv("NO_COLOR");
    return coloured ? "\033[" + std::string(code) + "m" + text + "\033[0m" : text;
  }
};

/// A run's log.txt. A disk that does not take it does not stop the run: the console says so once.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FileSink(const std::filesystem::path& path) : path_(path), file_(path, kMostKept) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (file_.append({line.data(), line.size()}) || said_) return;
    said_ = true;
    std::fprintf(stderr, "warning: '%s' cannot be written; the run goes on\n", path_.c_str());
  }
  void flush_() override {}

 private:
  static constexpr size_t kMostKept = 1 << 20;

  std::filesystem::path path_;
  AppendFile file_;
  bool said_ = false;
};

struct Log {
  std::shared_ptr<ConsoleSink> console = std::make_shared<ConsoleSink>();
  spdlog::logger logger{"ttfm", console};

  Log() {
    console->set_level(spdlog::level::info);
    logger.set_level(spdlog::level::debug);
    logger.flush_on(spdlog::level::info);
  }
};

Log& instance() {
  static Log* const log = new Log;  // never destroyed: the last lines come from destructors
  return *log;
}

}  // namespace

void write(Level level, const std::string& text) {
  const std::string shown = printable(text, "\n\t");
  instance().logger.log(to_spdlog(level), spdlog::string_view_t(shown.data(), shown.size()));
}

void warn_once(const std::string& text) {
  static std::mutex mutex;
  static std::set<std::string> given;
  const std::lock_guard lock(mutex);
  if (given.insert(text).second) warning(text);
}

void set_console_level(Level level) { instance().console->set_level(to_spdlog(level)); }

void add_file(const std::filesystem::path& file) {
  auto sink = std::make_shared<FileSink>(file);
  sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  instance().logger.sinks().push_back(std::move(sink));
}

void set_console_hooks(std::function<void()> before, std::function<void()> after) {
  ConsoleSink& console = *instance().console;
  const std::lock_guard lock(console.mutex_);
  console.before = std::move(before);
  console.after = std::move(after);
}

}  // namespace ttfm::log
