// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ttfm/options.h>

/// The host's own keys, section by section. The names here are the keys, the initial values the defaults, and the texts
/// the rows of the reference (docs/reference/configuration.md).
namespace ttfm::config {

struct RunSection {  // [run]
  std::optional<std::string> name;
  Path folder{"runs"};
  int64_t seed = 0;
  std::string device = "auto";
  int64_t threads = 0;
  bool deterministic = true;

  template <class Visitor>
  void describe(Visitor& v) {
    v("name", name, "folder of the run inside `folder`; without it each run gets a new one");
    v("folder", folder, "where run folders are made");
    v("seed", seed, "every random number of the run follows from it").min(0);
    v("device", device, "auto, cpu, cuda or cuda:N");
    v("threads", threads, "threads of the computation; 0: one for each core that this process may use")
        .min(0)
        .max(1024);
    v("deterministic", deterministic,
      "on CUDA, take only algorithms that repeat bit for bit, where there are some; the CPU's always do");
  }
};

enum class OnNonfinite { stop, skip };

enum class Precision { fp32, bf16 };
enum class FrozenPrecision { same, fp32, bf16 };
enum class Activations { keep, recompute };

enum class Schedule { constant, cosine, linear };

struct TrainSection {  // [train], [teacher.train]
  int64_t steps = 3000;
  int64_t batch = 128;
  int64_t accumulate = 1;
  double lr = 1e-3;
  Schedule schedule = Schedule::cosine;
  int64_t warmup = 0;
  double final_lr = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  double clip_norm = 0;
  double ema_decay = 0.999;
  Precision precision = Precision::fp32;
  FrozenPrecision frozen_precision = FrozenPrecision::same;
  Activations activations = Activations::keep;
  OnNonfinite on_nonfinite = OnNonfinite::stop;
  int64_t max_skipped = 10;

  template <class Visitor>
  void describe(Visitor& v) {
    v("steps", steps, "optimiser steps").min(1);
    v("batch", batch, "samples in one optimiser step").min(1);
    v("accumulate", accumulate, "micro-batches that one step is computed in; divides `batch`").min(1);
    v("lr", lr, "highest learning rate of AdamW").above(0);
    v.choice("schedule", schedule, {"constant", "cosine", "linear"}, "how the rate falls from `lr` after the warm-up");
    v("warmup", warmup, "first steps, in which the rate rises linearly from 0").min(0);
    v("final_lr", final_lr, "rate at the end, as a share of `lr`").min(0).max(1);
    v("beta1", beta1, "decay of AdamW's first moment").min(0).below(1);
    v("beta2", beta2, "decay of AdamW's second moment").min(0).below(1);
    v("eps", eps, "AdamW's epsilon").above(0);
    v("weight_decay", weight_decay, "decoupled weight decay; biases, norms and embeddings have none").min(0);
    v("clip_norm", clip_norm, "the gradient is scaled down to this norm; 0: never").min(0);
    v("ema_decay", ema_decay,
      "decay of the weights' average that is evaluated, min(it, (1+i)/(10+i)) in step i; 0: none")
        .min(0)
        .below(1);
    v.choice("precision", precision, {"fp32", "bf16"},
             "of the products in the network that is trained; weights, norms' statistics and losses stay in fp32");
    v.choice("frozen_precision", frozen_precision, {"same", "fp32", "bf16"},
             "the same for a teacher's network and a loss's copies of the student; same: as `precision`");
    v.choice("activations", activations, {"keep", "recompute"},
             "what layers could compute again in the backward pass: keep it, or do so, in less memory and more time");
    v.choice("on_nonfinite", on_nonfinite, {"stop", "skip"},
             "a step whose loss or gradient is not finite is never applied: the run stops there, or skips it");
    v("max_skipped", max_skipped, "steps in a row that may be skipped before the run stops after all").min(1);
  }
};

/// The type that a section's networks are computed in.
inline at::ScalarType compute_type(Precision precision) {
  return precision == Precision::bf16 ? at::kBFloat16 : at::kFloat;
}
inline at::ScalarType frozen_type(const TrainSection& options) {
  if (options.frozen_precision == FrozenPrecision::same) return compute_type(options.precision);
  return options.frozen_precision == FrozenPrecision::bf16 ? at::kBFloat16 : at::kFloat;
}

struct TeacherSection {  // [teacher], beside `type`
  std::optional<Path> checkpoint;

  template <class Visitor>
  void describe(Visitor& v) {
    v("checkpoint", checkpoint, "weights of a trained teacher: a .safetensors file, or the folder of a run");
  }
};

struct GuidanceSection {  // [teacher.guidance]
  double scale = 1;
  double from = 0;
  double to = 1;

  template <class Visitor>
  void describe(Visitor& v) {
    v("scale", scale, "w of v = v_none + w (v_label - v_none); 1: no guidance").min(0);
    v("from", from, "guidance begins at this time").min(0).max(1);
    v("to", to, "guidance ends at this time").min(0).max(1);
  }
};

enum class Init { random, teacher };

struct StudentSection {  // [student], beside `type`
  Init init = Init::random;
  std::optional<Path> checkpoint;

  template <class Visitor>
  void describe(Visitor& v) {
    v.choice("init", init, {"random", "teacher"}, "where the student's weights start");
    v("checkpoint", checkpoint, "weights to start from instead: a .safetensors file, or the folder of a run");
  }
};

enum class Weights { ema, raw };

struct EvalSection {  // [eval]
  int64_t samples = 2048;
  std::vector<int64_t> evaluations{1, 2, 4, 8};
  std::vector<int64_t> teacher_evaluations{8, 64};
  Weights weights = Weights::ema;
  int64_t batch = 512;
  double tolerance = 1e-5;
  int64_t projections = 256;
  int64_t pictures = 64;
  bool metrics = true;

  template <class Visitor>
  void describe(Visitor& v) {
    v("samples", samples, "noises that every model is evaluated on, and held-out samples it is compared with").min(2);
    v("evaluations", evaluations, "network evaluations for one sample of the student").min(1);
    v("teacher_evaluations", teacher_evaluations, "the same for the teacher").min(1);
    v.choice("weights", weights, {"ema", "raw"}, "which of the student's weights are evaluated");
    v("batch", batch, "samples in one batch of the evaluation; bounds its memory").min(1);
    v("tolerance", tolerance, "absolute and relative tolerance of the teacher's reference endpoints").above(0);
    v("projections", projections, "directions of the sliced Wasserstein distance").min(1);
    v("pictures", pictures, "samples in each picture of images").min(1);
    v("metrics", metrics, "false: only draw the pictures");
  }
};

struct LogSection {  // [log]
  int64_t every = 50;
  double seconds = 10;

  template <class Visitor>
  void describe(Visitor& v) {
    v("every", every, "steps from one line of metrics.jsonl to the next").min(1);
    v("seconds", seconds, "from one plain progress line to the next").unit("s").above(0);
  }
};

struct CheckpointSection {  // [checkpoint]
  int64_t every = 1000;
  int64_t keep_last = 2;
  int64_t keep_every = 0;
  std::string keep_best;
  int64_t attempts = 3;

  template <class Visitor>
  void describe(Visitor& v) {
    v("every", every, "steps from one checkpoint to the next; one is also written at the end of a stage").min(1);
    v("keep_last", keep_last, "newest checkpoints of a stage that are kept").min(1);
    v("keep_every", keep_every, "those of steps that are a multiple of this are kept too; 0: none").min(0);
    v("keep_best", keep_best,
      "the one with the lowest value of this key of metrics.jsonl is kept too, for example \"loss\"");
    v("attempts", attempts, "checkpoints in a row that a full disk may cost before the run ends").min(1);
  }
};

struct PluginsSection {  // [plugins]
  std::string path;

  template <class Visitor>
  void describe(Visitor& v) {
    v("path", path, "further folders with plugins, separated by ':'; relative to the working directory");
  }
};

}  // namespace ttfm::config
