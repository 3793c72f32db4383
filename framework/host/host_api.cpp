// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/host_api.h"

#include <optional>

#include "base/error_codes.h"
#include "base/log.h"

namespace ttfm::host {
namespace {

thread_local std::optional<Failure> last_failure;

// Called from C: nothing may be thrown back, and null is possible for every text.
void set_error(uint32_t kind, int32_t code, const char* what) noexcept {
  const bool known =
      kind >= static_cast<uint32_t>(ErrorKind::internal) && kind <= static_cast<uint32_t>(ErrorKind::device);
  last_failure = Failure();
  if (known) last_failure->kind = static_cast<ErrorKind>(kind);
  last_failure->code = code;
  if (what && *what) last_failure->what = what;
}

void log_text(uint32_t level, const char* component, const char* text) noexcept {
  const std::string line = (component ? std::string(component) + ": " : "") + (text ? text : "");
  switch (level) {
    case TTFM_LOG_DEBUG:
      return log::debug(line);
    case TTFM_LOG_INFO:
      return log::info(line);
    default:
      return log::warning(line);
  }
}

}  // namespace

const ttfm_host_v1& host_functions() {
  static constexpr ttfm_host_v1 functions = {sizeof(ttfm_host_v1), TTFM_ABI_MAJOR, TTFM_ABI_MINOR, &set_error,
                                             &log_text};
  return functions;
}

void clear_failure() { last_failure.reset(); }

Failure take_failure() {
  Failure failure = last_failure.value_or(Failure());
  last_failure.reset();
  return failure;
}

Error start_error(const std::string& what, const Failure& failure, const std::string& provider) {
  const int code = failure.code > 0 ? failure.code : kDidNotStart;
  const std::string text = what + " failed to start: " + failure.what;
  if (failure.kind != ErrorKind::internal) return Error(failure.kind, text, code);
  return Error(ErrorKind::plugin, text + ". This is a bug in the plugin " + provider + ".", code);
}

}  // namespace ttfm::host
