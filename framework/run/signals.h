// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

namespace ttfm::run {

/// While it lives, SIGINT, SIGTERM and SIGUSR1 ask for a stop instead of ending the process, and SIGUSR2 for a
/// checkpoint: whoever trains looks here after each step, saves, and calls leave(). A second signal that asks for a stop
/// ends the process at once, which is safe: files are replaced whole. A reader of the output that is gone (SIGPIPE)
/// does not end a run. One of it at a time.
class RunSignals {
 public:
  RunSignals();
  ~RunSignals();  ///< what was installed before is back
  RunSignals(const RunSignals&) = delete;
  RunSignals& operator=(const RunSignals&) = delete;

  /// The signal that asked for a stop; 0 if none did.
  static int received();

  /// Whether a checkpoint was asked for since the last time this was.
  static bool save_asked();

  /// What leave() will end with, as a shell sees it: 130 or 143; 75 for SIGUSR1, by which a cluster's scheduler says
  /// that the job is to be queued again.
  static int exit_code();

  /// Ends the process as the signal would have done, or with 75.
  [[noreturn]] static void leave();
};

}  // namespace ttfm::run
