// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ttfm/options.h>

#include "config/config.h"

namespace ttfm::config::test {

/// A handful of components, described by the Options structs in fake_components.cpp.
class FakeComponents final : public Components {
 public:
  FakeComponents();
  Table find(ttfm_kind kind, std::string_view name) const override;
  std::vector<std::string> names(ttfm_kind kind) const override;

 private:
  std::map<std::pair<ttfm_kind, std::string>, ParamTable> tables_;
};

}  // namespace ttfm::config::test
