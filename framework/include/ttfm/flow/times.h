// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>

#include <cstdint>

#include <ttfm/loss.h>
#include <ttfm/options.h>

/// The times at which a loss is evaluated, drawn on the host from the loss's own stream and moved to the data's device
/// without waiting for it. A row's times depend on its global index only.
namespace ttfm::flow {

/// A distribution of one time t in [0, 1].
struct TimeOptions {
  /// Of the times; see single() and pair().
  enum class Distribution : uint32_t {
    uniform = 0,      ///< in [0, 1)
    logit_normal = 1  ///< of a normal log(t/(1-t)): fewer times near the ends
  };
  Distribution times = Distribution::uniform;  ///< which distribution
  double logit_mean = 0;                       ///< of log(t/(1-t)), for logit_normal
  double logit_std = 1;                        ///< of log(t/(1-t)), for logit_normal

  /// The parameters' names, limits and texts.
  template <class Visitor>
  void describe(Visitor& v) {
    v.choice("times", times, {"uniform", "logit_normal"}, "distribution of the times");
    v("logit_mean", logit_mean, "mean of log(t/(1-t)) with times = logit_normal");
    v("logit_std", logit_std, "standard deviation of log(t/(1-t)) with times = logit_normal").above(0);
  }

  /// t of each row, [B], in x_0's dtype, on its device.
  Tensor draw(const LossInputs& in) const {
    const Stream host = in.stream().child("times").on_host();
    return single(host, in.x_0().size(0)).to(in.x_0().options(), /*non_blocking=*/true);
  }

  /// t of each of `count` rows, in host memory.
  ///   uniform:       t ~ U[0, 1)
  ///   logit_normal:  log(t/(1-t)) ~ N(logit_mean, logit_std^2)   (Esser et al. 2024, arXiv 2403.03206, section 3.1)
  Tensor single(const Stream& host, int64_t count) const {
    const Stream stream = host.child("single");
    return times == Distribution::uniform ? stream.uniform({count}) : logistic(stream.normal({count}));
  }

 protected:
  /// Standard normal numbers as logit-normal times.
  Tensor logistic(const Tensor& z) const { return (z * logit_std + logit_mean).sigmoid(); }
};

/// Two times of each row, 0 <= s <= t <= 1.
struct TimePair {
  Tensor s;  ///< the earlier, [B]
  Tensor t;  ///< the later, [B]
};

/// A distribution of two times s <= t.
struct TimePairOptions : TimeOptions {
  double diagonal = 0;  ///< share of the rows with s = t, in [0, 1]
  double max_gap = 1;   ///< longest t - s, in (0, 1]

  /// The parameters' names, limits and texts.
  template <class Visitor>
  void describe(Visitor& v) {
    TimeOptions::describe(v);
    v("diagonal", diagonal, "share of the rows with s = t").min(0).max(1);
    v("max_gap", max_gap, "longest t - s").above(0).max(1);
  }

  /// s and t of each row, [B] each, in x_0's dtype, on its device.
  TimePair draw(const LossInputs& in) const {
    const Stream host = in.stream().child("times").on_host();
    const TimePair drawn = pair(host, in.x_0().size(0));
    const auto placed = [&in](const Tensor& time) { return time.to(in.x_0().options(), /*non_blocking=*/true); };
    return {placed(drawn.s), placed(drawn.t)};
  }

  /// s and t of each of `count` rows, in host memory. A share `diagonal` of the rows has s = t, distributed as a single
  /// time; the others are, with g = max_gap,
  ///   uniform:       uniform on the part of the triangle 0 <= s <= t <= 1 with t - s <= g: the gap d has the density
  ///                  (1-d)/(g - g^2/2), so d = 1 - sqrt(1 - q g (2-g)) with q ~ U[0, 1), and s ~ U[0, 1-d)
  ///   logit_normal:  the smaller and the larger of two draws; s is raised to t - g where the gap is longer
  TimePair pair(const Stream& host, int64_t count) const {
    TimePair off = times == Distribution::uniform ? uniform_pair(host, count) : logit_normal_pair(host, count);
    if (diagonal == 0) return off;
    const Tensor on = host.child("diagonal").uniform({count}) < diagonal;
    const Tensor both = single(host, count);
    return {at::where(on, both, off.s), at::where(on, both, off.t)};
  }

 private:
  TimePair uniform_pair(const Stream& host, int64_t count) const {
    const Tensor draws = host.child("pair").uniform({count, 2});
    const Tensor gap = 1 - (1 - draws.select(1, 0) * (max_gap * (2 - max_gap))).sqrt();
    const Tensor s = draws.select(1, 1) * (1 - gap);
    return {s, (s + gap).clamp_max(1)};  // rounding may carry the sum past 1
  }

  TimePair logit_normal_pair(const Stream& host, int64_t count) const {
    const Tensor draws = logistic(host.child("pair").normal({count, 2}));
    const Tensor t = draws.amax(1);
    return {draws.amin(1).max(t - max_gap), t};
  }
};

}  // namespace ttfm::flow
