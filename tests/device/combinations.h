// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ostream>

/// Small runs that together use every student, loss, teacher and sampler, with much of what a plugin does only when it is
/// asked for.
namespace ttfm::test {

/// What all of them share. `eps` keeps AdamW from turning the rounding of a gradient that is zero into a step.
inline constexpr const char* kTraining = R"(
[train]
steps = 4
batch = 8
accumulate = 2
lr = 0.01
eps = 0.01
weight_decay = 0.1
clip_norm = 1
warmup = 1
[eval]
samples = 16
batch = 12
evaluations = [2]
teacher_evaluations = [200]
tolerance = 1e-2
projections = 8
pictures = 4
)";

struct Combination {
  const char* name;
  const char* toml;
};

inline std::ostream& operator<<(std::ostream& out, const Combination& combination) { return out << combination.name; }

inline constexpr Combination kCombinations[] = {
    {"MlpItvmFromMixture", R"(
[dataset]
type = "gaussian_mixture"
labels = true
[teacher]
type = "gaussian_mixture"
[teacher.sampler]
type = "dopri5"
rtol = 1e-3
atol = 1e-3
[student]
type = "mlp"
width = 16
depth = 2
dropout = 0.1
[loss]
type = "itvm"
times = "logit_normal"
diagonal = 0.2
weight = "gap"
)"},
    {"MlpLfmdFromGaussian", R"(
[dataset]
type = "gaussian_mixture"
[teacher]
type = "gaussian"
mean = [1.5, -0.7]
sigma = 0.3
[teacher.sampler]
type = "euler"
[student]
type = "mlp"
width = 16
depth = 2
[loss]
type = "lfmd"
norm = "huber"
weight = "inverse_gap"
lambda_init = 1
[sampler]
type = "flow_map"
grid = [0, 0.2, 1]
)"},
    {"UNetItvmFromUNet", R"(
[dataset]
type = "tensor"
file = "images.safetensors"
validation = 0.5
[teacher]
type = "network"
[teacher.guidance]
scale = 2
from = 0.1
to = 0.8
[teacher.network]
type = "unet"
channels = 4
multipliers = [1, 2]
blocks = 1
attention = [1]
heads = 2
dropout = 0.1
[teacher.loss]
type = "flow_matching"
label_dropout = 0.4
[teacher.train]
[teacher.sampler]
type = "heun"
[student]
type = "unet"
init = "teacher"
channels = 4
multipliers = [1, 2]
blocks = 1
attention = [1]
heads = 2
dropout = 0.1
[loss]
type = "itvm"
derivative = "jvp"
target = "frozen"
target_refresh = 1
)"},
    {"UNetLfmdFromGaussian", R"(
[dataset]
type = "tensor"
file = "images.safetensors"
validation = 0.5
[teacher]
type = "gaussian"
[student]
type = "unet"
channels = 4
multipliers = [1, 2]
blocks = 1
attention = [1]
heads = 2
[loss]
type = "lfmd"
)"},
    {"DitLfmdFromDit", R"(
[dataset]
type = "tensor"
file = "images.safetensors"
validation = 0.5
[teacher]
type = "network"
[teacher.network]
type = "dit"
patch = 3
width = 8
depth = 2
heads = 2
[teacher.loss]
type = "flow_matching"
[teacher.train]
[student]
type = "dit"
patch = 3
width = 8
depth = 2
heads = 2
dropout = 0.1
[loss]
type = "lfmd"
)"},
    {"DitItvmFromGaussian", R"(
[dataset]
type = "tensor"
file = "images.safetensors"
validation = 0.5
[teacher]
type = "gaussian"
[student]
type = "dit"
patch = 2
width = 8
depth = 2
heads = 2
[loss]
type = "itvm"
derivative = "central"
target = "self"
stop_gradient = "none"
)"},
};

}  // namespace ttfm::test
