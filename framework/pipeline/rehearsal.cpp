// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/rehearsal.h"

#include <c10/util/StringUtil.h>

#include <map>
#include <optional>

#include <ttfm/error.h>

#include "base/error_codes.h"
#include "config/located.h"
#include "config/sections.h"
#include "pipeline/stages.h"

namespace ttfm::pipeline {
namespace {

using train::Network;

class Rehearsal {
 public:
  explicit Rehearsal(const Session& session)
      : config_(session.config()), assembly_(session.assembly()), session_(session) {}

  std::map<std::string, int64_t> run() {
    LossNeeds needs;
    if (config_.has("teacher.train")) needs = loss("teacher.loss");
    if (config_.has("teacher")) make_teacher();
    if (config_.has("teacher.train")) measure("teacher", "teacher.train", needs, *network_);
    if (config_.has("student")) make_student();
    return checkpoint_bytes_;
  }

 private:
  void measure(const std::string& stage, const std::string& train, const LossNeeds& needs, const Network& network) {
    const auto options = config::read_section<config::TrainSection>(config_.at(train));
    checkpoint_bytes_[stage] = checkpoint_bytes(options, needs, network.parameters().count());
  }

  void make_student() {
    const auto student = assembly_.network("student", Network::Role::copy);
    measure("student", "train", loss("loss"), *student);
    const auto section = config::read_section<config::StudentSection>(config_.at("student"));
    if (section.init == config::Init::teacher && !section.checkpoint) same_weights(*student);
  }

  void make_teacher() {
    if (assembly_.teacher_has_network()) {
      network_ = assembly_.network("teacher.network", Network::Role::copy);
      guided([&] { teacher_ = assembly_.teacher(network_); });
    } else {
      guided([&] { teacher_ = bare_teacher(session_); });
    }
  }

  /// Guidance is refused by what stands between the teacher and those that ask it.
  template <class Make>
  void guided(Make make) const {
    try {
      make();
    } catch (const Error& error) {
      const bool elsewhere = error.code() != 0 || error.kind() != ErrorKind::config;
      if (elsewhere) throw;
      throw config::error_at(config_.at("teacher.guidance"), "scale", kContradiction, error.what());
    }
  }

  /// What the loss of a section asks for; it is an error if it is not there.
  LossNeeds loss(const std::string& path) const {
    const config::Section& section = config_.at(path);
    LossNeeds needs;
    assembly_.loss(path)->needs(needs);
    if (!needs.teacher) return needs;
    const std::string name = "`type` = \"" + section.type + "\" in [" + path + "] ";
    if (!teacher_) {
      throw config::error_at(section, "type", kContradiction, name + "needs a teacher, and there is none",
                             path == "loss" ? "add [teacher] with a `type`" : "a teacher is trained without one");
    }
    NetworkTraits traits;
    teacher_->field->traits(traits);
    if (!needs.teacher_x_gradient || traits.x_gradient) return needs;
    throw config::error_at(
        section, "stop_gradient", kContradiction,
        name + "differentiates the teacher in x, which \"" + config_.at("teacher").type + "\" does not offer",
        "choose another [teacher], or a loss that stops the gradient there");
  }

  /// init = "teacher" copies weights by name.
  void same_weights(const Network& student) const {
    if (!network_) return;  // a rule of the configuration
    std::map<std::string, std::string> shapes;
    for (const auto& each : network_->parameters().named()) shapes[each.name] = c10::str(each.value.sizes());
    for (const auto& each : student.parameters().named()) {
      const std::string own = c10::str(each.value.sizes()), others = shapes[each.name];
      if (own == others) continue;
      throw config::error_at(config_.at("student"), "init", kContradiction,
                             "`init` = \"teacher\" in [student] needs the teacher's network: `" + each.name + "` is " +
                                 own + " in [student] and " + (others.empty() ? "not there" : others) +
                                 " in [teacher.network]",
                             "give both the same parameters, or write init = \"random\"");
    }
  }

  const config::Resolved& config_;
  const Assembly& assembly_;
  const Session& session_;
  std::shared_ptr<Network> network_;
  std::optional<TeacherModel> teacher_;
  std::map<std::string, int64_t> checkpoint_bytes_;
};

}  // namespace

std::map<std::string, int64_t> rehearse(const Session& session) { return Rehearsal(session).run(); }

}  // namespace ttfm::pipeline
