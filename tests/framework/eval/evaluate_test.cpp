// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/evaluate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/numbers.h>
#include <ttfm/flow/gaussian.h>

#include "eval/trajectory.h"
#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

const flow::Gaussian& gaussian() {
  static const flow::Gaussian kData = {test::points({1.5, -0.7}, 2)[0], 0.3};
  return kData;
}

Tensor true_samples(uint64_t seed, int64_t count) {
  return conformance::stream(seed, at::kDouble).normal({count, 2}) * 0.3 + gaussian().mean;
}

/// The exact student and teacher of one Gaussian, and everything that evaluate() wants.
struct Setting {
  conformance::TestField field{[](const Tensor& x, const Tensor& t, const Call&) { return gaussian().velocity(x, t); }};
  conformance::TestMap map{[](const Tensor& x, const Tensor& s, const Tensor& t, const Call&) {
    return gaussian().average_velocity(x, s, t);
  }};
  EvaluateInputs inputs;

  Setting() {
    inputs.x_0 = conformance::stream(1, at::kDouble).normal({1000, 2});
    inputs.held_out = true_samples(2, 1000);
    inputs.second = true_samples(3, 1000);
    inputs.flow_map = &map.facade();
    inputs.field = &field.facade();
    inputs.options.batch = 300;
    inputs.options.tolerance = 1e-9;
    inputs.options.lagrangian_residual = true;
    inputs.student = {
        .sample =
            [this](const SampleRequest& request) {
              return SampleDraw{compose(map.facade(), request.x_0, {}, request.evaluations, 1000), request.evaluations};
            },
        .evaluations = {1, 2, 4},
        .sampler = "flow_map",
        .weights = "ema"};
    inputs.teacher = {.sample =
                          [this](const SampleRequest& request) {  // Euler
                            const double h = 1 / static_cast<double>(request.evaluations);
                            Tensor x = request.x_0;
                            for (int64_t i = 0; i < request.evaluations; ++i) {
                              const Tensor t = at::full({x.size(0)}, static_cast<double>(i) * h, x.options());
                              x = x + h * field.facade().velocity(x, t, {});
                            }
                            return SampleDraw{x, request.evaluations};
                          },
                      .evaluations = {4, 64},
                      .sampler = "euler",
                      .weights = ""};
  }

  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;
};

/// What evaluate() says about it, computed once.
const Results& example() {
  static const Results kResults = evaluate(Setting().inputs);
  return kResults;
}

double value(const Results& results, size_t row, const char* metric) {
  return value_in(results, results.rows.at(row), metric).value();
}

TEST(Evaluate, HasARowForEveryModelAndNumberOfEvaluations) {
  const Results& results = example();

  std::vector<std::pair<std::string, int64_t>> rows;
  for (const Row& row : results.rows) rows.emplace_back(row.model + " " + row.sampler, row.evaluations);
  const int64_t reference = results.reference.value().evaluations;
  EXPECT_EQ(rows, (std::vector<std::pair<std::string, int64_t>>{{"floor ", 0},
                                                                {"teacher reference", reference},
                                                                {"teacher euler", 4},
                                                                {"teacher euler", 64},
                                                                {"student flow_map", 1},
                                                                {"student flow_map", 2},
                                                                {"student flow_map", 4}}));
  EXPECT_EQ(results.metrics,
            (std::vector<std::string>{"rmse", "relative_l2", "composition_gap", "sliced_w2", "mmd2", "histogram_kl"}));
  EXPECT_EQ(results.samples, 1000);
  EXPECT_EQ(results.held_out, 1000);
  EXPECT_TRUE(results.notes.empty());
}

TEST(Evaluate, TheExactStudentReachesTheFloor) {
  const Results& results = example();

  for (const size_t row : {4, 5, 6}) {
    EXPECT_LT(value(results, row, "rmse"), 1e-8);
    EXPECT_LT(value(results, row, "sliced_w2"), 1.5 * value(results, 0, "sliced_w2"));
    EXPECT_LT(value(results, row, "mmd2"), 0.003);
    EXPECT_LT(value(results, row, "histogram_kl"), 1.2 * value(results, 0, "histogram_kl"));
  }
  for (const size_t row : {5, 6}) EXPECT_LT(value(results, row, "composition_gap"), 1e-12);
  for (const auto& [name, measure] : results.measures) EXPECT_LT(measure, 1e-10) << name;
  EXPECT_EQ(results.measures.size(), 2);
}

TEST(Evaluate, ATeacherWithTooFewStepsIsFartherFromItsOwnEndpoint) {
  const Results& results = example();

  EXPECT_GT(value(results, 2, "rmse"), 4 * value(results, 3, "rmse"));
  EXPECT_GT(value(results, 2, "sliced_w2"), value(results, 3, "sliced_w2"));
  EXPECT_LT(value(results, 1, "sliced_w2"), 1.5 * value(results, 0, "sliced_w2"));
}

TEST(Evaluate, GivesTheSameNumbersAgainAndForAnotherBatchSize) {
  const Results& first = example();
  Setting setting;
  setting.inputs.options.batch = 77;

  const Results second = evaluate(setting.inputs);

  for (size_t row = 2; row < first.rows.size(); ++row) {
    for (const char* metric : {"sliced_w2", "mmd2", "histogram_kl"}) {
      EXPECT_NEAR(value(first, row, metric), value(second, row, metric), 1e-12) << row << " " << metric;
    }
  }
}

TEST(Evaluate, HandsBatchesToTheModelAndWholeSetsToTheCallback) {
  Setting setting;
  std::vector<std::pair<int64_t, int64_t>> batches;
  setting.inputs.teacher = {};
  setting.inputs.field = nullptr;
  setting.inputs.student.evaluations = {2};
  setting.inputs.student.sample = [&](const SampleRequest& request) {
    batches.emplace_back(request.first_row, request.x_0.size(0));
    EXPECT_FALSE(request.label.defined());
    return SampleDraw{request.x_0, 5};
  };
  std::vector<std::string> seen;
  setting.inputs.on_samples = [&](const Row& row, const Tensor& samples) {
    seen.push_back(row.model + std::to_string(row.evaluations));
    EXPECT_EQ(conformance::max_difference(samples, setting.inputs.x_0), 0);
  };

  const Results results = evaluate(setting.inputs);

  EXPECT_EQ(batches, (std::vector<std::pair<int64_t, int64_t>>{{0, 300}, {300, 300}, {600, 300}, {900, 100}}));
  EXPECT_EQ(seen, std::vector<std::string>{"student5"});
  EXPECT_FALSE(results.reference.has_value());
  EXPECT_TRUE(results.measures.empty());
}

TEST(Evaluate, WithoutTrueSamplesMeasuresOnlyAgainstTheTeacher) {
  Setting setting;
  setting.inputs.held_out = Tensor();

  const Results results = evaluate(setting.inputs);

  EXPECT_EQ(results.metrics, (std::vector<std::string>{"rmse", "relative_l2", "composition_gap"}));
  EXPECT_EQ(results.rows.front().model, "teacher");
}

TEST(Evaluate, ImagesHaveAnErrorForEachPixel) {
  Setting setting;
  const conformance::TestField still([](const Tensor& x, const Tensor&, const Call&) { return at::zeros_like(x); });
  setting.inputs.x_0 = at::zeros({10, 1, 4, 4});
  setting.inputs.held_out = conformance::stream(5).normal({10, 1, 4, 4});
  setting.inputs.second = Tensor();
  setting.inputs.field = &still.facade();
  setting.inputs.flow_map = nullptr;
  setting.inputs.teacher = {};
  setting.inputs.student.evaluations = {1};
  setting.inputs.student.sample = [](const SampleRequest& request) { return SampleDraw{request.x_0 + 0.5, 1}; };

  const Results results = evaluate(setting.inputs);

  EXPECT_EQ(results.metrics,
            (std::vector<std::string>{"rmse", "rmse_per_element", "relative_l2", "sliced_w2", "mmd2"}));
  EXPECT_NEAR(value(results, 1, "rmse"), 2, 1e-6);
  EXPECT_NEAR(value(results, 1, "rmse_per_element"), 0.5, 1e-6);
}

TEST(Evaluate, AReferenceThatDoesNotConvergeIsANote) {
  Setting setting;
  setting.inputs.options.reference_evaluations = 20;

  const Results results = evaluate(setting.inputs);

  EXPECT_EQ(results.metrics, (std::vector<std::string>{"composition_gap", "sliced_w2", "mmd2", "histogram_kl"}));
  ASSERT_EQ(results.notes.size(), 1);
  EXPECT_EQ(results.notes[0].find("no distance to the teacher's endpoints: reference solver: stopped at t = "), 0);
}

TEST(Evaluate, LeavesMmdOutWithANoteWhereTheDataGiveNoBandwidth) {
  Setting setting;
  setting.inputs.held_out = at::zeros({100, 2}, at::kDouble);
  setting.inputs.field = nullptr;
  setting.inputs.teacher = {};

  const Results results = evaluate(setting.inputs);

  EXPECT_EQ(results.metrics, (std::vector<std::string>{"composition_gap", "sliced_w2", "histogram_kl"}));
  EXPECT_EQ(results.notes, (std::vector<std::string>{"MMD: most of the 100 true samples are equal, so their median "
                                                     "distance gives no bandwidth"}));
}

TEST(Evaluate, CanBeInterruptedInTheReferenceAndBetweenBatches) {
  struct Interrupted {};
  Setting whole;
  int calls = 0, in_reference = 0;
  whole.inputs.interrupt = [&] { ++calls; };
  whole.inputs.student.sample = [&, sample = whole.inputs.student.sample](const SampleRequest& request) {
    if (in_reference == 0) in_reference = calls - 1;
    return sample(request);
  };
  evaluate(whole.inputs);
  ASSERT_GT(in_reference, 1);
  ASSERT_GT(calls, in_reference + 1);

  for (const int at : {1, in_reference, calls}) {
    Setting setting;
    int seen = 0;
    setting.inputs.interrupt = [&] {
      if (++seen == at) throw Interrupted{};
    };
    EXPECT_THROW(evaluate(setting.inputs), Interrupted) << at;
    EXPECT_EQ(seen, at);
  }
}

TEST(Evaluate, RefusesSamplesOfAnotherShapeThanTheNoise) {
  Setting setting;
  setting.inputs.student.sample = [](const SampleRequest& request) {
    return SampleDraw{request.x_0.narrow(1, 0, 1), 1};
  };

  EXPECT_EQ(conformance::error_text([&] { evaluate(setting.inputs); }),
            "samples of a model: shapes [1000, 1] and [1000, 2] differ; both must hold the same samples");
}

}  // namespace
}  // namespace ttfm::eval
