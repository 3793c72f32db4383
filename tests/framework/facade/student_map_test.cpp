// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "facade/student_map.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/numbers.h>

namespace ttfm {
namespace {

/// u_{s,t}(x) = w sin(x) + s^2 - t^3 + label, with a count of what it was asked.
class WaveStudent final : public Student {
 public:
  Tensor w = at::ones({}, at::kDouble).set_requires_grad(true);
  bool stackable = true;
  mutable std::vector<int64_t> rows;
  mutable uint32_t call_size = 0;

  void traits(NetworkTraits& out) const override {
    out.classes = 5;
    out.stackable = stackable;
  }
  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const override {
    rows.push_back(x.size(0));
    call_size = call.struct_size;
    Tensor u = w * x.sin() + (s.square() - t.pow(3)).unsqueeze(1);
    if (call.label.defined()) u = u + call.label.unsqueeze(1);
    return u;
  }
};

struct Inputs {
  Tensor x = at::rand({4, 3}, at::kDouble), s = 0.1 + 0.6 * at::rand({4}, at::kDouble), t = s + 0.2;
  Call call;
};

TEST(StudentMap, StackedQueriesGiveWhatSeparateOnesGive) {
  const Inputs a, b;
  Call labelled;
  labelled.label = at::arange(4);
  WaveStudent student;
  const StudentMap map(student, "wave", true);
  const Query queries[] = {{a.x, a.s, a.t, &labelled}, {b.x, b.s, b.t, &b.call}};

  const auto stacked = FlowMap(&map).velocities(queries);

  EXPECT_EQ(student.rows, std::vector<int64_t>{8});
  EXPECT_LT(conformance::max_difference(stacked[0], map.velocity(a.x, a.s, a.t, labelled)), 1e-15);
  Call none;  // a query without labels, stacked with one that has some, is asked with "no label"
  none.label = at::zeros({4}, at::kLong) + 5;
  EXPECT_LT(conformance::max_difference(stacked[1], map.velocity(b.x, b.s, b.t, none)), 1e-15);
}

TEST(StudentMap, QueriesThatMayNotBeStackedAreAskedOneByOne) {
  const Inputs a;
  WaveStudent student;
  student.stackable = false;
  const StudentMap map(student, "wave", true);
  const Query queries[] = {{a.x, a.s, a.t, &a.call}, {a.x, a.s, a.s, &a.call}};

  FlowMap(&map).velocities(queries);

  EXPECT_EQ(student.rows, (std::vector<int64_t>{4, 4}));
}

// A loss may be older than the student, and its call smaller.
TEST(StudentMap, AStudentIsAskedWithACallOfTheHostsSize) {
  const Inputs a;
  WaveStudent student;
  const StudentMap map(student, "wave", true);
  Call call;
  call.struct_size = 16;

  map.velocity(a.x, a.s, a.t, call);

  EXPECT_EQ(student.call_size, sizeof(Call));
}

TEST(Call, ACopyHasItsOwnSize) {
  Call of_newer_host;
  of_newer_host.struct_size = 4096;
  of_newer_host.label = at::arange(4);

  const Call copy = of_newer_host;
  Call assigned;
  assigned = of_newer_host;

  EXPECT_EQ(copy.struct_size, sizeof(Call));
  EXPECT_EQ(assigned.struct_size, sizeof(Call));
  EXPECT_TRUE(copy.label.is_same(of_newer_host.label));
}

TEST(Fill, WritesNoMoreThanBothVersionsHave) {
  NetworkTraits from, to;
  from.classes = 7;
  from.dual = true;
  to.struct_size = 16;  // of a version that ended before `dual`

  fill(to, from);

  EXPECT_EQ(to.classes, 7);
  EXPECT_FALSE(to.dual);
  EXPECT_EQ(to.struct_size, 16u);
}

TEST(StudentMap, AStudentWithoutADualForwardIsDifferentiatedByDifferences) {
  const Inputs a;
  WaveStudent student;
  const StudentMap map(student, "wave", true);
  const Tensor dx = at::rand({4, 3}, at::kDouble), one = at::ones({4}, at::kDouble);

  const Dual u = FlowMap(&map).derivative(a.x, a.s, a.t, {.dx = dx, .ds = {}, .dt = one}, a.call);

  const Tensor exact = a.x.cos() * dx - 3 * a.t.square().unsqueeze(1);
  EXPECT_LT(conformance::max_difference(u.tangent, exact), 1e-8);
  EXPECT_TRUE(u.tangent.requires_grad());
}

TEST(StudentMap, DifferencesStayInsideTheTimesThatAStudentIsDefinedOn) {
  class Careful final : public Student {  // u_{s,t}(x) = t^2 - s^2, for 0 <= s <= t <= 1 only
    Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call&) const override {
      EXPECT_GE(s.min().item<double>(), 0);
      EXPECT_GE((t - s).min().item<double>(), 0);
      EXPECT_LE(t.max().item<double>(), 1);
      return (t.square() - s.square()).unsqueeze(1).expand_as(x);
    }
  } student;
  const StudentMap map(student, "careful", true);
  const Tensor s = at::tensor({0.0, 0.3, 0.5, 0.2}, at::kDouble), t = at::tensor({1.0, 0.3, 1.0, 0.7}, at::kDouble);
  const Tensor x = at::rand({4, 3}, at::kDouble), one = at::ones({4}, at::kDouble);

  const Tensor along_t = FlowMap(&map).derivative(x, s, t, {.dt = one}, {}).tangent;
  const Tensor along_s = FlowMap(&map).derivative(x, s, t, {.ds = one}, {}).tangent;

  EXPECT_LT(conformance::max_difference(along_t.select(1, 0), 2 * t), 2e-5);
  EXPECT_LT(conformance::max_difference(along_s.select(1, 0), -2 * s), 2e-5);
}

TEST(StudentMap, AQueryWithoutACallIsAPlainOne) {
  const Inputs a;
  WaveStudent student;
  const StudentMap map(student, "wave", true);

  const auto [u, diagonal] = FlowMap(&map).velocities({{a.x, a.s, a.t}, {a.x, a.s, a.s}});

  EXPECT_EQ(student.rows, std::vector<int64_t>{8});
  EXPECT_LT(conformance::max_difference(u, map.velocity(a.x, a.s, a.t, {})), 1e-15);
  EXPECT_LT(conformance::max_difference(diagonal, map.velocity(a.x, a.s, a.s, {})), 1e-15);
}

TEST(StudentMap, CopiesAndStoppedMapsRecordNoGradient) {
  const Inputs a;
  WaveStudent student;
  const StudentMap live(student, "wave", true), copy(student, "wave", false);
  const FlowMap map(&live);

  EXPECT_TRUE(map.velocity(a.x, a.s, a.t, a.call).requires_grad());
  EXPECT_FALSE(map.stopped().velocity(a.x, a.s, a.t, a.call).requires_grad());
  EXPECT_FALSE(map.stopped()(a.x, a.s, a.t, a.call).requires_grad());
  EXPECT_FALSE(map.diagonal().velocity(a.x, a.t, a.call).requires_grad());
  EXPECT_FALSE(FlowMap(&copy).velocity(a.x, a.s, a.t, a.call).requires_grad());
  EXPECT_FALSE(FlowMap(&copy).derivative(a.x, a.s, a.t, {.dt = a.s}, a.call).tangent.requires_grad());
}

TEST(StudentMap, TheFlowMapGoesAlongTheAverageVelocityAndStaysOnTheDiagonal) {
  const Inputs a;
  WaveStudent student;
  const StudentMap map(student, "wave", true);

  const Tensor phi = FlowMap(&map)(a.x, a.s, a.t, a.call);

  EXPECT_LT(conformance::max_difference(phi, a.x + 0.2 * map.velocity(a.x, a.s, a.t, a.call)), 1e-15);
  EXPECT_TRUE(at::equal(FlowMap(&map)(a.x, a.s, a.s, a.call), a.x));
}

TEST(StudentMap, CountsCallsAndRows) {
  const Inputs a;
  WaveStudent student;
  const StudentMap map(student, "wave", true);

  map.velocity(a.x, a.s, a.t, a.call);
  FlowMap(&map).diagonal().velocity(a.x, a.t, a.call);

  EXPECT_EQ(map.evaluations().calls, 2);
  EXPECT_EQ(map.evaluations().rows, 8);
}

TEST(StudentMap, FillsOfTheTraitsWhatTheCallersVersionHas) {
  WaveStudent student;
  student.stackable = false;
  const StudentMap map(student, "wave", true);
  NetworkTraits older;  // of a caller built before `stackable` was added
  older.struct_size = offsetof(NetworkTraits, stackable);

  FlowMap(&map).traits(older);

  EXPECT_EQ(older.classes, 5);
  EXPECT_TRUE(older.stackable) << "written beyond the caller's struct";
  EXPECT_EQ(older.struct_size, offsetof(NetworkTraits, stackable));
}

TEST(StudentMap, NamesWhatIsWrongWithACall) {
  const Inputs a;
  WaveStudent student;
  const StudentMap map(student, "wave", true);

  EXPECT_EQ(conformance::error_text([&] { map.velocity(a.x, at::zeros({3}), a.t, a.call); }),
            "FlowMap::velocity: s is [3] Float on cpu, expected [4] like the rows of x, which is [4, 3] Double on cpu");
  EXPECT_EQ(conformance::error_text([&] { map.velocity(at::zeros({4}), a.s, a.t, a.call); }),
            "FlowMap::velocity: x is [4] Float on cpu, expected [B, ...] with at least two dimensions");
}

}  // namespace
}  // namespace ttfm
