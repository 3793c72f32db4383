// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "network_teacher.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>

namespace ttfm::teacher {
namespace {

using namespace ttfm::conformance;

TEST(NetworkTeacher, IsTheNestedStudentOnItsDiagonal) {
  const PerturbedStudent student(oracle(), {2}, 0.5);
  Tensor label;
  NetworkTraits traits;
  traits.classes = 7;
  const TestMap map(
      [&](const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) {
        label = call.label;
        return student.velocity(x, s, t);
      },
      false, traits);
  const auto teacher = make<NetworkTeacher>({}, {2}, 7, {{"network", &map.facade()}});
  const Tensor x = noise(3, {2}), t = times(3, 0.6);
  Call call;
  call.label = at::arange(3);

  EXPECT_EQ(max_difference(teacher->velocity(x, t, call), student.velocity(x, t, t)), 0);
  EXPECT_TRUE(at::equal(label, call.label));
  NetworkTraits of_teacher;
  teacher->traits(of_teacher);
  EXPECT_EQ(of_teacher.classes, 7);
}

}  // namespace
}  // namespace ttfm::teacher
