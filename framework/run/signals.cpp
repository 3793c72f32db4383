// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/signals.h"

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace ttfm::run {
namespace {

std::atomic<int> stop_signal = 0;  // lock-free: a handler may touch it, in whatever thread it runs
static_assert(std::atomic<int>::is_always_lock_free);

struct sigaction old_int, old_term;

extern "C" void ttfm_ask_for_stop(int signal) {
  if (stop_signal.exchange(signal) == 0) return;
  std::signal(signal, SIG_DFL);  // asked before: at once, as if it had never been caught
  std::raise(signal);            // delivered when this handler returns
}

}  // namespace

StopSignals::StopSignals() {
  stop_signal = 0;
  struct sigaction action {};
  action.sa_handler = ttfm_ask_for_stop;
  action.sa_flags = SA_RESTART;  // a write under way goes on
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &old_int);
  sigaction(SIGTERM, &action, &old_term);
}

StopSignals::~StopSignals() {
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
}

int StopSignals::received() { return stop_signal; }

void StopSignals::leave() {
  const int signal = stop_signal;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  std::_Exit(128 + signal);  // where the signal is blocked
}

}  // namespace ttfm::run
