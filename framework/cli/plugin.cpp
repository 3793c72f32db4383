// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <cstdio>

#include "cli/commands.h"
#include "host/describe.h"

namespace ttfm::cli {

int plugin_list(const PluginArguments& arguments) {
  const auto registry = pipeline::open_registry(arguments.session);
  const auto components = registry->components(/*open_all=*/true);
  std::fputs((arguments.json ? host::list_json(components) : host::list_text(components)).c_str(), stdout);
  return 0;
}

int plugin_describe(const PluginArguments& arguments) {
  const auto registry = pipeline::open_registry(arguments.session);
  bool first = true;
  for (const host::Component& component : host::find_components(*registry, arguments.name)) {
    if (!first) std::fputc('\n', stdout);
    first = false;
    const std::string text = arguments.json   ? host::describe_json(component)
                             : arguments.toml ? host::describe_toml(component)
                                              : host::describe_text(component);
    std::fputs(text.c_str(), stdout);
  }
  return 0;
}

}  // namespace ttfm::cli
