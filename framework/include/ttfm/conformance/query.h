// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/interface.h>

namespace ttfm::conformance {

/// A further interface of a component that has it: `query_of<Density>(data, interface_id::kDensity)`.
template <class T>
const T& query_of(const Interface& component, uint32_t id) {
  return *static_cast<const T*>(component.query(id));
}

}  // namespace ttfm::conformance
