// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <iterator>

#include "base/log.h"
#include "fuzz/fuzz.h"
#include "run/metrics_log.h"

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

/// The input is a metrics.jsonl. What is left of it are whole lines of it, and nothing is left to remove.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ttfm;
  static const run::ResumePoint point{{"teacher"}, "student", 100};
  log::set_console_level(log::Level::error);
  const std::string text(fuzz::text_of(data, size));
  const auto path = fuzz::write("metrics.jsonl", text);
  run::rewind_metrics(path, point);
  const std::string once = read(path);
  run::rewind_metrics(path, point);

  fuzz::require(read(path) == once, "what was rewound stays as it is");
  fuzz::require(once.empty() || once.back() == '\n', "what is left are whole lines");
  size_t at = 0;
  for (size_t begin = 0; begin < once.size();) {
    const size_t end = once.find('\n', begin) + 1;
    const size_t found = text.find(once.substr(begin, end - begin), at);
    fuzz::require(found != std::string::npos, "what is left was there, in that order");
    at = found + (end - begin);
    begin = end;
  }
  return 0;
}
