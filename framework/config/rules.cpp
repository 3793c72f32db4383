// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/rules.h"

#include <algorithm>
#include <functional>

#include "base/run_name.h"
#include "config/key.h"
#include "config/schema.h"
#include "config/text.h"

namespace ttfm::config {
namespace {

class Rules {
 public:
  Rules(Resolved& resolved, const Places& places, Diagnostics& problems)
      : resolved_(resolved), places_(places), problems_(problems) {}

  void check() {
    name();
    device();
    training("train");
    if (resolved_.has("teacher.train")) training("teacher.train");
    guidance();
    teacher();
    student();
    evaluation();
    sections_without_effect();
  }

 private:
  void name() {
    const Value* const name = value("run", "name");
    if (!name || is_run_name(name->text)) return;
    problems_.add({kOutOfLimits, place("run.name"),
                   "`name` in [run] is " + toml_string(name->text) + ", which cannot name a folder",
                   "at most 128 letters, digits, '.', '_' and '-', beginning with a letter, a digit or '_'"});
  }

  // A device that the machine does not have is found when the run starts.
  void device() {
    const Value* const device = value("run", "device");
    if (!device) return;
    const std::string_view text = device->text;
    const bool numbered = text.starts_with("cuda:") && text.size() > 5 && text.size() < 9 &&
                          text.find_first_not_of("0123456789", 5) == std::string_view::npos;
    if (numbered || text == "auto" || text == "cpu" || text == "cuda") return;
    problems_.add({kNotAChoice, place("run.device"),
                   "`device` in [run] is " + toml_string(text) + "; it must be one of auto, cpu, cuda, cuda:N",
                   "cuda is the first NVIDIA GPU, cuda:N that of number N, from 0"});
  }

  void training(const std::string& path) {
    // what [teacher.train] has from [train] is checked there
    const auto is_set = [&](const char* a, const char* b) {
      return path == "train" || given(path + "." + a) || given(path + "." + b);
    };
    const Value *batch = value(path, "batch"), *accumulate = value(path, "accumulate");
    if (batch && accumulate && batch->integer % accumulate->integer != 0 && is_set("batch", "accumulate")) {
      contradiction(path, "accumulate", "batch", "does not divide",
                    "each micro-batch holds batch / accumulate samples");
    }
    const Value *steps = value(path, "steps"), *warmup = value(path, "warmup");
    if (steps && warmup && warmup->integer > steps->integer && is_set("steps", "warmup")) {
      contradiction(path, "warmup", "steps", "is longer than", "the warm-up is a part of the steps");
    }
    const Value* const schedule = value(path, "schedule");
    if (schedule && schedule->text == "constant" && changed(path + ".final_lr")) {
      no_effect(path + ".final_lr", "the rate does not fall with schedule = \"constant\"");
    }
  }

  void guidance() {
    if (!resolved_.has("teacher.guidance")) return;
    const Value *from = value("teacher.guidance", "from"), *to = value("teacher.guidance", "to");
    if (from && to && from->number >= to->number) {
      contradiction("teacher.guidance", "from", "to", "is not before", "guidance acts at the times between the two");
    }
    const Value* const scale = value("teacher.guidance", "scale");
    for (const char* key : {"from", "to"}) {
      const std::string path = std::string("teacher.guidance.") + key;
      if (scale && scale->number == 1 && changed(path)) {
        no_effect(path, "`scale` in [teacher.guidance] is 1, no guidance");
      }
    }
  }

  void teacher() {
    const bool trained = resolved_.has("teacher.train");
    const bool loaded = given("teacher.checkpoint");
    if (resolved_.has("teacher.network") && !trained && !loaded) {
      problems_.add({kMissing, place("teacher"), "the network of [teacher] has no weights",
                     "add `checkpoint`: a .safetensors file or the folder of a run; or train it in [teacher.train]"});
    }
  }

  void student() {
    const Value* const init = value("student", "init");
    if (!init || init->text != "teacher" || !resolved_.has("student")) return;
    const Section &teacher = resolved_.at("teacher"), &network = resolved_.at("teacher.network");
    const std::string& type = resolved_.at("student").type;
    if (!teacher.in_use || (!teacher.type.empty() && !network.in_use)) {
      problems_.add({kContradiction, place("student.init"),
                     "`init` = \"teacher\" in [student] needs a teacher with a network",
                     teacher.in_use ? "[teacher] has `type` = " + toml_string(teacher.type) : "there is no [teacher]"});
    } else if (!network.type.empty() && !type.empty() && network.type != type) {
      problems_.add({kContradiction, place("student.init"),
                     "`init` = \"teacher\" in [student] needs networks of one type: [student] is " + toml_string(type) +
                         ", [teacher.network] is " + toml_string(network.type),
                     "give both the same `type`, or write init = \"random\""});
    }
    if (changed("student.checkpoint")) no_effect("student.init", "`checkpoint` in [student] gives the weights");
  }

  void evaluation() {
    const Value* const student = value("eval", "evaluations");
    if (student && student->integers.empty()) {
      problems_.add({kOutOfLimits, place("eval.evaluations"), "`evaluations` in [eval] is []; it must hold a number",
                     "the student would not be measured at all; left out, it is [1, 2, 4, 8]"});
    }
    for (const char* key : {"evaluations", "teacher_evaluations"}) {
      const Value* const list = value("eval", key);
      if (!list) continue;
      const std::vector<int64_t>& n = list->integers;
      if (std::adjacent_find(n.begin(), n.end(), std::greater_equal<>()) == n.end()) continue;
      std::vector<int64_t> sorted = n;
      std::sort(sorted.begin(), sorted.end());
      sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
      Value good = *list;
      good.integers = sorted;
      problems_.add(
          {kOutOfLimits, place(std::string("eval.") + key),
           std::string("`") + key + "` in [eval] is " + toml_text(*list) + "; it must be sorted, each number once",
           "write " + toml_text(good)});
    }
    const Value* const metrics = value("eval", "metrics");
    for (const char* key : {"eval.tolerance", "eval.projections"}) {
      if (metrics && !metrics->flag && changed(key)) no_effect(key, "`metrics` in [eval] is false");
    }
    if (!resolved_.has("teacher") && changed("eval.teacher_evaluations")) {
      no_effect("eval.teacher_evaluations", "there is no [teacher]");
    }
  }

  void sections_without_effect() {
    for (const SectionSpec& spec : schema()) {
      const Section& section = resolved_.at(spec.path);
      if (!section.given || section.in_use) continue;
      const std::string teacher = "teacher " + toml_string(resolved_.at("teacher").type);
      std::string why = "there is no [student]";
      if (spec.path == "teacher.network") why = teacher + " has no network";
      if (spec.path == "teacher.train") {
        why = given("teacher.checkpoint") ? "`checkpoint` in [teacher] gives the weights"
                                          : teacher + " has no network to train";
      }
      if (spec.path == "teacher.loss") why = "the teacher is not trained in this run";
      no_effect(spec.path, why);
    }
  }

  const Value* value(std::string_view path, std::string_view key) const {
    const Values& values = resolved_.at(path).host;
    const auto found = values.find(key);
    return found == values.end() ? nullptr : &found->second;
  }

  bool given(std::string_view path) const { return places_.contains(path); }

  /// A resolved configuration gives every key: one that has its default is not worth a warning.
  bool changed(const std::string& path) const {
    if (!given(path)) return false;
    const std::string section = path.substr(0, path.rfind('.')), name = path.substr(section.size() + 1);
    const Value* const now = value(section, name);
    for (const Key& key : find_section(section)->keys) {
      if (key.name == name && key.default_value) return now && toml_text(*now) != toml_text(*key.default_value);
    }
    return true;
  }

  /// The place of a key or section; nowhere if it was not given.
  Place place(std::string_view path) const {
    const auto found = places_.find(path);
    return found == places_.end() ? Place{} : found->second;
  }

  /// "`accumulate` = 3 in [train] does not divide `batch` = 128", at the first of the two that was given.
  void contradiction(const std::string& section, const char* a, const char* b, const char* relation, const char* why) {
    const auto shown = [&](const char* key) {
      return std::string("`").append(key).append("` = ") + toml_text(*value(section, key));
    };
    const std::string at = section + "." + (given(section + "." + a) ? a : b);
    const char* const other = at.ends_with(std::string(".") + a) ? b : a;
    const Origin& origin = value(section, other)->origin;
    problems_.add({kContradiction, place(at), shown(a) + " in [" + section + "] " + relation + " " + shown(b),
                   std::string(why) + "; `" + other + "`: " + origin.text()});
  }

  void no_effect(const std::string& path, const std::string& why) {
    const SectionSpec* const section = find_section(path);
    const size_t dot = path.rfind('.');
    const std::string what =
        section ? "[" + path + "]" : "`" + path.substr(dot + 1) + "` in [" + path.substr(0, dot) + "]";
    resolved_.warnings.push_back(place_text(place(path)) + ": " + what + " has no effect: " + why);
  }

  Resolved& resolved_;
  const Places& places_;
  Diagnostics& problems_;
};

}  // namespace

void check_rules(Resolved& resolved, const Places& places, Diagnostics& problems) {
  Rules(resolved, places, problems).check();
}

}  // namespace ttfm::config
