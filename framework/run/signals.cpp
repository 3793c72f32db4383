// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/signals.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "run/exit_code.h"

namespace ttfm::run {
namespace {

std::atomic<int> stop_signal = 0;  // lock-free: a handler may touch it, in whatever thread it runs
std::atomic<bool> save = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

constexpr std::array<int, 5> kSignals = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE};
std::array<struct sigaction, kSignals.size()> before;

extern "C" void ttfm_ask_for_stop(int signal) {
  if (stop_signal.exchange(signal) == 0) return;
  std::signal(signal, SIG_DFL);  // asked before: at once, as if it had never been caught
  std::raise(signal);            // delivered when this handler returns
}

extern "C" void ttfm_ask_for_save(int) { save = true; }

void (*handler_of(int signal))(int) {
  if (signal == SIGPIPE) return SIG_IGN;
  return signal == SIGUSR2 ? ttfm_ask_for_save : ttfm_ask_for_stop;
}

}  // namespace

RunSignals::RunSignals() {
  stop_signal = 0;
  save = false;
  struct sigaction action {};
  action.sa_flags = SA_RESTART;  // a write under way goes on
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    action.sa_handler = handler_of(kSignals[i]);
    sigaction(kSignals[i], &action, &before[i]);
  }
}

RunSignals::~RunSignals() {
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before[i], nullptr);
}

int RunSignals::received() { return stop_signal; }

bool RunSignals::save_asked() { return save.exchange(false); }

int RunSignals::exit_code() { return stop_signal == SIGUSR1 ? kExitResumable : 128 + stop_signal; }

void RunSignals::leave() {
  std::fflush(nullptr);
  if (const int signal = stop_signal; signal != SIGUSR1) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  std::_Exit(exit_code());  // also where the signal is blocked
}

}  // namespace ttfm::run
