// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "fuzz/config_round_trip.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/log.h"
#include "config/config.h"
#include "framework/config/fake_components.h"
#include "framework/config/values_text.h"
#include "fuzz/fuzz.h"

namespace ttfm::fuzz {

void check_configuration(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  static const config::test::FakeComponents components;
  log::set_console_level(log::Level::error);  // warnings of a configuration
  std::optional<config::Resolved> once;
  config::plugin_path(file, overrides);
  if (!accepted([&] { once = config::load(file, overrides, components); })) return;

  require(nlohmann::json::accept(config::print_json(*once)), "a configuration is printed as JSON");
  const config::Resolved twice = config::load(write("again.toml", config::print(*once)), {}, components);
  require(config::test::values_text(*once) == config::test::values_text(twice),
          "a printed configuration loads to the same values");
  require(twice.warnings.empty(), "a printed configuration gives no warnings");
}

}  // namespace ttfm::fuzz
