// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>
#include <ttfm/flow/rows.h>

namespace ttfm::flow {
namespace {

using namespace ttfm::conformance;

const at::TensorOptions kDouble = at::TensorOptions().dtype(at::kDouble);

/// Six rows, of which those with an odd number are wanted.
struct RowsTest : ::testing::Test {
  RowsTest() { call.label = at::arange(6); }

  TestField field(const NetworkTraits& traits = {}) {
    return TestField(
        [this](const Tensor& x, const Tensor& t, const Call& asked) {
          labels = asked.label;
          EXPECT_EQ(asked.dropout, nullptr);
          return x * per_row(t + asked.label, x);
        },
        traits);
  }
  TestMap map(const NetworkTraits& traits = {}) {
    return TestMap(
        [this](const Tensor& x, const Tensor& from, const Tensor& to, const Call& asked) {
          labels = asked.label;
          return x * per_row(from + 2 * to + asked.label, x);
        },
        /*copy=*/false, traits);
  }
  Rows odd() const { return Rows::where(call.label.remainder(2) == 1); }
  Rows nothing() const { return Rows::where(call.label < 0); }

  Tensor x_s = noise(6, {2}), x_r = noise(6, {2}, 4), s = times(6, 0.2), r = times(6, 0.5);
  Tensor labels;  // of the last call
  Call call;
};

TEST_F(RowsTest, AreTakenOutAndPutBack) {
  const Tensor x = at::arange(12, kDouble).view({6, 2});

  EXPECT_TRUE(at::equal(odd().of(call.label), at::arange(1, 6, 2)));
  EXPECT_TRUE(at::equal(odd().put(x, odd().of(x)), x));
  EXPECT_EQ((odd().put(x, odd().of(x) + 1) - x).sum().item<double>(), 6);
  EXPECT_FALSE(odd().of(Tensor()).defined());
  EXPECT_TRUE(nothing().none());
  EXPECT_TRUE(at::equal(nothing().put(x, nothing().of(x)), x));
  EXPECT_TRUE(Rows::where(call.label >= 0).of(x).is_same(x)) << "all rows are not copied";
}

TEST_F(RowsTest, OnADeviceTheyAreAllAndNobodyWaits) {
  const Tensor x = at::arange(6, kDouble.device(c10::kMeta));  // whose values nobody can read

  const Rows rows = Rows::where(x > 2);

  EXPECT_FALSE(rows.none());
  EXPECT_TRUE(rows.of(x).is_same(x));
}

TEST_F(RowsTest, AMapIsAskedForThemAlone) {
  const TestMap u = map();
  const Tensor all = u.facade().velocity(x_s, s, r, call);

  const Tensor some = velocity(u.facade(), x_s, s, r, call, odd());

  EXPECT_TRUE(at::equal(labels, at::arange(1, 6, 2)));
  EXPECT_TRUE(at::equal(odd().of(some), odd().of(all)));
  EXPECT_EQ(Rows::where(call.label.remainder(2) == 0).of(some).abs().max().item<double>(), 0);
  EXPECT_EQ(u.rows(), 6 + 3);
  EXPECT_TRUE(at::equal(velocity(u.facade(), x_s, s, r, call, nothing()), x_s * 0));
  EXPECT_EQ(u.calls(), 2);
}

TEST_F(RowsTest, AMapWithDropoutOrWithRowsThatMeetIsAskedForAll) {
  NetworkTraits meeting;
  meeting.stackable = false;
  const TestMap u = map(), u_meeting = map(meeting);
  const Tensor all = u.facade().velocity(x_s, s, r, call);
  const Stream mask = stream(1);
  Call dropping = call;
  dropping.dropout = &mask;

  EXPECT_TRUE(at::equal(velocity(u.facade(), x_s, s, r, dropping, odd()), all));
  EXPECT_TRUE(at::equal(velocity(u_meeting.facade(), x_s, s, r, call, odd()), all));
}

TEST_F(RowsTest, AFieldIsAskedOnceForAllOfOneAndTheseOfTheOther) {
  const TestField v = field();
  const Tensor of_s = v.facade().velocity(x_s, s, call), of_r = v.facade().velocity(x_r, r, call);

  const Stream mask = stream(1);
  call.dropout = &mask;

  const auto [v_s, v_r] = velocities(v.facade(), x_s, s, x_r, r, call, odd());

  EXPECT_EQ(v.calls(), 3);
  EXPECT_TRUE(at::equal(labels, at::cat({at::arange(6), at::arange(1, 6, 2)})));
  EXPECT_TRUE(at::equal(v_s, of_s));
  EXPECT_TRUE(at::equal(v_r, odd().put(of_s, odd().of(of_r))));
  EXPECT_TRUE(at::equal(velocities(v.facade(), x_s, s, x_r, r, call, Rows())[1], of_r));
  EXPECT_TRUE(at::equal(velocities(v.facade(), x_s, s, x_r, r, call, nothing())[1], of_s));
  EXPECT_EQ(v.rows(), 12 + 9 + 12 + 6);
}

TEST_F(RowsTest, AFieldIsAskedTwiceWhereOneBatchWouldRecordMoreGradient) {
  const TestField v = field();
  x_r.requires_grad_();

  const auto [v_s, v_r] = velocities(v.facade(), x_s, s, x_r, r, call, odd());

  EXPECT_EQ(v.calls(), 2);
  EXPECT_EQ(v.rows(), 9);
  EXPECT_FALSE(v_s.requires_grad());
  const Tensor slope = per_row(r + call.label, x_r).expand_as(x_r);
  EXPECT_TRUE(at::equal(gradient(v_r.sum(), x_r), odd().put(slope * 0, odd().of(slope))));
  velocities(v.facade(), x_s, s, x_r, r, call, nothing());
  EXPECT_EQ(v.calls(), 3);
}

TEST_F(RowsTest, AFieldWhoseRowsMeetIsAskedForBothBatches) {
  NetworkTraits meeting;
  meeting.stackable = false;
  const TestField v = field(meeting);

  const auto [v_s, v_r] = velocities(v.facade(), x_s, s, x_r, r, call, odd());

  EXPECT_EQ(v.calls(), 2);
  EXPECT_TRUE(at::equal(v_s, x_s * per_row(s + call.label, x_s)));
  EXPECT_TRUE(at::equal(v_r, x_r * per_row(r + call.label, x_r)));
}

}  // namespace
}  // namespace ttfm::flow
