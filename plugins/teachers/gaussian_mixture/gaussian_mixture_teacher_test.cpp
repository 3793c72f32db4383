// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "gaussian_mixture_teacher.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>
#include <ttfm/conformance/query.h>

namespace ttfm::teacher {
namespace {

using namespace ttfm::conformance;

TEST(GaussianMixtureTeacher, HasTheVelocityAndDensityOfTheDescribedMixture) {
  const auto teacher = make<GaussianMixtureTeacher>();
  const auto exact = flow::GaussianMixture::from(flow::expand({}));
  const Tensor x = 2 * noise(5, {2}), t = times(5, 0.7);

  EXPECT_EQ(max_difference(teacher->velocity(x, t, Call{}), exact.velocity(x, t)), 0);
  const auto& density = query_of<Density>(*teacher, interface_id::kDensity);
  EXPECT_EQ(max_difference(density.log_density(x), exact.log_density(x)), 0);
  EXPECT_EQ(teacher->query(interface_id::kExactMap), nullptr);
}

TEST(GaussianMixtureTeacher, WorksOnImagesThatAreNotContiguous) {
  const TestConfig::Values values = {{"means", "[[1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 0, 0, 0, 0]]"},
                                     {"weights", "[3, 1]"}};
  const auto teacher = make<GaussianMixtureTeacher>(values, {2, 2, 2});
  const Tensor x = noise(3, {2, 2, 2}), t = times(3, 0.4);

  const Tensor v = teacher->velocity(x.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2}), t, Call{});

  EXPECT_EQ(v.sizes(), x.sizes());
  EXPECT_LT(max_difference(v, teacher->velocity(x, t, Call{})), 1e-15);
}

TEST(GaussianMixtureTeacher, FollowsTheTypeOfItsInput) {
  const auto teacher = make<GaussianMixtureTeacher>();
  const Tensor x = noise(2, {2}), t = times(2, 0.5);

  const Tensor single = teacher->velocity(x.to(at::kFloat), t.to(at::kFloat), Call{});

  EXPECT_EQ(single.scalar_type(), at::kFloat);
  EXPECT_LT(max_difference(single, teacher->velocity(x, t, Call{})), 1e-5);
}

TEST(GaussianMixtureTeacher, RefusesSamplesOfAnotherSize) {
  EXPECT_EQ(error_text([] {
              make<GaussianMixtureTeacher>({}, {1, 28, 28});
            }),
            "gaussian_mixture: the means have 2 elements (a circle in 2-D), but a sample of the data set has 784 "
            "([1, 28, 28]); give `means` with one number for each element");
}

}  // namespace
}  // namespace ttfm::teacher
