// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include <ttfm/plugin.h>

#include "bad_plugins/zoo.h"
#include "host/runtime_check.h"

namespace ttfm::host {
namespace {

namespace fs = std::filesystem;
using test::GoodConfig;
using test::PluginFolder;

/// The error that `action` throws.
template <class Action>
std::optional<Error> error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

std::string replace(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

/// A working plugin in the same folder still does its work.
void expect_good_plugin_works(const Registry& registry) {
  const Owned<Loss> loss = registry.create<Loss>("good", GoodConfig());
  LossNeeds needs;
  loss->needs(needs);
  EXPECT_TRUE(needs.teacher);
}

struct Refusal {
  const char* name;
  int code;
  const char* text;  // <file> stands for the path, <folder> for the folder, <zoo> for that of the zoo, <abi> for "1.N"
};

class BadPlugin : public testing::TestWithParam<Refusal> {};

TEST_P(BadPlugin, IsRefusedAndTheGoodOneBesideItWorks) {
  const auto [name, code, text] = GetParam();
  PluginFolder folder;
  folder.add("good");
  const fs::path file = folder.add(name);
  const Registry registry(folder.search_path());

  const std::optional<Error> error = error_of([&] { registry.find(TTFM_LOSS, name); });
  const std::optional<Error> again = error_of([&] { registry.find(TTFM_LOSS, name); });

  ASSERT_TRUE(error && again);
  std::string expected = replace(text, "<file>", quoted(file));
  expected = replace(expected, "<zoo>", TTFM_ZOO_DIR);
  expected = replace(expected, "<abi>", TTFM_STRINGIFY(TTFM_ABI_MAJOR) "." TTFM_STRINGIFY(TTFM_ABI_MINOR));
  EXPECT_EQ(error->what(), expected);
  EXPECT_EQ(error->code(), code);
  EXPECT_EQ(again->what(), expected);
  EXPECT_EQ(again->code(), code);
  expect_good_plugin_works(registry);
}

INSTANTIATE_TEST_SUITE_P(
    Note, BadPlugin,
    testing::Values(
        Refusal{"newer_major", 108,
                "<file> was built for ttfm plugin ABI 2.0, this ttfm offers <abi>. Upgrade ttfm, or rebuild the plugin "
                "with the SDK of this ttfm, in a fresh build folder."},
        Refusal{"older_major", 108,
                "<file> was built for ttfm plugin ABI 0.9, this ttfm offers <abi>. Rebuild the plugin with the SDK of "
                "this ttfm, in a fresh build folder."},
        Refusal{"newer_minor", 108,
                "<file> was built for ttfm plugin ABI 1.9, this ttfm offers <abi>. Upgrade ttfm, or rebuild the plugin "
                "with the SDK of this ttfm, in a fresh build folder."},
        Refusal{"torch_tag", 110,
                "<file> was built for LibTorch 2.14, this ttfm uses LibTorch 2.15. Rebuild the plugin with the SDK of "
                "this ttfm, in a fresh build folder."},
        Refusal{"build_tag", 111,
                "<file> was built for 'x86_64;libstdc++;cxx11abi=0', this ttfm is 'x86_64;libstdc++;cxx11abi=1'. "
                "Rebuild the plugin with the SDK of this ttfm, in a fresh build folder."},
        Refusal{
            "all_tags", 108,
            "<file> was built for ttfm plugin ABI 1.9, this ttfm offers <abi>; and for LibTorch 2.14, this ttfm uses "
            "LibTorch 2.15; and for 'x86_64;libstdc++;cxx11abi=0', this ttfm is 'x86_64;libstdc++;cxx11abi=1'. "
            "Upgrade ttfm, or rebuild the plugin with the SDK of this ttfm, in a fresh build folder."},
        Refusal{"no_version", 104, "<file> has a defective ttfm note: its ABI is 'one'."}),
    [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Library, BadPlugin,
    testing::Values(
        Refusal{"undefined_symbol", 103,
                "<file> cannot be loaded: undefined symbol: _Z4nopev (nope()). It was linked with another ttfm or "
                "LibTorch than these, or with too few libraries: rebuild it."},
        Refusal{"missing_library", 103,
                "<file> cannot be loaded: libabsent.so: cannot open shared object file: No such file or directory."},
        Refusal{"no_entry", 104,
                "<file> has no entry point 'ttfm_plugin_entry_v1'. It is not a ttfm plugin, or it hides the symbol: "
                "build it with ttfm_add_plugin() and describe it with TTFM_PLUGIN."},
        Refusal{"borrowed_entry", 105,
                "<file> has no entry point of its own; the one found belongs to '<zoo>/libentry_owner.so'. A plugin "
                "must not link another plugin."}),
    [](const auto& each) { return std::string(each.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Descriptor, BadPlugin,
    testing::Values(
        Refusal{"null_descriptor", 106, "<file> cannot describe itself: its entry point returned null."},
        Refusal{"bad_magic", 107, "<file> has an entry point that does not return a ttfm descriptor."},
        Refusal{"lying_major", 108,
                "<file> was built for ttfm plugin ABI 2.0, this ttfm offers <abi>. Upgrade ttfm, or rebuild the plugin "
                "with the SDK of this ttfm, in a fresh build folder."},
        Refusal{"small_descriptor", 109, "<file> has a descriptor of 40 bytes; ABI 1.0 has 96."},
        Refusal{"small_component", 109, "<file> has component descriptions of 40 bytes; ABI 1.0 has 72."},
        Refusal{"other_objects", 111,
                "<file> passes objects of kind 7; this ttfm knows kind 1 (C++ classes with at::Tensor)."},
        Refusal{"other_note", 112,
                "<file> offers loss/other_note, but its note says loss/other_note, teacher/other_note: make OFFERS of "
                "ttfm_add_plugin() and the block after TTFM_PLUGIN agree."},
        Refusal{"null_name", 113, "<file> has a defective table: component 1 has no name."},
        Refusal{"no_destroy", 113,
                "<file> has a defective table: loss/no_destroy: it has no function to create or to destroy it."},
        Refusal{"duplicate_component", 113, "<file> offers loss/duplicate_component twice."},
        Refusal{"duplicate_parameter", 113,
                "<file> has a defective table: loss/duplicate_parameter: parameter 'step' is there twice."},
        Refusal{"nested_student", 113,
                "<file> has a defective table: loss/nested_student: parameter 'critic' is a nested student, which a "
                "teacher alone may have, and only as 'network'."},
        Refusal{"bad_default", 113,
                "<file> has a defective table: loss/bad_default: parameter 'step' has the default a fifth, which is "
                "not a value of its type."},
        Refusal{"on_load_fails", 118, "plugin 'on_load_fails' failed to start: no such device"}),
    [](const auto& each) { return std::string(each.param.name); });

/// Files that do not say what they offer are mentioned where their name fits the component that was asked for.
class NamelessFile : public testing::Test {
 protected:
  void expect_refused(const std::string& name, int code, const std::string& reason) {
    folder_.add("good");
    const Registry registry(folder_.search_path());

    const std::optional<Error> error = error_of([&] { registry.find(TTFM_LOSS, name); });

    ASSERT_TRUE(error);
    EXPECT_EQ(error->code(), 115);
    EXPECT_EQ(error->kind(), ErrorKind::config);
    EXPECT_EQ(error->what(), "no loss '" + name + "'. A file that may hold it was refused (E" + std::to_string(code) +
                                 "): '" + folder_.file(name).string() + "' " + reason +
                                 " Known: good, refuses, throws. Looked in: '" + folder_.path().string() + "' (test).");
    expect_good_plugin_works(registry);
  }

  /// A copy of the sound plugin, changed by `change`.
  template <class Change>
  void add_changed(const std::string& name, const Change& change) {
    std::ifstream in(fs::path(TTFM_ZOO_DIR) / "libttfm_sound.so", std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    change(bytes);
    std::ofstream(folder_.file(name), std::ios::binary) << bytes;
  }

  PluginFolder folder_;
};

TEST_F(NamelessFile, OfTextIsNoSharedObject) {
  std::ofstream(folder_.file("a_text")) << "INPUT(libttfm_good.so)\n";

  expect_refused("a_text", 102, "is not an ELF shared object.");
}

TEST_F(NamelessFile, OfNothingIsNoSharedObject) {
  std::ofstream(folder_.file("nothing"));

  expect_refused("nothing", 102, "is not an ELF shared object.");
}

TEST_F(NamelessFile, CutInItsHeaderIsTruncated) {
  add_changed("cut", [](std::string& bytes) { bytes.resize(40); });

  expect_refused("cut", 102, "is truncated: its ELF header is cut off.");
}

TEST_F(NamelessFile, CutAtItsEndIsTruncated) {
  add_changed("short", [](std::string& bytes) { bytes.resize(bytes.size() - 1); });

  expect_refused("short", 102, "is truncated: it ends before its headers do.");
}

TEST_F(NamelessFile, ForAnotherMachineIsRefused) {
  add_changed("arm", [](std::string& bytes) { bytes[18] = static_cast<char>(0xb7); });  // e_machine = EM_AARCH64

  expect_refused("arm", 102, "was built for AArch64; this ttfm runs on x86-64.");
}

TEST_F(NamelessFile, WithoutANoteIsNoPlugin) {
  folder_.add("no_note");

  expect_refused("no_note", 104,
                 "has no ttfm note. It is not a ttfm plugin, or it was not built with ttfm_add_plugin().");
}

TEST_F(NamelessFile, OfferingNothingIsRefused) {
  folder_.add("no_component");

  expect_refused("no_component", 113, "offers no component.");
}

TEST_F(NamelessFile, OfferingAnUnknownKindIsRefused) {
  folder_.add("bad_offer");

  expect_refused(
      "bad_offer", 104,
      "has a defective ttfm note: offer 'losses/bad_offer' is not kind/name in snake_case, like loss/itvm. It is "
      "not a ttfm plugin, or it was not built with ttfm_add_plugin().");
}

struct Start {
  const char* file;
  const char* name;
  ErrorKind kind;
  const char* text;
};

class FailingComponent : public testing::TestWithParam<Start> {};

TEST_P(FailingComponent, IsAnErrorWithItsReasonAndTheGoodOneWorks) {
  const auto [plugin, name, kind, text] = GetParam();
  PluginFolder folder;
  const fs::path good = folder.add("good");
  const fs::path file = std::string(plugin) == "good" ? good : folder.add(plugin);
  const Registry registry(folder.search_path());

  const std::optional<Error> error = error_of([&] { registry.create<Loss>(name, GoodConfig()); });

  ASSERT_TRUE(error);
  EXPECT_EQ(error->what(), replace(text, "<file>", file.string()));
  EXPECT_EQ(error->kind(), kind);
  EXPECT_EQ(error->code(), 118);
  expect_good_plugin_works(registry);
}

INSTANTIATE_TEST_SUITE_P(
    All, FailingComponent,
    testing::Values(
        Start{"create_fails", "create_fails", ErrorKind::config,
              "loss 'create_fails' failed to start: step is above 1"},
        Start{"create_without_reason", "create_without_reason", ErrorKind::plugin,
              "loss 'create_without_reason' failed to start: it gave no reason. This is a bug in the plugin "
              "create_without_reason 0.1.0 (<file>)."},
        Start{"create_returns_null", "create_returns_null", ErrorKind::plugin,
              "loss 'create_returns_null' failed to start: it returned no object. This is a bug in the plugin "
              "create_returns_null 0.1.0 (<file>)."},
        Start{"good", "refuses", ErrorKind::data, "loss 'refuses' failed to start: its file 'x' is empty"},
        Start{"good", "throws", ErrorKind::plugin,
              "loss 'throws' failed to start: index 3 of 2. This is a bug in the plugin good 1.2.3 (<file>)."},
        Start{
            "throwing", "throws_through", ErrorKind::plugin,
            "loss 'throws_through' failed to start: it let an exception through the C border: out of cheese. This is a "
            "bug in the plugin throwing 0.1.0 (<file>)."},
        Start{"throwing", "wrong_class", ErrorKind::plugin,
              "loss 'wrong_class' failed to start: it is not an object of the class that stands for a loss. This is a "
              "bug in the plugin throwing 0.1.0 (<file>)."}),
    [](const auto& each) { return std::string(each.param.name); });

struct Ending {
  const char* name;
  const char* ending;
  const char* said;
};

class EndingPlugin : public testing::TestWithParam<Ending> {};

TEST_P(EndingPlugin, IsRefusedByATrialAndTheOthersWork) {
  const auto [name, ending, said] = GetParam();
  PluginFolder folder;
  const fs::path file = folder.add(name);
  folder.add("good");
  folder.add("sound");
  Registry registry(folder.search_path());

  registry.try_all();

  const std::optional<Error> error = error_of([&] { registry.find(TTFM_LOSS, name); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), 130);
  EXPECT_EQ(error->kind(), ErrorKind::plugin);
  const std::string text = error->what();
  const std::string start = "'" + file.string() + "' ended the process that opened it (" + ending + "): ";
  EXPECT_TRUE(text.starts_with(start)) << text;
  EXPECT_NE(text.find(said, start.size()), std::string::npos) << text;
  EXPECT_TRUE(
      text.ends_with(". This is a bug in the plugin: nothing in it may run, or throw, before the host calls it."))
      << text;
  expect_good_plugin_works(registry);
  EXPECT_NO_THROW(registry.find(TTFM_LOSS, "sound"));  // opened after the one that ended the first child
}

INSTANTIATE_TEST_SUITE_P(
    All, EndingPlugin,
    testing::Values(Ending{"ends_by_exception", "signal 6: Aborted", "what():  no licence server"},
                    Ending{"ends_by_exit", "exit code 3", "licence expired ask for another at the usual place"},
                    Ending{"ends_by_operators", "signal 6: Aborted", "Only a single TORCH_LIBRARY"}),
    [](const auto& each) { return std::string(each.param.name); });

// Once a second copy is mapped it stays, so this one runs in a process of its own.
TEST(SecondRuntimeDeathTest, IsRefused) {
  PluginFolder folder;
  const fs::path file = folder.add("second_runtime");
  const fs::path second = fs::path(TTFM_ZOO_DIR) / "libgomp_of_another.so";
  std::vector<std::string> copies = {second.string()};
  for (const fs::path& library : loaded_libraries()) {
    if (library.filename().string().starts_with("libgomp")) copies.push_back(fs::canonical(library).string());
  }
  ASSERT_EQ(copies.size(), 2u) << "LibTorch has its own libgomp";
  std::sort(copies.begin(), copies.end());
  const std::string expected = "two copies of libgomp are loaded: '" + copies[0] + "' and '" + copies[1] +
                               "'; the second came with '" + file.string() +
                               "'. A process must have one: link plugins with ttfm::sdk, and with nothing that brings "
                               "its own.";

  const auto open_it = [&] {
    const Registry registry(folder.search_path());
    const std::optional<Error> error = error_of([&] { registry.find(TTFM_LOSS, "second_runtime"); });
    std::_Exit(error && error->what() == expected && error->code() == 119 ? 42 : 1);
  };

  EXPECT_EXIT(open_it(), testing::ExitedWithCode(42), "");
}

}  // namespace
}  // namespace ttfm::host
