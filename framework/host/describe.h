// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/registry.h"

/// The texts of `ttfm plugin list`, `check` and `describe`.
namespace ttfm::host {

/// A line for each component: kind, name, version, path, summary, in columns; what is not in use says why on the line
/// below.
std::string list_text(const std::vector<ComponentInfo>& components);

/// The same as a JSON array of objects, one a line.
std::string list_json(const std::vector<ComponentInfo>& components);

/// What a plugin that was accepted is, was built for, and offers. All components are of one file.
std::string check_text(const std::vector<Component>& components);

/// The verdict on a file as one JSON object; with `refusal` in place of components where it was refused.
std::string check_json(const std::vector<Component>& components);
std::string check_json(const ComponentInfo& refusal);

/// What `describe` was asked for: "loss/itvm", or "itvm" for every kind that has one. Opens their plugins. Throws
/// ttfm::Error: E115 with the nearest name.
std::vector<Component> find_components(const Registry& registry, std::string_view name);

/// A component and its parameters: type, default, limits, unit, what it is. Advanced ones are only named.
std::string describe_text(const Component& component);

/// A section of a configuration that selects the component with all its defaults, each explained by a comment; keys
/// without a default are commented out. It is always valid TOML.
std::string describe_toml(const Component& component);

/// The same as describe_text() as one JSON object, advanced parameters included.
std::string describe_json(const Component& component);

/// The parts of a parameter's row, as the texts above have them.
std::string type_text(const ttfm_param_v1& param);   ///< "number", "one of euler, heun, rk4", "list of integers"
std::string range_text(const ttfm_param_v1& param);  ///< "> 0", ">= 0, < 1", ""

}  // namespace ttfm::host
