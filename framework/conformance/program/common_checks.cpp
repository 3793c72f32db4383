// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <c10/core/DefaultDtype.h>
#include <dirent.h>
#include <malloc.h>

#include <cfenv>
#include <clocale>
#include <cmath>

#include "config/diagnose.h"
#include "config/text.h"
#include "conformance/program/catalogue.h"
#include "conformance/program/report.h"

namespace ttfm::conformance {
namespace {

using config::Key;

constexpr int kInstances = 100;

std::string number(double value, const Key& key) {
  const bool whole = key.type == TTFM_PARAM_INT || key.type == TTFM_PARAM_INT_LIST;
  return whole ? std::to_string(static_cast<int64_t>(value)) : config::number_text(value);
}

/// A value of the key's type that holds `value`: "0.5", "[0.5]", "[[0.5]]".
std::string holding(double value, const Key& key) {
  const std::string text = number(value, key);
  if (key.type == TTFM_PARAM_INT_LIST || key.type == TTFM_PARAM_FLOAT_LIST) return "[" + text + "]";
  return key.type == TTFM_PARAM_FLOAT_ROWS ? "[[" + text + "]]" : text;
}

bool is_whole(const Key& key) { return key.type == TTFM_PARAM_INT || key.type == TTFM_PARAM_INT_LIST; }

bool is_list(const Key& key) {
  return key.type == TTFM_PARAM_INT_LIST || key.type == TTFM_PARAM_FLOAT_LIST || key.type == TTFM_PARAM_FLOAT_ROWS;
}

/// So far from a limit that the sum is another number.
double beyond(double limit) { return std::max(1.0, std::abs(limit) / 8); }

/// The nearest number on the allowed side of a limit that may not be reached itself.
double just_inside(const Key& key, double limit, double direction) {
  return is_whole(key) ? limit + direction : limit + direction * std::max(1e-9, std::abs(limit) * 1e-9);
}

void constructs(const Subject& subject) {
  if (subject.cases().empty()) {
    ADD_FAILURE() << subject.who() << " accepts neither points nor images, " << subject.refusal()
                  << ". If it needs other data, say which in [conformance] of a file for --config: shape = [...], "
                     "classes = ...";
    return;
  }
  for (const DataCase& data : subject.cases()) {
    const std::string text = thrown_by([&] { subject.create(data, subject.section()); });
    EXPECT_EQ(text, "") << subject.who() << " cannot be constructed from its settings for " << data.text()
                        << ": it must accept its own defaults, or throw ttfm::Error of kind config that says what it "
                           "needs.";
  }
}

/// Whether the host refuses a value, with the key's name in its sentence.
void expect_refused(const Subject& subject, const Key& key, const std::string& value, int code, const char* why) {
  try {
    subject.section({{key.name, value}});
    ADD_FAILURE() << subject.who() << ": `" << key.name << " = " << value << "` " << why
                  << ", but it is accepted: mend the row's limits in describe().";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_EQ(error.code(), code) << subject.who() << ": `" << key.name << " = " << value << "` is refused by\n"
                                  << text;
    EXPECT_NE(text.find(key.name), std::string::npos) << text;
  }
}

void refuses(const Subject& subject) {
  for (const Key& key : subject.keys()) {
    if (key.type == TTFM_PARAM_STUDENT) continue;
    if (key.min && key.max && (*key.min > *key.max || (*key.min == *key.max && (key.above || key.below)))) {
      ADD_FAILURE() << subject.who() << ": the limits of `" << key.name
                    << "` allow no value at all: its minimum is above its maximum in describe().";
      continue;
    }
    const bool numeric = key.type == TTFM_PARAM_INT || key.type == TTFM_PARAM_FLOAT || is_list(key);
    if (key.min && std::isfinite(*key.min)) {
      expect_refused(subject, key, holding(*key.min - beyond(*key.min), key), kOutOfLimits, "is below its minimum");
      if (key.above) expect_refused(subject, key, holding(*key.min, key), kOutOfLimits, "is not above its limit");
    }
    if (key.max && std::isfinite(*key.max)) {
      expect_refused(subject, key, holding(*key.max + beyond(*key.max), key), kOutOfLimits, "is above its maximum");
      if (key.below) expect_refused(subject, key, holding(*key.max, key), kOutOfLimits, "is not below its limit");
    }
    if (!key.choices.empty()) {
      expect_refused(subject, key, "\"no_such_choice\"", kNotAChoice, "is none of its choices");
    }
    const bool any_text = key.type == TTFM_PARAM_STRING || key.type == TTFM_PARAM_PATH || !key.choices.empty();
    if (any_text) continue;  // the host takes what is no TOML as a text
    expect_refused(subject, key, numeric ? "\"text\"" : "1979-05-27", kWrongType, "is of another type");
  }
  const std::string text = thrown_by([&] { subject.section({{"no_such_key", "1"}}); });
  EXPECT_NE(text.find("no_such_key"), std::string::npos)
      << subject.who() << ": a key that its table does not have is accepted";
}

/// What a table allows only just.
std::vector<std::string> edges_of(const Key& key) {
  std::vector<std::string> values;
  if (key.type == TTFM_PARAM_BOOL) values = {"true", "false"};
  for (const std::string& choice : key.choices) values.push_back(config::toml_string(choice));
  if (key.min && std::isfinite(*key.min))
    values.push_back(holding(key.above ? just_inside(key, *key.min, 1) : *key.min, key));
  if (key.max && std::isfinite(*key.max))
    values.push_back(holding(key.below ? just_inside(key, *key.max, -1) : *key.max, key));
  if (is_list(key)) values.push_back("[]");
  return values;
}

void holds_at_its_limits(const Subject& subject) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  const DataCase& data = subject.cases().front();
  if (!thrown_by([&] { subject.create(data, subject.section()); }).empty()) GTEST_SKIP() << "it cannot be constructed";
  for (const Key& key : subject.keys()) {
    for (const std::string& value : edges_of(key)) {
      config::Section section;
      try {
        section = subject.section({{key.name, value}});
      } catch (const Error&) {
        continue;  // no list of one number, say: the other test's business
      }
      try {
        subject.create(data, section);
      } catch (const Error& error) {
        const bool refused =
            error.kind() == ErrorKind::config || (error.kind() == ErrorKind::data && subject.kind() == TTFM_DATASET);
        EXPECT_TRUE(refused) << subject.who() << ": with `" << key.name << " = " << value
                             << "`, which its table allows, the constructor fails with: " << error.what()
                             << "\nNarrow the limits in describe(), or throw ttfm::Error of kind config that says why.";
      }
    }
  }
}

void reads_its_keys(const Subject& subject) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  KeysRead read;
  const std::string text = thrown_by([&] { subject.create(subject.cases().front(), subject.section(), &read); });
  for (const std::string& key : read.unknown) {
    ADD_FAILURE() << subject.who() << " reads `" << key
                  << "`, which its table does not have, so that nobody can set it: describe it in Options.";
  }
  if (!text.empty()) GTEST_SKIP() << "it cannot be constructed";
  for (const Key& key : subject.keys()) {
    EXPECT_TRUE(read.described.contains(key.name))
        << subject.who() << " describes `" << key.name
        << "` and never reads it, so that setting it has no effect: read it in the constructor, or take it out.";
  }
}

int open_files() {
  int count = 0;
  if (DIR* const folder = opendir("/proc/self/fd")) {
    while (readdir(folder)) ++count;
    closedir(folder);
  }
  return count;
}

size_t memory_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void lives_many_times(const Subject& subject, const Exercise& exercise) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  const DataCase& data = subject.cases().front();
  const config::Section section = subject.section();
  if (!thrown_by([&] { subject.create(data, section); }).empty()) GTEST_SKIP() << "it cannot be constructed";
  const auto use = [&] { exercise(*subject.create(data, section), data); };
  if (!thrown_by(use).empty()) GTEST_SKIP() << "it cannot be used";

  const int files = open_files();
  const size_t memory = memory_in_use();
  std::string text;
  int i = 0;
  for (; i < kInstances && text.empty(); ++i) text = thrown_by([&] { subject.create(data, section); });
  const auto grown = static_cast<double>(memory_in_use()) - static_cast<double>(memory);
  const int left_open = open_files() - files;

  EXPECT_EQ(text, "") << subject.who() << " fails the " << i
                      << "th time that it is constructed: an instance must not depend on earlier ones.";
  EXPECT_EQ(left_open, 0) << subject.who() << " leaves files open when it is destroyed: close them in the destructor.";
  EXPECT_LT(grown / kInstances, 8192) << subject.who() << " leaves " << static_cast<int64_t>(grown / kInstances)
                                      << " bytes behind each time that it is constructed and destroyed: free them in "
                                         "the destructor.";
}

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i], b[i])) return false;
  }
  return true;
}

void instances_are_independent(const Subject& subject, const Exercise& exercise) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  const DataCase& data = subject.cases().front();
  const config::Section section = subject.section();
  std::vector<Tensor> alone, beside_another, again;
  const std::string text = thrown_by([&] {
    const auto one = subject.create(data, section);
    alone = exercise(*one, data);
    again = exercise(*one, data);
    const auto other = subject.create(data, section), third = subject.create(data, section);
    exercise(*third, data);
    beside_another = exercise(*other, data);
  });
  if (!text.empty()) GTEST_SKIP() << "it cannot be used: " << text;
  if (!same(alone, again)) GTEST_SKIP() << "it does not repeat itself";
  EXPECT_TRUE(same(alone, beside_another))
      << subject.who()
      << " gives other numbers when there are other instances of it: keep state in members, not in "
         "static or global variables.";
}

/// LibTorch's generator of random numbers, which no component draws from.
at::Generator generator() { return at::globalContext().defaultGenerator(at::kCPU); }

/// What belongs to the process or the thread and not to a component.
struct GlobalState {
  bool gradients = at::GradMode::is_enabled();
  c10::ScalarType dtype = c10::typeMetaToScalarType(c10::get_default_dtype());
  int threads = at::get_num_threads();
  Tensor random = generator().get_state();
  int rounding = std::fegetround();
  std::string locale = std::setlocale(LC_ALL, nullptr);

  /// The first difference, and what to do; "" if there is none.
  std::string changed(const GlobalState& before) const {
    if (gradients != before.gradients) return "the grad mode: use a guard (at::NoGradGuard, at::AutoGradMode)";
    if (dtype != before.dtype) return "the default dtype: give new tensors x.options() instead";
    if (threads != before.threads) return "the number of threads: it is the run's ([run] threads)";
    if (!at::equal(random, before.random)) {
      return "the state of LibTorch's random generator: draw from the stream that it is given";
    }
    if (rounding != before.rounding) return "the rounding mode of floating-point numbers";
    if (locale != before.locale) return "the locale: numbers would be read and written differently";
    return "";
  }

  void restore() const {
    at::GradMode::set_enabled(gradients);
    c10::set_default_dtype(c10::scalarTypeToTypeMeta(dtype));
    at::set_num_threads(threads);
    generator().set_state(random);
    std::fesetround(rounding);
    std::setlocale(LC_ALL, locale.c_str());
  }
};

void restores_global_state(const Subject& subject, const Exercise& exercise) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  for (const bool gradients : {true, false}) {
    const at::AutoGradMode mode(gradients);
    const GlobalState before;
    const std::string text = thrown_by([&] {
      const auto one = subject.create(subject.cases().front(), subject.section());
      exercise(*one, subject.cases().front());
    });
    const std::string changed = GlobalState().changed(before);
    before.restore();
    if (!text.empty()) GTEST_SKIP() << "it cannot be used: " << text;
    EXPECT_EQ(changed, "") << subject.who() << " changes state of the process and does not put it back: " << changed
                           << ".";
  }
}

}  // namespace

Checks common_checks(const Exercise& exercise) {
  return {
      {"ConstructsFromItsDefaults", constructs},
      {"RefusesWhatItsTableRefuses", refuses},
      {"HoldsAtTheLimitsOfItsTable", holds_at_its_limits},
      {"ReadsTheKeysOfItsTable", reads_its_keys},
      {"LivesManyTimes", [exercise](const Subject& subject) { lives_many_times(subject, exercise); }},
      {"InstancesAreIndependent", [exercise](const Subject& subject) { instances_are_independent(subject, exercise); }},
      {"RestoresGlobalState", [exercise](const Subject& subject) { restores_global_state(subject, exercise); }},
  };
}

Checks checks_of(ttfm_kind kind) {
  switch (kind) {
    case TTFM_LOSS:
      return loss_checks();
    case TTFM_STUDENT:
      return student_checks();
    case TTFM_TEACHER:
      return teacher_checks();
    case TTFM_SAMPLER:
      return sampler_checks();
    case TTFM_DATASET:
      return dataset_checks();
  }
  return {};
}

}  // namespace ttfm::conformance
