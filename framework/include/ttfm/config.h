// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <ttfm/abi.h>
#include <ttfm/field.h>

namespace ttfm {

/// The validated parameters of one component, as the host hands them to its constructor, and what it has to know of the
/// run. (H) Components that describe an Options struct never read values by hand; see <ttfm/options.h>.
///
/// Every accessor throws ttfm::Error (internal) for a key that the component's table does not have, or of another type.
class TTFM_API Config final {
 public:
  bool has(Name key) const;                        ///< false: an optional key without a default that was not given
  bool flag(Name key) const;                       ///< a boolean
  int64_t integer(Name key) const;                 ///< a whole number, within the table's limits
  double number(Name key) const;                   ///< a number, also where the user wrote a whole one
  Name text(Name key) const;                       ///< strings, choices, and paths (absolute)
  at::ArrayRef<int64_t> integers(Name key) const;  ///< a list; valid as long as the Config
  at::ArrayRef<double> numbers(Name key) const;    ///< rows: one after the other
  int64_t rows(Name key) const;                    ///< how many rows a list of lists has

  /// A nested student, owned by the host, which also names, loads and frees its weights.
  const FlowMap& student(Name key) const;

  /// The shape of one sample of the run's data set: [2], or [channels, height, width].
  at::IntArrayRef data_shape() const;
  /// The data set's classes; 0 if it has no labels.
  int64_t data_classes() const;

  struct Impl;
  explicit Config(const Impl* impl) : impl_(impl) {}  ///< made by the host

 private:
  const Impl* impl_;
};

}  // namespace ttfm
