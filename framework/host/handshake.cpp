// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/handshake.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include <ttfm/error.h>
#include <ttfm/plugin.h>
#include "base/edit_distance.h"
#include "base/error_codes.h"
#include "base/kinds.h"
#include "host/param_checks.h"
#include "host/search_path.h"

namespace ttfm::host {
namespace {

constexpr uint32_t kMaxComponents = 1024;
constexpr uint32_t kMaxStructSize = 4096;

[[noreturn]] void refuse(const std::filesystem::path& file, ErrorCode code, const std::string& text) {
  throw Error(ErrorKind::plugin, quoted(file) + " " + text, code);
}

/// What a plugin was built for.
struct Tag {
  uint32_t major = 0, minor = 0;
  std::string torch, build;
};

/// "1.0" as two numbers; false if it is something else.
bool read_version(std::string_view text, uint32_t& major, uint32_t& minor) {
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return false;
  const auto second = std::from_chars(first.ptr + 1, end, minor);
  return second.ec == std::errc() && second.ptr == end;
}

/// Within a major, a host understands every older minor.
bool abi_fits(const Tag& tag) { return tag.major == TTFM_ABI_MAJOR && tag.minor <= TTFM_ABI_MINOR; }

void check_tag(const std::filesystem::path& file, const Tag& tag) {
  std::optional<ErrorCode> code;  // of the first difference
  std::string text;
  const auto differs = [&](ErrorCode number, const std::string& of_plugin, const std::string& of_host) {
    text += (text.empty() ? "was built for " : "; and for ") + of_plugin + ", " + of_host;
    if (!code) code = number;
  };
  if (!abi_fits(tag)) {
    differs(kOtherAbi, "ttfm plugin ABI " + std::to_string(tag.major) + "." + std::to_string(tag.minor),
            "this ttfm offers " TTFM_STRINGIFY(TTFM_ABI_MAJOR) "." TTFM_STRINGIFY(TTFM_ABI_MINOR));
  }
  if (tag.torch != TTFM_TORCH_TAG)
    differs(kOtherTorch, "LibTorch " + tag.torch, "this ttfm uses LibTorch " TTFM_TORCH_TAG);
  if (tag.build != TTFM_BUILD_TAG) differs(kOtherBuild, "'" + tag.build + "'", "this ttfm is '" TTFM_BUILD_TAG "'");
  if (!code) return;
  const bool newer = tag.major > TTFM_ABI_MAJOR || (tag.major == TTFM_ABI_MAJOR && tag.minor > TTFM_ABI_MINOR);
  refuse(file, *code,
         text + (newer ? ". Upgrade ttfm, or rebuild" : ". Rebuild") +
             " the plugin with the SDK of this ttfm, in a fresh build folder.");
}

std::string offer_text(uint32_t kind, const std::string& name) {
  return std::string(kind_name(static_cast<ttfm_kind>(kind))) + "/" + name;
}

/// What is wrong with one component, "" if nothing.
std::string why_not_a_component(const ttfm_component_v1& component) {
  if (!is_snake_case(component.name)) return "it has a name that is not snake_case";
  if (!component.summary) return "it has no summary";
  if (has_control_bytes(component.summary)) return "it has control bytes in its summary";
  if (!component.create || !component.destroy) return "it has no function to create or to destroy it";
  if (std::string problem = why_not_a_table(component.params, component.param_count); !problem.empty()) return problem;
  for (uint32_t i = 0; i < component.param_count; ++i) {
    const ttfm_param_v1& param = param_at(component.params, i);
    if (param.type != TTFM_PARAM_STUDENT) continue;
    if (component.kind == TTFM_TEACHER && std::string_view(param.name) == "network") continue;
    return "parameter '" + std::string(param.name) +
           "' is a nested student, which a teacher alone may have, and only as 'network'";
  }
  return "";
}

void check_components(const std::filesystem::path& file, const ttfm_plugin_v1& plugin) {
  const uint32_t count = plugin.component_count;
  if (count == 0 || !plugin.components) refuse(file, kDefectiveTable, "offers no component.");
  if (count > kMaxComponents)
    refuse(file, kDefectiveTable, "says that it offers " + std::to_string(count) + " components.");
  const uint32_t size = plugin.components->struct_size;
  if (size < TTFM_COMPONENT_V1_LEAST || size > kMaxStructSize || size % alignof(ttfm_component_v1) != 0) {
    refuse(file, kSmallStruct,
           "has component descriptions of " + std::to_string(size) + " bytes; ABI " + std::to_string(plugin.abi_major) +
               ".0 has " + std::to_string(TTFM_COMPONENT_V1_LEAST) + ".");
  }
  std::vector<std::string> seen;
  for (uint32_t i = 0; i < count; ++i) {
    const ttfm_component_v1& component = component_at(plugin, i);
    const std::string number = "component " + std::to_string(i + 1);
    if (component.kind < TTFM_LOSS || component.kind > TTFM_DATASET) {
      refuse(file, kDefectiveTable,
             "has a defective table: " + number + " is of the unknown kind " + std::to_string(component.kind) + ".");
    }
    if (!component.name) refuse(file, kDefectiveTable, "has a defective table: " + number + " has no name.");
    const std::string offer = offer_text(component.kind, component.name);
    if (std::count(seen.begin(), seen.end(), offer) > 0) refuse(file, kDefectiveTable, "offers " + offer + " twice.");
    if (const std::string problem = why_not_a_component(component); !problem.empty()) {
      refuse(file, kDefectiveTable, "has a defective table: " + offer + ": " + problem + ".");
    }
    seen.push_back(offer);
  }
}

/// The note made a promise (and named the file's place in the registry); the descriptor keeps it.
void check_promise(const std::filesystem::path& file, const ttfm_plugin_v1& plugin, const PluginNote& note) {
  std::vector<std::string> promised, offered;
  for (const Offer& offer : note.offers) promised.push_back(offer_text(offer.kind, offer.name));
  for (uint32_t i = 0; i < plugin.component_count; ++i) {
    const ttfm_component_v1& component = component_at(plugin, i);
    offered.push_back(offer_text(component.kind, component.name));
  }
  std::sort(promised.begin(), promised.end());
  std::sort(offered.begin(), offered.end());
  if (promised == offered) return;
  refuse(file, kBrokenPromise,
         "offers " + join(offered) + ", but its note says " + join(promised) +
             ": make OFFERS of ttfm_add_plugin() and the block after TTFM_PLUGIN agree.");
}

}  // namespace

void check_note(const std::filesystem::path& file, const NoteResult& note) {
  using State = NoteResult::State;
  if (note.state == State::no_note) {
    refuse(file, kNotAPlugin, note.reason + ". It is not a ttfm plugin, or it was not built with ttfm_add_plugin().");
  }
  if (note.state != State::found) refuse(file, kNotALibrary, note.reason + ".");
  Tag tag{.torch = note.note.torch, .build = note.note.build};
  if (!read_version(note.note.abi, tag.major, tag.minor)) {
    refuse(file, kNotAPlugin, "has a defective ttfm note: its ABI is '" + note.note.abi + "'.");
  }
  check_tag(file, tag);
  if (note.note.offers.empty()) refuse(file, kDefectiveTable, "offers no component.");
}

void check_descriptor(const std::filesystem::path& file, const ttfm_plugin_v1* plugin, const PluginNote& note) {
  if (!plugin) refuse(file, kNullDescriptor, "cannot describe itself: its entry point returned null.");
  if (plugin->magic != TTFM_MAGIC)
    refuse(file, kBadDescriptor, "has an entry point that does not return a ttfm descriptor.");
  Tag tag{.major = plugin->abi_major, .minor = plugin->abi_minor, .torch = TTFM_TORCH_TAG, .build = TTFM_BUILD_TAG};
  if (plugin->abi_major != TTFM_ABI_MAJOR) check_tag(file, tag);  // the fields below are those of our major
  if (plugin->struct_size < TTFM_PLUGIN_V1_LEAST) {
    refuse(file, kSmallStruct,
           "has a descriptor of " + std::to_string(plugin->struct_size) + " bytes; ABI " +
               std::to_string(plugin->abi_major) + ".0 has " + std::to_string(TTFM_PLUGIN_V1_LEAST) + ".");
  }
  tag.torch = plugin->torch_tag ? plugin->torch_tag : "(none)";
  tag.build = plugin->build_tag ? plugin->build_tag : "(none)";
  check_tag(file, tag);
  if (plugin->abi_kind != TTFM_ABI_KIND_CXX_TENSOR) {
    refuse(file, kOtherBuild,
           "passes objects of kind " + std::to_string(plugin->abi_kind) + "; this ttfm knows kind " +
               std::to_string(TTFM_ABI_KIND_CXX_TENSOR) + " (C++ classes with at::Tensor).");
  }
  if (!plugin->name || !is_snake_case(plugin->name))
    refuse(file, kDefectiveTable, "does not have a name in snake_case.");
  if (!plugin->version || !*plugin->version) refuse(file, kDefectiveTable, "does not say its version.");
  check_components(file, *plugin);
  check_promise(file, *plugin, note);
}

const ttfm_component_v1& component_at(const ttfm_plugin_v1& plugin, uint32_t i) {
  const auto* const bytes = reinterpret_cast<const char*>(plugin.components);
  return *reinterpret_cast<const ttfm_component_v1*>(bytes + size_t{i} * plugin.components->struct_size);
}

const ttfm_param_v1& param_at(const ttfm_param_v1* params, uint32_t i) {
  const auto* const bytes = reinterpret_cast<const char*>(params);
  return *reinterpret_cast<const ttfm_param_v1*>(bytes + size_t{i} * params->struct_size);
}

}  // namespace ttfm::host
