// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>

#include <ttfm/abi.h>
#include <ttfm/error.h>

namespace ttfm::host {

/// The functions that a plugin's C functions are handed. Valid for the life of the process.
const ttfm_host_v1& host_functions();

/// What a plugin said with set_error.
struct Failure {
  ErrorKind kind = ErrorKind::internal;
  std::string what = "it gave no reason";
  int code = 0;  ///< its number in the error index; 0: none
};

void clear_failure();    ///< forgets what this thread's last plugin said
Failure take_failure();  ///< what it said; the default if it said nothing

/// The error of a plugin or component that did not start, from what it said, with its number or else E118. An internal
/// error of a plugin is that plugin's bug, not the host's: ErrorKind::plugin.
/// @param what "loss 'itvm'"
/// @param provider "itvm 0.1.0 (/path/libttfm_loss_itvm.so)"
Error start_error(const std::string& what, const Failure& failure, const std::string& provider);

/// Calls a plugin's C function: `call()` returns a ttfm_status. Returns true for TTFM_OK; otherwise `failure` holds what
/// the function gave to set_error on this thread. An exception that it lets through is a failure too.
template <class Call>
bool call_plugin(const Call& call, Failure& failure) {
  clear_failure();
  try {
    if (call() == TTFM_OK) return true;
    failure = take_failure();
  } catch (const std::exception& error) {
    failure = {ErrorKind::internal, std::string("it let an exception through the C border: ") + error.what()};
  } catch (...) {
    failure = {ErrorKind::internal, "it let an exception through the C border"};
  }
  return false;
}

}  // namespace ttfm::host
