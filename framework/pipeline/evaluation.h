// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>

#include "eval/report.h"
#include "pipeline/assembly.h"

namespace ttfm::pipeline {

/// What there is to evaluate: the student with the weights that were chosen, the teacher, or one of them (null).
struct Evaluated {
  const train::Network* student = nullptr;
  const TeacherModel* teacher = nullptr;
};

/// Evaluates by [eval]: the table and the pictures, written to `folder`/eval and `folder`/samples.
eval::Results evaluate_models(const Assembly& assembly, const Evaluated& models, const std::filesystem::path& folder);

}  // namespace ttfm::pipeline
