// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <sys/resource.h>

#include <optional>
#include <sstream>

#include "pipeline/disk.h"
#include "pipeline/rehearsal.h"
#include "pipeline/run.h"
#include "pipeline/stages.h"

namespace ttfm::pipeline {
namespace {

double peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// What the training keeps from step to step: all that a checkpoint holds, and the gradient.
double kept_mebibytes(int64_t checkpoint, const Stage& stage) {
  const int64_t gradient = stage.network->parameters().count() * static_cast<int64_t>(sizeof(float));
  return static_cast<double>(checkpoint + gradient) / (1 << 20);
}

}  // namespace

std::string dry_run(const SessionRequest& request) {
  const Session session(request);
  const config::Resolved& config = session.config();
  std::ostringstream report;
  report << "device      " << session.device().str() << ", " << session.threads() << " threads\n";
  report << "data set    " << config.at("dataset").type << ", samples of "
         << at::IntArrayRef(session.assembly().data_shape()) << ", classes: " << session.assembly().data().classes
         << '\n';

  const std::map<std::string, int64_t> bytes = rehearse(session);
  const double before = peak_mebibytes();
  std::optional<TeacherModel> teacher;
  std::shared_ptr<train::Network> trained;
  for (const std::string& name : planned_stages(config)) {
    Stage stage = make_stage(session, name);
    if (name == "student") {
      if (trained)
        teacher = session.assembly().teacher(trained);
      else if (config.has("teacher"))
        teacher = teacher_of(session, {});
      start_student(session, stage, teacher ? &*teacher : nullptr);
    }
    make_trainer(session, stage, teacher ? &*teacher : nullptr);
    stage.trainer->step();
    report << "stage       " << name << ": " << config.at(stage.network_section).type << ", "
           << stage.network->parameters().count() << " weights, loss " << config.at(stage.loss_section).type << " = "
           << stage.trainer->metrics().loss << " after one step, " << stage.options.steps << " steps of "
           << stage.options.batch << '\n'
           << "state       " << kept_mebibytes(bytes.at(name), stage)
           << " MiB of weights, gradient, moments and averages\n";
    if (name == "teacher") trained = finished_network(session, stage, true);
  }
  report << "disk        " << disk_needs(config, bytes).text() << '\n';
  report << "memory      " << peak_mebibytes() << " MiB of this process at its peak, " << peak_mebibytes() - before
         << " MiB more than before the first step; a run needs the same"
         << (session.device().is_cpu() ? "" : ", and memory of its device that is not counted here") << '\n';
  return report.str();
}

}  // namespace ttfm::pipeline
