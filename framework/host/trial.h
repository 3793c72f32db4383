// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <functional>
#include <string>

namespace ttfm::host {

/// How a child process ended before it had done all it was to do.
struct Trial {
  size_t done = 0;     ///< steps that were finished
  std::string ending;  ///< "signal 6: Aborted", "exit code 3"; "" if every step was finished
  std::string said;    ///< the last lines it wrote to stderr
};

/// Does step(0), step(1), ... step(count - 1) in a child process, so that what ends a process ends only that: code of a
/// plugin that runs while its library is opened cannot be guarded otherwise. What the child prints is not shown. To be
/// called while the process has one thread. A step does not throw.
/// @throws Error (internal) if there can be no child process
Trial try_in_child(size_t count, const std::function<void(size_t)>& step);

}  // namespace ttfm::host
