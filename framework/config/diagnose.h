// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <vector>

#include <ttfm/error.h>

#include "base/error_codes.h"
#include "config/node.h"

/// Errors of a configuration: their numbers, their format, and all of them at once.
namespace ttfm::config {

struct Problem {
  Problem(int code, Place place, std::string message, std::string note = "", ErrorKind kind = ErrorKind::config);

  int code;  ///< 0: it has no number
  Place place;
  std::string message;
  std::string note;  ///< stands beside the caret: what to do
  ErrorKind kind;
};

/// One problem, without a newline at its end:
///
///     error[E116]: unknown key `lr_rate` in [train]
///       --> fmnist.toml:14:1
///        14 | lr_rate = 1e-4
///           | ^^^^^^^ did you mean `lr`?   (valid: steps, batch, lr)
std::string format(const Problem& problem);

/// "fmnist.toml:14"; "command line" for an override; "default" where the place is nowhere.
std::string place_text(const Place& place);

/// Collects the problems of a configuration.
class Diagnostics {
 public:
  void add(Problem problem) { problems_.push_back(std::move(problem)); }
  bool empty() const { return problems_.empty(); }

  /// Throws what was collected, if anything, as one ttfm::Error: by place, at most 20, then "and n more".
  void raise() const;

 private:
  std::vector<Problem> problems_;
};

}  // namespace ttfm::config
