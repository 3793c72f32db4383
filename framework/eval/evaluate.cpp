// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/evaluate.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include <ttfm/error.h>

#include "base/log.h"
#include "eval/metrics/distances.h"
#include "eval/metrics/histogram_kl.h"
#include "eval/metrics/mmd.h"
#include "eval/metrics/sliced_wasserstein.h"
#include "eval/reference_solver.h"
#include "eval/rows.h"
#include "eval/trajectory.h"

namespace ttfm::eval {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One evaluation in progress: what is prepared once, and the results so far.
class Evaluation {
 public:
  explicit Evaluation(const EvaluateInputs& in) : in_(in), options_(in.options) {}

  Results run() {
    results_.samples = in_.x_0.size(0);
    prepare_data();
    reference_ = solve();
    name_columns();
    if (in_.held_out.defined() && in_.second.defined()) add_floor();
    if (reference_.x_1.defined()) add_row(reference_row_, reference_.x_1, {});
    draw_rows("teacher", in_.teacher);
    draw_rows("student", in_.student);
    measure_path();
    return std::move(results_);
  }

 private:
  void prepare_data() {
    if (!in_.held_out.defined()) return;
    check_samples("held-out data", in_.held_out, in_.x_0, 2);
    held_out_ = in_.held_out.to(at::kCPU);
    results_.held_out = held_out_.size(0);
    if (options_.sliced_wasserstein) {
      const Stream stream = in_.stream.child("sliced_wasserstein");
      sliced_ =
          std::make_unique<SlicedWasserstein>(held_out_, stream, SlicedWasserstein::Options{options_.projections});
    }
    if (options_.mmd) prepare_mmd();
    if (options_.histogram_kl && held_out_.dim() == 2 && held_out_.size(1) == 2) {
      histogram_ = std::make_unique<HistogramKl>(held_out_);
    }
  }

  void prepare_mmd() {
    try {
      mmd_ = std::make_unique<Mmd>(held_out_, in_.stream.child("mmd"), Mmd::Options{options_.mmd_samples});
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      note(error.what());
    }
  }

  void note(const std::string& text) {
    results_.notes.push_back(text);
    log::warning(text);
  }

  /// The reference endpoint in host memory, and its row; undefined if it is not wanted or does not converge.
  ReferenceSolution solve() {
    if (!options_.endpoints || !in_.field) return {};
    const ReferenceOptions limits = {.absolute_tolerance = options_.tolerance,
                                     .relative_tolerance = options_.tolerance,
                                     .max_evaluations = options_.reference_evaluations,
                                     .batch = options_.batch,
                                     .interrupt = in_.interrupt};
    const auto start = std::chrono::steady_clock::now();
    try {
      ReferenceSolution found = solve_reference(*in_.field, in_.x_0, in_.label, limits);
      found.x_1 = found.x_1.to(at::kCPU);
      results_.reference = ReferenceRecord{.solver = "dopri5",
                                           .absolute_tolerance = options_.tolerance,
                                           .relative_tolerance = options_.tolerance,
                                           .evaluations = found.evaluations,
                                           .error = found.error};
      reference_row_ = {.model = "teacher", .sampler = "reference", .weights = in_.teacher.weights};
      reference_row_.evaluations = found.evaluations;
      reference_row_.seconds = seconds_since(start);
      return found;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::numeric) throw;
      note(std::string("no distance to the teacher's endpoints: ") + error.what());
      return {};
    }
  }

  void name_columns() {
    auto& names = results_.metrics;
    if (reference_.x_1.defined()) {
      names.emplace_back("rmse");
      if (in_.x_0.dim() > 2) names.emplace_back("rmse_per_element");
      names.emplace_back("relative_l2");
    }
    if (options_.composition_gap && in_.flow_map) names.emplace_back("composition_gap");
    if (sliced_) names.emplace_back("sliced_w2");
    if (mmd_) names.emplace_back("mmd2");
    if (histogram_) names.emplace_back("histogram_kl");
  }

  void set(Row& row, const char* metric, double value) {
    const auto found = std::find(results_.metrics.begin(), results_.metrics.end(), metric);
    if (found == results_.metrics.end()) return;
    row.values[static_cast<size_t>(found - results_.metrics.begin())] = value;
  }

  void measure_distances_to_data(Row& row, const Tensor& samples) {
    if (sliced_) set(row, "sliced_w2", (*sliced_)(samples));
    if (mmd_) set(row, "mmd2", (*mmd_)(samples));
    if (histogram_) set(row, "histogram_kl", (*histogram_)(samples));
  }

  void add_floor() {
    check_samples("second set of true samples", in_.second, in_.x_0, 2);
    Row row{.model = "floor"};
    row.values.resize(results_.metrics.size());
    measure_distances_to_data(row, random_rows(in_.second, in_.x_0.size(0), in_.stream.child("floor")).to(at::kCPU));
    results_.rows.push_back(std::move(row));
  }

  /// `hops`: of the composition gap; none for models that are no flow map.
  void add_row(Row row, const Tensor& samples, std::optional<int64_t> hops) {
    row.values.resize(results_.metrics.size());
    if (reference_.x_1.defined() && row.sampler != reference_row_.sampler) {
      set(row, "rmse", rmse(samples, reference_.x_1));
      set(row, "rmse_per_element", rmse_per_element(samples, reference_.x_1));
      set(row, "relative_l2", relative_l2(samples, reference_.x_1));
    }
    if (hops && *hops > 1 && options_.composition_gap && in_.flow_map) {
      const int64_t count = std::min(in_.x_0.size(0), options_.trajectory_samples);
      const Tensor x_0 = rows_of(in_.x_0, 0, count), label = rows_of(in_.label, 0, count);
      set(row, "composition_gap", composition_gap(*in_.flow_map, x_0, label, *hops, options_.batch));
    }
    measure_distances_to_data(row, samples);
    if (in_.on_samples) in_.on_samples(row, samples);
    results_.rows.push_back(std::move(row));
  }

  void draw_rows(const char* name, const SampledModel& model) {
    if (!model.sample) return;
    const bool is_student = &model == &in_.student;
    for (const int64_t evaluations : model.evaluations) {
      Row row{.model = name, .sampler = model.sampler, .weights = model.weights};
      const Tensor samples = draw(model, evaluations, row);
      add_row(std::move(row), samples, is_student ? std::optional(evaluations) : std::nullopt);
    }
  }

  Tensor draw(const SampledModel& model, int64_t evaluations, Row& row) {
    std::vector<Tensor> parts;
    double seconds = 0;
    for_batches(in_.x_0.size(0), options_.batch, [&](int64_t first_row, int64_t count) {
      if (in_.interrupt) in_.interrupt();
      const auto start = std::chrono::steady_clock::now();
      const SampleDraw drawn = model.sample(
          {rows_of(in_.x_0, first_row, count), rows_of(in_.label, first_row, count), evaluations, first_row});
      parts.push_back(drawn.x_1.to(at::kCPU));  // waits for the device, so that the clock tells the truth
      seconds += seconds_since(start);
      row.evaluations = std::max(row.evaluations, drawn.evaluations);
    });
    row.seconds = seconds;
    const Tensor samples = at::cat(parts);
    check_same_shape("samples of a model", samples, in_.x_0);
    return samples;
  }

  void measure_path() {
    if (!in_.flow_map || !in_.field || !in_.held_out.defined()) return;
    if (!options_.initial_velocity && !options_.lagrangian_residual) return;
    const int64_t count = std::min({in_.x_0.size(0), in_.held_out.size(0), options_.trajectory_samples});
    const Stream stream = in_.stream.child("path"), subset = stream.child("subset");
    const Tensor x_1 = random_rows(in_.held_out, count, subset).to(in_.x_0.options());
    Tensor label = in_.held_out_label;
    if (label.defined()) label = random_rows(label, count, subset).to(in_.x_0.device());
    const PathPoints points = draw_path(rows_of(in_.x_0, 0, count), x_1, label, stream);
    if (options_.initial_velocity) {
      results_.measures.emplace_back("initial_velocity_error",
                                     initial_velocity_error(*in_.flow_map, *in_.field, points, options_.batch));
    }
    if (options_.lagrangian_residual) {
      results_.measures.emplace_back("lagrangian_residual",
                                     lagrangian_residual(*in_.flow_map, *in_.field, points, options_.batch));
    }
  }

  const EvaluateInputs& in_;
  const EvaluateOptions& options_;
  Results results_;
  Tensor held_out_;
  ReferenceSolution reference_;
  Row reference_row_;
  std::unique_ptr<SlicedWasserstein> sliced_;
  std::unique_ptr<Mmd> mmd_;
  std::unique_ptr<HistogramKl> histogram_;
};

}  // namespace

Results evaluate(const EvaluateInputs& inputs) {
  check_samples("noise to evaluate on", inputs.x_0, inputs.x_0, 2);
  const at::NoGradGuard no_grad;
  return Evaluation(inputs).run();
}

}  // namespace ttfm::eval
