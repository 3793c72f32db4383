// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <cstdio>
#include <optional>

#include "cli/commands.h"
#include "pipeline/evaluation.h"

namespace ttfm::cli {

int eval(const EvalArguments& arguments) {
  const pipeline::Session session(pipeline::session_of_run(arguments.folder, arguments.session));
  std::unique_ptr<train::Network> student;
  std::optional<pipeline::TeacherModel> teacher;
  if (session.config().has("student")) student = pipeline::trained_student(session, arguments.folder);
  if (session.config().has("teacher")) teacher = pipeline::teacher_of(session, arguments.folder);

  const auto results = pipeline::evaluate_models(session.assembly(), {student.get(), teacher ? &*teacher : nullptr},
                                                 arguments.out.empty() ? arguments.folder : arguments.out);
  std::fputs(eval::to_table(results).c_str(), stdout);
  return 0;
}

}  // namespace ttfm::cli
