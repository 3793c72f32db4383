#pragma once
#include <ttfm/flow/ode_step.h>
#include <ttfm/flow/times.h>
#include <cmath>

/// Initial/terminal velocity matching under a pseudo-Huber distance (Song, Dhariwal 2023, arXiv 2310.14189) that turns from
/// the square of a residual to its length as c falls, geometrically, over the n steps of the run:
///   rho(d) = sqrt(|d|^2 + c^2) - c,   c = c_first^(1-i/n) c_last^(i/n) in step i
///   L = E rho(u_{s,t}(x_s) - sg[ (1-a) u^e_{s,r}(x_s) + a vbar ]) + E rho(u_{s,s}(x_s) - v_s(x_s))
///   r = max(s, t-h),  a = h / max(h, t-s),  vbar: one Heun step of v from (r, phi^e_{s,r}(x_s)) to t
struct PseudoHuberLoss final : ttfm::Loss {
  struct Options {
    double c_first = 1, c_last = 0.1, step = 0.2;
    ttfm::flow::TimePairOptions time{};
    template <class Visitor>
    void describe(Visitor& v) {
      v("c_first", c_first, "c in the first step: residuals below it count by their square").above(0);
      v("c_last", c_last, "c after the last step").above(0);
      v("step", step, "h, the longest step of the teacher's ODE").above(0);
      time.describe(v);
    }
  };
  explicit PseudoHuberLoss(const Options& options) : options_(options) {}

  void needs(ttfm::LossNeeds& out) const override {
    out.teacher = true;
    out.copies = 1;
    out.copy[0].decay = 0.99;
  }
  void compute(const ttfm::LossInputs& in, const ttfm::LossResult& out) const override {
    const auto [s, t] = options_.time.draw(in);
    const auto x_s = ttfm::flow::interpolate(in.x_0(), in.x_1(), s);
    const auto r = (t - options_.step).max(s), a = options_.step / (t - s).clamp_min(options_.step);
    const auto u_e = in.copy(0).velocity(x_s, s, r, in.call());
    const auto x_r = ttfm::flow::advance(x_s, s, r, u_e);
    const auto v_bar = ttfm::flow::mean_velocity_heun(in.teacher(), x_r, r, t, in.call());
    const auto target = u_e + ttfm::flow::per_row(a, x_s) * (v_bar - u_e);
    const auto v_s = in.teacher().velocity(x_s, s, in.call());
    const auto [u, u_s] = in.student().velocities({{x_s, s, t, &in.call()}, {x_s, s, s, &in.call()}});
    const double done = static_cast<double>(in.step()) / static_cast<double>(in.steps());
    const double c = std::pow(options_.c_first, 1 - done) * std::pow(options_.c_last, done);
    const auto rho = [c](const auto& d) { return (ttfm::flow::row_mean(d.square()) + c * c).sqrt() - c; };
    out.add("terminal", rho(u - target));
    out.add("initial", rho(u_s - v_s));
  }
  Options options_;
};
