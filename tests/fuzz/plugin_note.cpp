// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/kinds.h"
#include "fuzz/fuzz.h"
#include "host/elf_note.h"

namespace {

using namespace ttfm::host;

void check(const PluginNote& note) {
  ttfm::fuzz::require(!note.abi.empty(), "a note says which ABI it is for");
  for (const Offer& offer : note.offers) {
    ttfm::fuzz::require(ttfm::is_snake_case(offer.name), "a component's name is in snake_case");
  }
}

}  // namespace

/// The input is a plugin's file, and the text of a note.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = ttfm::fuzz::text_of(data, size);
  const NoteResult result = read_plugin_note(ttfm::fuzz::write("libttfm_input.so", text));
  ttfm::fuzz::require((result.state == NoteResult::State::found) == result.reason.empty(),
                      "what is refused has a reason");
  if (result.state == NoteResult::State::found) check(result.note);
  PluginNote note;
  if (parse_note_text(text, note).empty()) check(note);
  return 0;
}
