// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/exit_code.h"

#include <filesystem>

#include <ttfm/plugin.h>

namespace ttfm::run {

int exit_code(const Error& error) { return static_cast<int>(error.kind()); }

int exit_code(const std::exception& exception) {
  if (const auto* error = dynamic_cast<const Error*>(&exception)) return exit_code(*error);
  if (is_out_of_memory(exception)) return static_cast<int>(ErrorKind::device);
  if (dynamic_cast<const std::filesystem::filesystem_error*>(&exception)) return static_cast<int>(ErrorKind::io);
  return static_cast<int>(ErrorKind::internal);
}

}  // namespace ttfm::run
