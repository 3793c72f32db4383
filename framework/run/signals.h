// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

namespace ttfm::run {

/// While it lives, SIGINT and SIGTERM ask for a stop instead of ending the process: whoever trains looks at received()
/// after each step, saves, and calls leave(). A second signal ends the process at once, which is safe: files are
/// replaced whole. One of it at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();  ///< what was installed before is back
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The signal that asked for a stop; 0 if none did.
  static int received();

  /// Ends the process as the signal would have done, so that a shell sees 130 or 143.
  [[noreturn]] static void leave();
};

}  // namespace ttfm::run
