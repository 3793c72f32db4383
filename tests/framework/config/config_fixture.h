// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <ttfm/conformance/temporary_folder.h>

#include "config/config.h"
#include "framework/config/fake_components.h"

namespace ttfm::config::test {

/// Files in a folder of their own. Messages are compared without the folder's name.
class ConfigTest : public testing::Test {
 protected:
  /// A smallest valid configuration: lines 1 to 6.
  static const std::string kSmall;

  void write(const std::string& name, const std::string& text) const;
  std::string folder() const { return folder_.path().string(); }
  std::string without_folder(std::string text) const;

  /// Of the file f.toml.
  Resolved load(const std::vector<std::string>& overrides = {}) const;
  Resolved load(const std::string& text, const std::vector<std::string>& overrides = {}) const;

  /// The text of the error that loading f.toml gives.
  std::string errors(const std::vector<std::string>& overrides = {}) const;
  std::string errors(const std::string& text, const std::vector<std::string>& overrides = {}) const;

  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

  ttfm::conformance::TemporaryFolder folder_;
  FakeComponents components_;
};

}  // namespace ttfm::config::test
