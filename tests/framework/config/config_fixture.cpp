// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "framework/config/config_fixture.h"

#include <fstream>

#include <ttfm/conformance/errors.h>

namespace ttfm::config::test {

const std::string ConfigTest::kSmall =
    "[dataset]\n"
    "type = \"gaussian_mixture\"\n"
    "[student]\n"
    "type = \"mlp\"\n"
    "[loss]\n"
    "type = \"itvm\"\n";

void ConfigTest::write(const std::string& name, const std::string& text) const {
  const std::filesystem::path file = folder_.path() / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::string ConfigTest::without_folder(std::string text) const {
  for (const std::string& prefix : {folder() + "/", folder()}) {
    for (size_t at; (at = text.find(prefix)) != std::string::npos;) text.erase(at, prefix.size());
  }
  return text;
}

Resolved ConfigTest::load(const std::vector<std::string>& overrides) const {
  return config::load(folder_.path() / "f.toml", overrides, components_);
}

Resolved ConfigTest::load(const std::string& text, const std::vector<std::string>& overrides) const {
  write("f.toml", text);
  return load(overrides);
}

std::string ConfigTest::errors(const std::vector<std::string>& overrides) const {
  return without_folder(ttfm::conformance::error_text([&] { load(overrides); }));
}

std::string ConfigTest::errors(const std::string& text, const std::vector<std::string>& overrides) const {
  write("f.toml", text);
  return errors(overrides);
}

}  // namespace ttfm::config::test
