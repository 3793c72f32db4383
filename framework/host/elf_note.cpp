// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/elf_note.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include "base/kinds.h"
#include "base/limits.h"
#include "base/printable.h"

namespace ttfm::host {
namespace {

using State = NoteResult::State;

NoteResult refuse(State state, std::string reason) { return {state, {}, std::move(reason)}; }

std::string system_text(int error) { return std::generic_category().message(error); }

/// A file opened for reading at given places.
class File {
 public:
  explicit File(const std::filesystem::path& path)  // O_NONBLOCK: a FIFO with this name must not stop the scan
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), error_(descriptor_ < 0 ? errno : 0) {
    struct stat status = {};
    if (descriptor_ >= 0 && ::fstat(descriptor_, &status) != 0) error_ = errno;
    regular_ = S_ISREG(status.st_mode);
    size_ = regular_ ? static_cast<uint64_t>(status.st_size) : 0;
  }
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int error() const { return error_; }
  bool regular() const { return regular_; }

  /// True if [offset, offset + bytes) lies within the file, however large the two numbers are.
  bool holds(uint64_t offset, uint64_t bytes) const { return bytes <= size_ && offset <= size_ - bytes; }

  bool read(uint64_t offset, void* out, uint64_t bytes) const {
    if (!holds(offset, bytes)) return false;
    auto* place = static_cast<char*>(out);
    while (bytes > 0) {
      const ssize_t got = ::pread(descriptor_, place, bytes, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      place += got;
      offset += static_cast<uint64_t>(got);
      bytes -= static_cast<uint64_t>(got);
    }
    return true;
  }

 private:
  int descriptor_;
  int error_;
  bool regular_ = false;
  uint64_t size_ = 0;
};

/// The text of the ttfm note in one note segment.
std::optional<std::string> find_note(std::string_view segment, uint64_t alignment) {
  const auto aligned = [alignment](uint64_t n) { return (n + alignment - 1) / alignment * alignment; };
  uint64_t place = 0;
  while (segment.size() - place >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header;
    std::memcpy(&header, segment.data() + place, sizeof header);
    const uint64_t name = place + sizeof header;  // sums of 32-bit sizes: no overflow in 64 bits
    const uint64_t text = aligned(name + header.n_namesz);
    const uint64_t end = text + header.n_descsz;
    if (end > segment.size()) return std::nullopt;
    if (header.n_type == TTFM_NOTE_TYPE && header.n_namesz == sizeof TTFM_NOTE_NAME &&
        std::memcmp(segment.data() + name, TTFM_NOTE_NAME, sizeof TTFM_NOTE_NAME) == 0) {
      const std::string_view found = segment.substr(text, header.n_descsz);
      return std::string(found.substr(0, found.find('\0')));
    }
    place = aligned(end);
    if (place > segment.size()) return std::nullopt;
  }
  return std::nullopt;
}

std::string machine_text(uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "32-bit x86";
    case EM_ARM:
      return "32-bit ARM";
    case EM_AARCH64:
      return "AArch64";
    case EM_RISCV:
      return "RISC-V";
    default:
      return "ELF machine " + std::to_string(machine);
  }
}

}  // namespace

NoteResult read_plugin_note(const std::filesystem::path& path) {
  const File file(path);
  if (file.error()) return refuse(State::unreadable, "cannot be read: " + system_text(file.error()));
  if (!file.regular()) return refuse(State::not_elf, "is not a file");

  Elf64_Ehdr elf = {};
  if (!file.read(0, elf.e_ident, EI_NIDENT) || std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0) {
    return refuse(State::not_elf, "is not an ELF shared object");
  }
  if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB) {
    return refuse(State::not_elf, "is not a 64-bit little-endian ELF file; this ttfm runs on x86-64");
  }
  if (!file.read(0, &elf, sizeof elf)) return refuse(State::truncated, "is truncated: its ELF header is cut off");
  if (elf.e_machine != EM_X86_64) {
    return refuse(State::not_elf, "was built for " + machine_text(elf.e_machine) + "; this ttfm runs on x86-64");
  }
  if (elf.e_type != ET_DYN) return refuse(State::not_elf, "is an ELF file, but not a shared object");
  if (elf.e_phentsize != sizeof(Elf64_Phdr) || elf.e_phnum == 0) {
    return refuse(State::not_elf, "is not a loadable ELF file: its program headers make no sense");
  }
  if (elf.e_phnum > limits::kProgramHeaders.value()) {  // a library has about ten
    return refuse(State::not_elf, "is not a loadable ELF file: it has " + std::to_string(elf.e_phnum) +
                                      " program headers, and " + limits::kProgramHeaders.text(elf.e_phnum));
  }

  std::vector<Elf64_Phdr> segments(elf.e_phnum);
  if (!file.read(elf.e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr)) ||
      !file.holds(elf.e_shoff, uint64_t{elf.e_shnum} * elf.e_shentsize)) {
    return refuse(State::truncated, "is truncated: it ends before its headers do");
  }
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && !file.holds(segment.p_offset, segment.p_filesz)) {
      return refuse(State::truncated, "is truncated: it ends before what it says it holds");
    }
  }

  const uint64_t most = limits::kNoteBytes.value();
  std::string skipped;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_NOTE) continue;
    if (segment.p_filesz > most) {  // ours has a few hundred bytes
      skipped = "; one of its note segments, which was not read, has " + std::to_string(segment.p_filesz) +
                " bytes, and " + limits::kNoteBytes.text(segment.p_filesz);
      continue;
    }
    std::string bytes(segment.p_filesz, '\0');
    if (!file.read(segment.p_offset, bytes.data(), bytes.size())) continue;
    const std::optional<std::string> text = find_note(bytes, segment.p_align == 8 ? 8 : 4);
    if (!text) continue;
    NoteResult result;
    const std::string problem = parse_note_text(*text, result.note);
    if (!problem.empty()) return refuse(State::no_note, "has a defective ttfm note: " + printable(problem));
    result.state = State::found;
    return result;
  }
  return refuse(State::no_note, "has no ttfm note" + skipped);
}

std::string parse_note_text(std::string_view text, PluginNote& out) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return "its last line is cut off";
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) return std::string(line) + " is not key=value";
    const std::string_view key = line.substr(0, equals);
    const std::string value(line.substr(equals + 1));
    if (key == "abi") out.abi = value;
    if (key == "torch") out.torch = value;
    if (key == "build") out.build = value;
    if (key == "plugin") out.plugin = value;
    if (key == "offers") {
      const size_t slash = value.find('/');
      const std::optional<ttfm_kind> kind = kind_of_name(value.substr(0, slash));
      if (slash == std::string::npos || !kind || !is_snake_case(value.substr(slash + 1))) {
        return "offer '" + value + "' is not kind/name in snake_case, like loss/itvm";
      }
      out.offers.push_back({*kind, value.substr(slash + 1)});
    }
  }
  if (out.abi.empty()) return "it does not say which plugin ABI it is for";
  return "";
}

}  // namespace ttfm::host
