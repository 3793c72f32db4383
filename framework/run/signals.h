// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

namespace ttfm::run {

/// While it lives, SIGINT, SIGTERM and SIGUSR1 ask for a stop instead of ending the process: whoever trains looks at
/// received() after each step, saves, and calls leave(). A second signal ends the process at once, which is safe: files
/// are replaced whole. One of it at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();  ///< what was installed before is back
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The signal that asked for a stop; 0 if none did.
  static int received();

  /// What leave() will end with, as a shell sees it: 130 or 143; 75 for SIGUSR1, by which a cluster's scheduler says
  /// that the job is to be queued again.
  static int exit_code();

  /// Ends the process as the signal would have done, or with 75.
  [[noreturn]] static void leave();
};

}  // namespace ttfm::run
