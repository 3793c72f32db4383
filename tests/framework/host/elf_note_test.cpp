// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/elf_note.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <fstream>

#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/plugin.h>

#include "framework/base/variable.h"

namespace ttfm::host {
namespace {

namespace fs = std::filesystem;
using State = NoteResult::State;

constexpr const char* kAbi = TTFM_STRINGIFY(TTFM_ABI_MAJOR) "." TTFM_STRINGIFY(TTFM_ABI_MINOR);

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The bytes of a real plugin, to be damaged.
const std::string& sound_plugin() {
  static const std::string bytes = read_all(fs::path(TTFM_ZOO_DIR) / "libttfm_sound.so");
  return bytes;
}

template <class Number>
void set(std::string& bytes, size_t place, Number value) {
  std::memcpy(bytes.data() + place, &value, sizeof value);
}

class ElfNote : public testing::Test {
 protected:
  fs::path file() const { return folder_.path() / "libttfm_x.so"; }

  NoteResult read(const std::string& bytes) {
    std::ofstream(file(), std::ios::binary) << bytes;
    return read_plugin_note(file());
  }

  conformance::TemporaryFolder folder_;
};

TEST_F(ElfNote, IsReadFromAPlugin) {
  const NoteResult result = read_plugin_note(fs::path(TTFM_ZOO_DIR) / "libttfm_good.so");

  ASSERT_EQ(result.state, State::found) << result.reason;
  EXPECT_EQ(result.note.abi, kAbi);
  EXPECT_EQ(result.note.torch, "2.15");
  EXPECT_EQ(result.note.build, "x86_64;libstdc++;cxx11abi=1");
  EXPECT_EQ(result.note.plugin, "good");
  const std::vector<Offer> offers = {
      {TTFM_LOSS, "good"}, {TTFM_LOSS, "refuses"}, {TTFM_LOSS, "throws"}, {TTFM_STUDENT, "good"}};
  EXPECT_EQ(result.note.offers, offers);
}

TEST_F(ElfNote, OfAFileThatIsNotThereIsUnreadable) {
  const NoteResult result = read_plugin_note(folder_.path() / "none");

  EXPECT_EQ(result.state, State::unreadable);
  EXPECT_EQ(result.reason, "cannot be read: No such file or directory");
}

TEST_F(ElfNote, OfAFolderOrAPipeIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);

  EXPECT_EQ(read_plugin_note(folder_.path()).reason, "is not a file");
  EXPECT_EQ(read_plugin_note(folder_.path() / "pipe").reason, "is not a file");
}

TEST_F(ElfNote, OfEveryShorterFileIsRefused) {
  const size_t whole = sound_plugin().size();
  ASSERT_EQ(read(sound_plugin()).state, State::found);

  for (size_t size = whole - 1; size > 0; size -= size > 4096 ? 997 : 1) {
    fs::resize_file(file(), size);
    const State state = read_plugin_note(file()).state;
    ASSERT_TRUE(state == State::truncated || (size < EI_NIDENT && state == State::not_elf)) << size;
  }
}

// Whatever the headers say, nothing outside of the file or of the note is read: run under AddressSanitizer.
TEST_F(ElfNote, SurvivesEveryByteOfItsHeadersBeingWrong) {
  const std::string& whole = sound_plugin();
  ASSERT_EQ(read(whole).state, State::found);
  Elf64_Ehdr elf;
  std::memcpy(&elf, whole.data(), sizeof elf);
  const size_t headers = elf.e_phoff + size_t{elf.e_phnum} * elf.e_phentsize;
  const size_t note = whole.find(std::string("abi=") + kAbi) - 20;
  std::fstream bytes(file(), std::ios::binary | std::ios::in | std::ios::out);
  const auto write = [&](size_t place, char value) {
    bytes.seekp(static_cast<std::streamoff>(place)).put(value).flush();
  };

  size_t found = 0;
  for (size_t place = 0; place < note + 64; place = place + 1 == headers ? note : place + 1) {
    for (const unsigned char value : {0x00, 0x01, 0x7f, 0xff}) {
      write(place, static_cast<char>(value));
      found += read_plugin_note(file()).state == State::found;
    }
    write(place, whole[place]);
  }

  EXPECT_GT(found, 0u);  // most bytes do not matter to the note
  EXPECT_EQ(read_plugin_note(file()).state, State::found);
}

TEST_F(ElfNote, WithHugeSizesIsPassedOver) {
  const size_t note = sound_plugin().find(std::string("abi=") + kAbi) - 20;
  for (const size_t field : {offsetof(Elf64_Nhdr, n_namesz), offsetof(Elf64_Nhdr, n_descsz)}) {
    std::string bytes = sound_plugin();
    set(bytes, note + field, 0xfffffff0u);

    EXPECT_EQ(read(bytes).state, State::no_note) << field;
  }
}

TEST_F(ElfNote, BeyondALimitSaysHowToRaiseIt) {
  ASSERT_EQ(read(sound_plugin()).state, State::found);
  {
    const test::Variable lowered("TTFM_MAX_NOTE_BYTES", "8");
    const std::string reason = read_plugin_note(file()).reason;
    EXPECT_TRUE(reason.starts_with("has no ttfm note; one of its note segments, which was not read, has ")) << reason;
    EXPECT_NE(reason.find(" bytes, and the limit is 8 (TTFM_MAX_NOTE_BYTES="), std::string::npos) << reason;
  }
  Elf64_Ehdr elf;
  std::memcpy(&elf, sound_plugin().data(), sizeof elf);
  const std::string number = std::to_string(elf.e_phnum);
  const test::Variable lowered("TTFM_MAX_PROGRAM_HEADERS", "2");
  EXPECT_EQ(read_plugin_note(file()).reason,
            "is not a loadable ELF file: it has " + number +
                " program headers, and the limit is 2 (TTFM_MAX_PROGRAM_HEADERS=" + number + " raises it)");
}

TEST_F(ElfNote, WithOffsetsThatWrapAroundIsTruncated) {
  Elf64_Ehdr elf;
  std::memcpy(&elf, sound_plugin().data(), sizeof elf);
  const size_t first_segment = elf.e_phoff + offsetof(Elf64_Phdr, p_offset);  // a PT_LOAD
  for (const size_t field : {offsetof(Elf64_Ehdr, e_phoff), offsetof(Elf64_Ehdr, e_shoff), first_segment}) {
    std::string bytes = sound_plugin();
    set(bytes, field, ~uint64_t{0} - 15);

    EXPECT_EQ(read(bytes).state, State::truncated) << field;
  }
}

TEST_F(ElfNote, OfAStrippedFileNeedsAllThatIsLoaded) {
  std::string bytes = sound_plugin();
  Elf64_Ehdr elf;
  std::memcpy(&elf, bytes.data(), sizeof elf);
  size_t loaded = 0;
  for (size_t i = 0; i < elf.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, bytes.data() + elf.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_LOAD) loaded = std::max<size_t>(loaded, segment.p_offset + segment.p_filesz);
  }
  set(bytes, offsetof(Elf64_Ehdr, e_shoff), uint64_t{0});
  set(bytes, offsetof(Elf64_Ehdr, e_shnum), uint16_t{0});

  EXPECT_EQ(read(bytes.substr(0, loaded)).state, State::found);
  EXPECT_EQ(read(bytes.substr(0, loaded - 1)).state, State::truncated);
}

TEST_F(ElfNote, OfA32BitFileIsRefused) {
  std::string bytes = sound_plugin();
  bytes[EI_CLASS] = ELFCLASS32;

  EXPECT_EQ(read(bytes).reason, "is not a 64-bit little-endian ELF file; this ttfm runs on x86-64");
}

TEST_F(ElfNote, OfAnObjectFileIsRefused) {
  std::string bytes = sound_plugin();
  bytes[16] = ET_REL;

  EXPECT_EQ(read(bytes).reason, "is an ELF file, but not a shared object");
}

TEST(NoteText, KeepsItsValuesAndPassesOverWhatANewerSdkAdds) {
  PluginNote note;

  EXPECT_EQ(parse_note_text("abi=1.0\ntorch=2.15\nfuture=a=b\noffers=loss/a_1\noffers=dataset/b\n", note), "");
  EXPECT_EQ(note.abi, "1.0");
  EXPECT_EQ(note.offers, (std::vector<Offer>{{TTFM_LOSS, "a_1"}, {TTFM_DATASET, "b"}}));
}

TEST(NoteText, SaysWhatIsWrong) {
  PluginNote note;

  EXPECT_EQ(parse_note_text("", note), "it does not say which plugin ABI it is for");
  EXPECT_EQ(parse_note_text("abi=1.0", note), "its last line is cut off");
  EXPECT_EQ(parse_note_text("abi\n", note), "abi is not key=value");
  for (const std::string offer : {"loss", "loss/", "/a", "loss/A", "loss/a/b", "lose/a", "loss/1a", "loss/a b"}) {
    EXPECT_EQ(parse_note_text("abi=1.0\noffers=" + offer + "\n", note),
              "offer '" + offer + "' is not kind/name in snake_case, like loss/itvm");
  }
}

}  // namespace
}  // namespace ttfm::host
