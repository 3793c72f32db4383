// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ttfm/parameters.h>
#include <ttfm/random.h>

namespace ttfm::conformance {

/// The weights that a component names, gathered and held as the host does.
struct Weights {
  struct Weight {
    std::string name;
    Tensor* value = nullptr;
    bool trained = true;
  };

  std::vector<Weight> all;

  /// Asks `parameters` for them; the component outlives the result.
  static Weights of(const std::function<void(ParameterSet&)>& parameters);

  std::vector<std::string> twice() const;      ///< names that stand more than once, or weights under two names
  std::vector<std::string> undefined() const;  ///< names of weights that hold no tensor

  void convert(c10::ScalarType dtype) const;

  /// Normal numbers, those with a fan-in scaled by 1/sqrt(fan-in): nothing hides behind a zero-initialised layer.
  void randomise(uint64_t seed, c10::ScalarType dtype = c10::ScalarType::Double) const;

  /// The values of other weights of the same names, in this one's place.
  void copy_from(const Weights& other) const;

  void record_gradients(bool on) const;
};

}  // namespace ttfm::conformance
