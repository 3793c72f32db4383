// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "facade/teacher_field.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/numbers.h>

namespace ttfm {
namespace {

/// v_t(x) = x + 10 label: v_none is x + 30 for 3 classes.
class LabelTeacher final : public Teacher {
 public:
  bool stackable = true;
  int64_t classes = 3;

  void traits(NetworkTraits& out) const override {
    out.classes = classes;
    out.stackable = stackable;
  }
  Tensor velocity(const Tensor& x, const Tensor&, const Call& call) const override {
    return call.label.defined() ? x + 10 * call.label.unsqueeze(1) : x;
  }
};

struct Inputs {
  Tensor x = at::rand({3, 2}), t = at::tensor({0.1, 0.5, 0.9}, at::kFloat);
  Call call;
  Inputs() { call.label = at::tensor({0, 1, 2}); }
};

TEST(TeacherField, GuidanceExtrapolatesFromNoLabelInsideItsInterval) {
  for (const bool stackable : {true, false}) {
    const Inputs in;
    LabelTeacher teacher;
    teacher.stackable = stackable;
    const TeacherField field(teacher, "labels", {.scale = 2, .from = 0.4, .to = 0.6});

    const Tensor v = field.velocity(in.x, in.t, in.call) - in.x;

    // row 1 is inside: 30 + 2 (10 - 30); the others keep their label's velocity
    EXPECT_LT(conformance::max_difference(v.select(1, 0), at::tensor({0.0, -10.0, 20.0})), 1e-5);
  }
}

TEST(TeacherField, GuidanceCountsTwice) {
  const Inputs in;
  LabelTeacher teacher;
  const TeacherField plain(teacher, "labels", {}), guided(teacher, "labels", {.scale = 2});

  plain.velocity(in.x, in.t, in.call);
  guided.velocity(in.x, in.t, in.call);

  EXPECT_EQ(plain.evaluations().rows, 3);
  EXPECT_EQ(guided.evaluations().rows, 6);
}

TEST(TeacherField, AScaleOfOneIsNoGuidance) {
  const Inputs in;
  LabelTeacher teacher;

  EXPECT_TRUE(at::equal(TeacherField(teacher, "labels", {.scale = 1, .from = 0.2}).velocity(in.x, in.t, in.call),
                        teacher.velocity(in.x, in.t, in.call)));
}

TEST(TeacherField, RefusesAVelocityThatHidesItsGradient) {
  class Detaching final : public Teacher {
   public:
    bool x_gradient = true;
    void traits(NetworkTraits& out) const override { out.x_gradient = x_gradient; }
    Tensor velocity(const Tensor& x, const Tensor&, const Call&) const override { return x.detach() * 2; }
  } teacher;
  Inputs in;
  EXPECT_NO_THROW(TeacherField(teacher, "detaching", {}).velocity(in.x, in.t, in.call));
  in.x.requires_grad_();

  EXPECT_EQ(
      conformance::error_text([&] { TeacherField(teacher, "detaching", {}).velocity(in.x, in.t, in.call); }),
      "teacher 'detaching' says that it is differentiable in x, but its velocity records no gradient: it detaches "
      "x, or must leave NetworkTraits::x_gradient false");
  teacher.x_gradient = false;
  EXPECT_NO_THROW(TeacherField(teacher, "detaching", {}).velocity(in.x, in.t, in.call));
}

TEST(TeacherField, RefusesGuidanceOfAnUnconditionalTeacher) {
  LabelTeacher teacher;
  teacher.classes = 0;

  EXPECT_EQ(
      conformance::error_text([&] { TeacherField(teacher, "plain", {.scale = 2}); }),
      "[teacher.guidance] scale is not 1, but teacher 'plain' is unconditional: guidance needs a teacher that was "
      "trained with labels");
}

}  // namespace
}  // namespace ttfm
