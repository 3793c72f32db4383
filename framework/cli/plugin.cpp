// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <cstdio>

#include <ttfm/error.h>
#include "base/kinds.h"
#include "cli/commands.h"
#include "host/describe.h"

namespace ttfm::cli {

int plugin_list(const PluginArguments& arguments) {
  const auto registry = pipeline::open_registry(arguments.session);
  registry->try_all();
  const auto components = registry->components(/*open_all=*/true);
  std::fputs((arguments.json ? host::list_json(components) : host::list_text(components)).c_str(), stdout);
  return 0;
}

int plugin_check(const PluginArguments& arguments) {
  host::Registry registry(std::filesystem::path(arguments.name));
  registry.try_all();
  std::vector<host::Component> components;
  for (const host::ComponentInfo& info : registry.components(/*open_all=*/true)) {
    if (info.state == host::ComponentInfo::State::refused) {
      if (!arguments.json) throw Error(ErrorKind::plugin, info.reason, info.code);
      std::fputs(host::check_json(info).c_str(), stdout);
      return static_cast<int>(ErrorKind::plugin);
    }
    components.push_back(registry.open(*kind_of_name(info.kind), info.name));
  }
  std::fputs((arguments.json ? host::check_json(components) : host::check_text(components)).c_str(), stdout);
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
