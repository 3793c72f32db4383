// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ttfm/field.h>
#include <ttfm/random.h>

#include "eval/report.h"

namespace ttfm::eval {

/// One batch of noise to turn into samples.
struct SampleRequest {
  at::Tensor x_0;           ///< [B, ...]
  at::Tensor label;         ///< int64 [B], or undefined
  int64_t evaluations = 1;  ///< to spend on each sample
  int64_t first_row = 0;    ///< of the batch in the whole set: the row offset of a sampler's own stream
};

struct SampleDraw {
  at::Tensor x_1;           ///< like x_0
  int64_t evaluations = 0;  ///< spent on each sample, as counted by whoever knows the facades
};

/// A model with its sampler.
struct SampledModel {
  std::function<SampleDraw(const SampleRequest&)> sample;  ///< null leaves the model out
  std::vector<int64_t> evaluations;                        ///< one row of the table for each
  std::string sampler;
  std::string weights;  ///< "ema" or "raw"; empty for exact models
};

/// What is measured, and how much of it: every cost is bounded by these and the number of noises.
struct EvaluateOptions {
  int64_t batch = 512;
  double tolerance = 1e-5;               ///< of the reference endpoints, absolute and relative
  int64_t reference_evaluations = 2000;  ///< at most, for each batch of the reference
  int64_t projections = 256;             ///< of sliced Wasserstein
  int64_t mmd_samples = 2048;            ///< at most, of either set
  int64_t trajectory_samples = 1024;     ///< at most, for composition gap, initial velocity and Lagrangian residual

  bool endpoints = true;  ///< rmse, rmse_per_element (images), relative_l2 to the reference
  bool composition_gap = true;
  bool sliced_wasserstein = true;
  bool mmd = true;
  bool histogram_kl = true;  ///< only for points in the plane
  bool initial_velocity = true;
  bool lagrangian_residual = false;  ///< needs the student's derivative
};

struct EvaluateInputs {
  at::Tensor x_0;    ///< [M, ...] noise, the same for every model, on the models' device
  at::Tensor label;  ///< int64 [M], or undefined

  at::Tensor held_out;        ///< [K, ...] true samples; undefined: no distances to data
  at::Tensor held_out_label;  ///< int64 [K], or undefined
  at::Tensor second;          ///< other true samples, for the floor; undefined: no floor

  SampledModel student, teacher;
  const FlowMap* flow_map = nullptr;  ///< the student, for what is measured along trajectories; may be null
  const Field* field = nullptr;       ///< the teacher, for reference endpoints and velocities; may be null

  Stream stream{Stream::Impl()};  ///< projections, subsets and times; fixes every number but the wall time
  EvaluateOptions options;

  /// Called before each batch of samples and each step of the reference; what it throws ends the evaluation. May be empty.
  std::function<void()> interrupt;

  /// Called with the samples [M, ...] of each row in host memory, to draw pictures; may be empty.
  std::function<void(const Row& row, const at::Tensor& samples)> on_samples;
};

/// Draws samples from student and teacher, all from the same noise, and measures them: mathematics of each number in
/// metrics/ and trajectory.h. Rows: floor; teacher's reference endpoint; teacher; student. Metrics are computed in host
/// memory; a metric whose inputs are missing is left out, with a note in the results where one would expect it.
///
/// Throws ttfm::Error (internal, data) for shapes that do not fit each other. A reference that does not converge is no
/// error: its columns stay empty and a note tells why.
Results evaluate(const EvaluateInputs& inputs);

}  // namespace ttfm::eval
