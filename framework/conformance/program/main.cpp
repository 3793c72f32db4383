// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// ttfm-conformance: whether a component of a plugin keeps its contract. The tests are registered at run time.
#include <c10/util/Exception.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstring>

#include <ttfm/error.h>
#include <ttfm/export.h>

#include "base/kinds.h"
#include "conformance/program/catalogue.h"

namespace ttfm::conformance {
namespace {

constexpr int kUsage = 2;

/// Says in which test a plugin crashed: the process cannot go on, and GoogleTest would say nothing.
class CrashReport final : public testing::EmptyTestEventListener {
 public:
  explicit CrashReport(const std::string& who) {
    keep(who_, who.c_str());
#ifndef __SANITIZE_ADDRESS__  // which says more
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
      struct sigaction action = {};
      action.sa_handler = &say;
      action.sa_flags = static_cast<int>(SA_RESETHAND);
      sigaction(number, &action, nullptr);
    }
#endif
  }

  void OnTestStart(const testing::TestInfo& test) override {
    keep(test_, (std::string(test.test_suite_name()) + "." + test.name()).c_str());
  }

 private:
  static constexpr size_t kRoom = 256;

  static void keep(char (&to)[kRoom], const char* text) { std::snprintf(to, kRoom, "%s", text); }

  static void say(int number) {
    const auto put = [](const char* text) {
      if (write(STDERR_FILENO, text, std::strlen(text)) < 0) _exit(128);
    };
    put("\nerror: ");
    put(who_);
    put(" crashed (signal ");
    const char digits[3] = {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10), 0};
    put(number < 10 ? digits + 1 : digits);
    put(") in ");
    put(test_);
    put(": run that test alone with --gtest_filter in a debugger, or build the plugin with -fsanitize=address.\n");
    raise(number);
  }

  static char who_[kRoom], test_[kRoom];
};

char CrashReport::who_[kRoom];
char CrashReport::test_[kRoom];

/// A test that is not known when this file is compiled.
class RegisteredTest final : public testing::Test {
 public:
  RegisteredTest(const Check& check, const Subject& subject) : check_(check), subject_(subject) {}

  void TestBody() override {
    const std::string who = subject_.who();
    try {
      check_.run(subject_);
    } catch (const c10::Error& error) {
      ADD_FAILURE() << who << " lets an error of LibTorch through: " << error.what_without_backtrace();
    } catch (const std::exception& error) {
      ADD_FAILURE() << who << " throws: " << error.what();
    }
  }

 private:
  const Check& check_;
  const Subject& subject_;
};

void register_tests(const Checks& checks, const Subject& subject) {
  std::string suite(kind_name(subject.kind()));
  suite[0] = static_cast<char>(suite[0] - 'a' + 'A');
  for (const Check& check : checks) {
    testing::RegisterTest(suite.c_str(), check.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [&check, &subject]() -> testing::Test* { return new RegisteredTest(check, subject); });
  }
}

int test(const Request& request) {
  const Subject subject(request);
  const Checks checks = checks_of(request.kind);
  register_tests(checks, subject);
  testing::UnitTest::GetInstance()->listeners().Append(new CrashReport(subject.who()));
  return RUN_ALL_TESTS();
}

/// What the command line has beside the options: GoogleTest's flags, and the component's keys as --loss.step=0.1.
/// Anything else is a mistake.
void take_the_rest(const CLI::App& app, std::string program, Request& request) {
  std::vector<std::string> flags;
  for (const std::string& extra : app.remaining()) {
    if (extra.starts_with("--gtest_")) {
      flags.push_back(extra);
      continue;
    }
    const bool key =
        extra.starts_with("--") && extra.find('=') != std::string::npos && extra.find('.') < extra.find('=');
    if (!key) {
      throw Error(ErrorKind::config, "'" + extra +
                                         "' is not an argument of `ttfm-conformance`; a parameter is set by "
                                         "--" +
                                         std::string(kind_name(request.kind)) + ".KEY=VALUE");
    }
    request.overrides.push_back(extra);
  }
  std::vector<char*> argv{program.data()};
  for (std::string& flag : flags) argv.push_back(flag.data());
  int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  testing::InitGoogleTest(&argc, argv.data());
  if (argc > 1) {
    throw Error(ErrorKind::config, "'" + std::string(argv[1]) +
                                       "' is no flag of GoogleTest; --gtest_list_tests and "
                                       "--gtest_filter=PATTERN are the usual ones");
  }
}

int run(int argc, char** argv) {
  CLI::App app{
      "Tests whether a component of a plugin keeps the contract of its kind. The flags of GoogleTest work: "
      "--gtest_list_tests, --gtest_filter=..., --gtest_brief=1.",
      "ttfm-conformance"};
  app.footer(
      "Example: ttfm-conformance --plugin build/plugins/libttfm_acme.so --kind loss --name acme\n"
      "Parameters follow as --KIND.KEY=VALUE, or stand in section [KIND] of the file that --config names; its\n"
      "[conformance] (shape, classes) or [dataset] says for which data the component is made.\n"
      "Exit code: 0 all tests pass, 1 a test fails, 2 a wrong command line or configuration, 5 the plugin does "
      "not load.");
  Request request;
  std::string kind;
  app.add_option("--plugin", request.plugin, "the plugin's library")->required();
  app.add_option("--kind", kind, "loss, student, teacher, sampler or dataset")
      ->required()
      ->check(CLI::IsMember({"loss", "student", "teacher", "sampler", "dataset"}));
  app.add_option("--name", request.name, "the component, as in `type` of a configuration")->required();
  app.add_option("--config", request.config, "a TOML file with the component's parameters")->check(CLI::ExistingFile);
  app.add_option("--plugin-path", request.plugin_path, "further folders with plugins, for the file's [dataset]");
  app.allow_extras();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "error: %s\nRun with --help for more information.\n", error.what());
    return kUsage;
  }
  request.kind = *kind_of_name(kind);
  take_the_rest(app, argv[0], request);
  return test(request);
}

void print_error(const Error& error) {
  const std::string text = error.what();
  const std::string number = error.code() ? "[E" + std::to_string(error.code()) + "]" : "";
  std::fprintf(stderr, "%s%s\n", text.starts_with("error") ? "" : ("error" + number + ": ").c_str(), text.c_str());
}

}  // namespace
}  // namespace ttfm::conformance

/// Called by the launcher (framework/launcher).
extern "C" TTFM_API int ttfm_main(int argc, char** argv) {
  using namespace ttfm;
  try {
    return conformance::run(argc, argv);
  } catch (const Error& error) {
    conformance::print_error(error);
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return static_cast<int>(ErrorKind::internal);
  }
}
