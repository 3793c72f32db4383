// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "config/sections.h"

namespace ttfm::train {

/// The learning rate of step i (from 0) of `steps`: a linear warm-up over the first `warmup` steps, then, with
/// p = (i - warmup) / (steps - warmup) and f = final_lr,
///   constant: lr     cosine: lr (f + (1-f) (1 + cos(pi p)) / 2)     linear: lr (f + (1-f) (1-p))
double learning_rate(const config::TrainSection& options, int64_t step);

/// The decay of an exponential average in step i: min(decay, (1+i)/(10+i)), so that it forgets its start quickly.
double ema_decay(double decay, int64_t step);

}  // namespace ttfm::train
