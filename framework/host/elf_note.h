// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ttfm/abi.h>

namespace ttfm::host {

/// A component, as `kind/name`.
struct Offer {
  ttfm_kind kind = TTFM_LOSS;
  std::string name;
  bool operator==(const Offer&) const = default;
};

/// What a plugin says of itself in its ELF note: lines of `key=value`. Keys that are not known are for newer hosts.
struct PluginNote {
  std::string abi;     ///< "1.0"
  std::string torch;   ///< "2.15"
  std::string build;   ///< "x86_64;libstdc++;cxx11abi=1"
  std::string plugin;  ///< its name
  std::vector<Offer> offers;
};

/// A note, or why there is none.
struct NoteResult {
  enum class State {
    found,
    unreadable,  ///< the file cannot be opened or read
    not_elf,     ///< not a shared object for x86-64 Linux
    truncated,   ///< the file ends before what its headers promise
    no_note,     ///< a shared object without a ttfm note, or with one that is not understood
  };
  State state = State::no_note;
  PluginNote note;
  std::string reason;  ///< completes "'<path>' ...": "is not an ELF shared object"; "" if found
};

/// Reads the note from the file, without opening the library: none of its code runs. Reads the headers and the note
/// segments only. A file whose load segments or section headers reach past its end is called truncated, because mapping
/// it would end the process at the first touch of the missing part.
NoteResult read_plugin_note(const std::filesystem::path& path);

/// The note's text as a PluginNote. Returns what is wrong with it, "" if nothing.
std::string parse_note_text(std::string_view text, PluginNote& out);

}  // namespace ttfm::host
