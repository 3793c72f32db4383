// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>

#include <ttfm/abi.h>
#include "host/elf_note.h"

/// What a plugin must be to be used. Each check throws ttfm::Error (plugin) with its number in the error index
/// (docs/reference/errors.md); all differences of the tag stand in one text.
namespace ttfm::host {

/// The note is there, and its tag fits this host: E102 (no shared object), E104 (not a plugin), E108 (ABI), E110
/// (LibTorch), E111 (C++ ABI), E113 (offers nothing).
void check_note(const std::filesystem::path& file, const NoteResult& note);

/// What the entry point returned can be read and fits: E106 (null), E107 (magic), E108 to E111 (tag, size), E112 (it is
/// not what the note says), E113 (its tables).
void check_descriptor(const std::filesystem::path& file, const ttfm_plugin_v1* plugin, const PluginNote& note);

/// Component `i` of a checked descriptor, parameter `i` of a checked component: arrays are walked by the writer's size.
const ttfm_component_v1& component_at(const ttfm_plugin_v1& plugin, uint32_t i);
const ttfm_param_v1& param_at(const ttfm_param_v1* params, uint32_t i);

}  // namespace ttfm::host
