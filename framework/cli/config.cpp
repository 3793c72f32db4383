// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/config.h"

#include <cstdio>

#include "cli/commands.h"
#include "config/reference.h"

namespace ttfm::cli {

int config_check(const ConfigArguments& arguments) {
  const auto registry = pipeline::open_registry(arguments.session);
  config::load(arguments.session.config, arguments.session.overrides, *registry);
  std::fprintf(stderr, "%s: no errors\n", arguments.session.config.c_str());
  return 0;
}

int config_show(const ConfigArguments& arguments) {
  const auto registry = pipeline::open_registry(arguments.session);
  const auto resolved = config::load(arguments.session.config, arguments.session.overrides, *registry);
  std::fputs((arguments.json ? config::print_json(resolved) : config::print(resolved, arguments.only_given)).c_str(),
             stdout);
  return 0;
}

int config_reference(const ConfigArguments& arguments) {
  const auto registry = pipeline::open_registry(arguments.session);
  std::fputs(config::reference_markdown(*registry).c_str(), stdout);
  return 0;
}

}  // namespace ttfm::cli
