// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "conformance/program/subject.h"

/// The tests of the kit. Each is a function that reports by GoogleTest, in sentences that name the component, say what is
/// wrong and what to do. A test of something that cannot be seen because of another defect skips itself, so that one
/// defect fails one test.
namespace ttfm::conformance {

struct Check {
  std::string name;
  std::function<void(const Subject&)> run;
};

using Checks = std::vector<Check>;

/// One use of an instance, as small as possible: numbers that two uses can be compared by.
using Exercise = std::function<std::vector<Tensor>(Interface& component, const DataCase& data)>;

/// What every component owes: parameters, instances, and the state of the process.
Checks common_checks(const Exercise& exercise);

Checks loss_checks();
Checks student_checks();
Checks teacher_checks();
Checks sampler_checks();
Checks dataset_checks();

/// All that a kind is tested by.
Checks checks_of(ttfm_kind kind);

}  // namespace ttfm::conformance
