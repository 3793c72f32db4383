// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <system_error>
#include <utility>

#include <ttfm/error.h>

#include "base/atomic_file.h"
#include "base/edit_distance.h"
#include "base/kinds.h"
#include "cli/commands.h"
#include "cli/templates/templates.h"

namespace ttfm::cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& text) { throw Error(ErrorKind::config, text); }

/// The words of C++20 that are in snake_case: what is compiled cannot have such a name.
constexpr std::array kWords = std::to_array<std::string_view>(
    {"alignas",     "alignof",  "and",        "and_eq",    "asm",       "auto",         "bitand",
     "bitor",       "bool",     "break",      "case",      "catch",     "char",         "char16_t",
     "char32_t",    "char8_t",  "class",      "co_await",  "co_return", "co_yield",     "compl",
     "concept",     "const",    "const_cast", "consteval", "constexpr", "constinit",    "continue",
     "decltype",    "default",  "delete",     "do",        "double",    "dynamic_cast", "else",
     "enum",        "explicit", "export",     "extern",    "false",     "float",        "for",
     "friend",      "goto",     "if",         "inline",    "int",       "long",         "mutable",
     "namespace",   "new",      "noexcept",   "not",       "not_eq",    "nullptr",      "operator",
     "or",          "or_eq",    "private",    "protected", "public",    "register",     "reinterpret_cast",
     "requires",    "return",   "short",      "signed",    "sizeof",    "static",       "static_assert",
     "static_cast", "struct",   "switch",     "template",  "this",      "thread_local", "throw",
     "true",        "try",      "typedef",    "typeid",    "typename",  "union",        "unsigned",
     "using",       "virtual",  "void",       "volatile",  "wchar_t",   "while",        "xor",
     "xor_eq"});

/// "Acme-2b" -> "acme_2b", "2b" -> "my_2b"; a name that could have been meant.
std::string snake_case(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    name += std::isalnum(byte) && byte < 128 ? static_cast<char>(std::tolower(byte)) : '_';
  }
  return is_snake_case(name) ? name : "my_" + name;
}

/// "acme_2b" -> "Acme2b"
std::string camel_case(std::string_view name) {
  std::string text;
  bool begins = true;
  for (const char c : name) {
    if (c != '_') text += begins ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    begins = c == '_';
  }
  return text;
}

void check_kind(const std::string& kind) {
  if (kind_of_name(kind)) return;
  std::vector<std::string> kinds;
  for (const ttfm_kind each : kKinds) kinds.emplace_back(kind_name(each));
  const std::string nearest = nearest_name(kind, kinds);
  refuse("there is no kind " + host::quoted(kind) +
         (nearest.empty() ? "" : "; did you mean " + host::quoted(nearest) + "?") + " Kinds: " + join(kinds));
}

void check_name(const PluginNewArguments& arguments) {
  const std::string& name = arguments.name;
  if (!is_snake_case(name)) {
    refuse(host::quoted(name) +
           " cannot name a component: a name has letters from a to z, digits and '_', and begins with a letter; try " +
           host::quoted(snake_case(name)));
  }
  if (std::find(kWords.begin(), kWords.end(), name) != kWords.end()) {
    refuse(host::quoted(name) + " is a word of C++ and cannot name what is written in it; try " +
           host::quoted("my_" + name));
  }
  for (const host::ComponentInfo& each : pipeline::open_registry(arguments.session)->components()) {
    if (each.kind != arguments.kind || each.name != name || each.state == host::ComponentInfo::State::refused) continue;
    refuse("there is a " + arguments.kind + " " + host::quoted(name) + " already, in " + host::quoted(each.path) +
           ", and a configuration could not tell the two apart; try " + host::quoted("my_" + name));
  }
}

/// `text` with its placeholders filled in.
std::string filled(std::string_view text, const PluginNewArguments& arguments) {
  const std::string& name = arguments.name;
  const std::pair<std::string_view, std::string> values[] = {
      {"@name@", name},
      {"@Name@", camel_case(name)},
      {"@kind@", arguments.kind},
      {"@file@", arguments.kind == "student" ? name : name + "_" + arguments.kind}};
  std::string out(text);
  for (const auto& [placeholder, value] : values) {
    for (size_t at = 0; (at = out.find(placeholder, at)) != std::string::npos; at += value.size()) {
      out.replace(at, placeholder.size(), value);
    }
  }
  return out;
}

/// Writes the project into `folder`, which is made here, and returns its files' names.
std::vector<std::string> write_project(const fs::path& folder, const PluginNewArguments& arguments) {
  std::error_code error;
  const bool made = fs::create_directory(folder, error);
  if (error && !fs::exists(folder)) {
    throw Error(ErrorKind::io, "cannot make " + host::quoted(folder) + ": " + error.message());
  }
  if (!made) {
    refuse(host::quoted(folder) +
           " is there already, and nothing is written over: choose another name, or another place by --dir");
  }
  std::vector<std::string> files;
  try {
    for (const Template& each : plugin_templates()) {
      if (each.kind != "common" && each.kind != arguments.kind) continue;
      files.push_back(filled(each.path, arguments));
      write_file_atomically(folder / files.back(), filled(each.text, arguments));
    }
  } catch (...) {
    fs::remove_all(folder, error);
    throw;
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// What a shell takes as one word.
std::string shell_word(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) || std::string_view("/._-+=:,@%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

/// The folder that this program was installed to; empty for one that was built and not installed.
fs::path installed_prefix() {
  std::error_code ignored;
  const fs::path prefix = fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path();
  return fs::exists(prefix / "lib" / "cmake" / "ttfm" / "ttfm-config.cmake", ignored) ? prefix : fs::path();
}

/// The program as it was called, from any folder.
std::string program(const std::string& called) {
  return called.find('/') == std::string::npos ? called : fs::absolute(called).lexically_normal().string();
}

}  // namespace

int plugin_new(const PluginNewArguments& arguments) {
  check_kind(arguments.kind);
  check_name(arguments);
  if (!fs::is_directory(arguments.parent)) {
    refuse(host::quoted(arguments.parent) + " is not a folder: make it, or name another one by --dir");
  }
  const fs::path folder = (arguments.parent / arguments.name).lexically_normal();
  const std::vector<std::string> files = write_project(folder, arguments);

  const fs::path prefix = installed_prefix();
  std::string text = "wrote " + folder.string() + ": " + join(files) + "\n\n";
  if (prefix.empty()) {
    text +=
        "This ttfm is not installed, and a plugin is built with an installed one. In ttfm's sources:\n\n"
        "  ./dev install PREFIX\n\n";
  }
  text += "Next:\n\n  cd " + shell_word(folder.string()) +
          "\n  cmake -B build -DCMAKE_PREFIX_PATH=" + (prefix.empty() ? "PREFIX" : shell_word(prefix.string())) +
          "\n  cmake --build build\n  ctest --test-dir build\n  " +
          (prefix.empty() ? "PREFIX/bin/ttfm" : shell_word(program(arguments.program))) +
          " run example.toml --plugin-path build/plugins\n";
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace ttfm::cli
