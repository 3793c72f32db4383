// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <ttfm/export.h>

namespace ttfm {

/// What went wrong, in the terms of the program's exit codes (docs/reference/exit_codes.md).
enum class ErrorKind : uint32_t {
  internal = 1,    ///< a bug in ttfm or in a plugin; its text says so
  config = 2,      ///< usage or configuration
  data = 3,        ///< a data set's file
  checkpoint = 4,  ///< a checkpoint, or a resume
  plugin = 5,      ///< a plugin that cannot be found, loaded or started
  numeric = 6,     ///< a number that is not finite, or a run that diverged
  io = 7,          ///< the file system: full, read-only, gone
  device = 8,      ///< no such device, or out of its memory
};

/// The one exception type that crosses the border between host and plugins. Its layout and vtable are frozen for the ABI
/// major; growth is a class that derives from it, in libttfm. Plugins do not derive from it.
///
/// The text says what was wrong, where, what was expected and what to do. `code` is the number in the error index
/// (E101, E116, ...), 0 where the error has none.
class TTFM_API Error : public std::runtime_error {
 public:
  /// `what` is the whole text, without "error:" and number, which the program prints before it.
  Error(ErrorKind kind, const std::string& what, int code = 0);
  ~Error() override;

  ErrorKind kind() const noexcept { return kind_; }  ///< what went wrong: the program's exit code
  int code() const noexcept { return code_; }        ///< number in the error index; 0: none

 private:
  ErrorKind kind_;
  int code_;
};

}  // namespace ttfm
