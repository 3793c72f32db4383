// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "gaussian_teacher.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>
#include <ttfm/conformance/query.h>

namespace ttfm::teacher {
namespace {

using namespace ttfm::conformance;

const ExactMap& exact_map(const Teacher& teacher) { return query_of<ExactMap>(teacher, interface_id::kExactMap); }

const Density& density(const Teacher& teacher) { return query_of<Density>(teacher, interface_id::kDensity); }

TEST(GaussianTeacher, HasTheVelocityMapAndDensityOfItsData) {
  const flow::Gaussian exact = oracle();
  const auto teacher = make<GaussianTeacher>({{"mean", "[1.5, -0.7]"}, {"sigma", "0.3"}});
  const Tensor x = noise(4, {2}), s = times(4, 0.2), t = times(4, 0.7);

  EXPECT_EQ(max_difference(teacher->velocity(x, t, Call{}), exact.velocity(x, t)), 0);
  EXPECT_EQ(max_difference(exact_map(*teacher).velocity(x, s, t), exact.average_velocity(x, s, t)), 0);
  EXPECT_EQ(max_difference(density(*teacher).log_density(x), exact.log_density(x)), 0);
  EXPECT_EQ(teacher->query(interface_id::kTrainable), nullptr);
}

TEST(GaussianTeacher, OneNumberIsTheMeanOfEveryElement) {
  const auto teacher = make<GaussianTeacher>({{"mean", "[0.5]"}, {"sigma", "0.4"}}, {3, 4, 4});
  const flow::Gaussian exact{at::full({3, 4, 4}, 0.5, at::kDouble), 0.4};
  const Tensor x = noise(2, {3, 4, 4}), t = times(2, 0.3);

  EXPECT_LT(max_difference(teacher->velocity(x, t, Call{}), exact.velocity(x, t)), 1e-15);
  EXPECT_LT(max_difference(density(*teacher).log_density(x), exact.log_density(x)), 1e-12);
}

TEST(GaussianTeacher, FollowsTheTypeOfItsInput) {
  const auto teacher = make<GaussianTeacher>();
  const Tensor x = noise(2, {2}), t = times(2, 0.5);

  const Tensor single = teacher->velocity(x.to(at::kFloat), t.to(at::kFloat), Call{});

  EXPECT_EQ(single.scalar_type(), at::kFloat);
  EXPECT_LT(max_difference(single, teacher->velocity(x, t, Call{})), 1e-5);
}

TEST(GaussianTeacher, RefusesAMeanOfAnotherSize) {
  EXPECT_EQ(error_text([] {
              make<GaussianTeacher>({{"mean", "[1, 2, 3]"}}, {1, 2, 2});
            }),
            "gaussian: mean has 3 numbers, but a sample of the data set has 4 ([1, 2, 2]); give one number, or one for "
            "each element");
}

}  // namespace
}  // namespace ttfm::teacher
