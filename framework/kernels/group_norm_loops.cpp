// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/activation_value.h"
#include "kernels/group_norm.h"

namespace ttfm::kernels {
namespace {

/// Rows of one number a channel, cut from a thread's workspace.
class Rows {
 public:
  Rows(float* memory, int64_t channels) : next_(memory), channels_(channels) {}
  float* zeros() {
    float* row = next_;
    next_ += channels_;
    for (int64_t c = 0; c < channels_; ++c) row[c] = 0;
    return row;
  }

 private:
  float* next_;
  int64_t channels_;
};

/// Replaces each channel's number by the mean over its group; `share` is 1 / (numbers in a group).
[[gnu::always_inline]] inline void to_group_means(float* row, int64_t channels, int64_t groups, double share) {
  const int64_t width = channels / groups;
  for (int64_t first = 0; first < channels; first += width) {
    double sum = 0;
    for (int64_t c = first; c < first + width; ++c) sum += static_cast<double>(row[c]);
    for (int64_t c = first; c < first + width; ++c) row[c] = static_cast<float>(sum * share);
  }
}

/// What a sample's channels are made with: z = scale (x - mean) + offset, dz = scale (dx - <dx>) + across (x - mean) + rest.
/// Centred first: where a group hardly varies, rstd is large and scale x - scale mean would lose all digits.
struct Coefficients {
  float *mean, *rstd, *dx_mean, *q;
  float *scale, *offset, *across, *rest;
  const float *a, *da;
};

/// Fills mean, rstd, dx_mean and q.
template <Isa isa, bool dual, class T>
void take_statistics(const GroupNormImages<T>& im, int64_t sample, const Coefficients& k) {
  using N = Number<isa>;
  const int64_t n = im.channels, length = im.positions * n;
  const T* x = im.x + sample * length;
  const T* dx = dual ? im.dx + sample * length : nullptr;
  const double share = 1. / static_cast<double>(im.positions * (n / im.groups));
  for (float* row : {k.mean, k.rstd, k.dx_mean, k.q}) {
    for (int64_t c = 0; c < n; ++c) row[c] = 0;
  }
  for (int64_t p = 0; p < length; p += n) {
#pragma omp simd
    for (int64_t c = 0; c < n; ++c) {
      k.mean[c] += N::load(x + p + c);
      if constexpr (dual) k.dx_mean[c] += N::load(dx + p + c);
    }
  }
  to_group_means(k.mean, n, im.groups, share);
  if constexpr (dual) to_group_means(k.dx_mean, n, im.groups, share);
  for (int64_t p = 0; p < length; p += n) {
#pragma omp simd
    for (int64_t c = 0; c < n; ++c) {
      const float centred = N::load(x + p + c) - k.mean[c];
      k.rstd[c] += centred * centred;
      if constexpr (dual) k.q[c] += centred * N::load(dx + p + c);
    }
  }
  to_group_means(k.rstd, n, im.groups, share);
  if constexpr (dual) to_group_means(k.q, n, im.groups, share);
#pragma omp simd
  for (int64_t c = 0; c < n; ++c) {
    k.rstd[c] = 1.f / __builtin_sqrtf(k.rstd[c] + static_cast<float>(im.eps));
    k.q[c] *= k.rstd[c];
  }
}

template <Isa isa, bool dual, bool moves, class T>
Coefficients coefficients_of(const GroupNormImages<T>& im, int64_t sample, Rows& rows) {
  const int64_t n = im.channels;
  Coefficients k{};
  float* const statistics = im.statistics + sample * 4 * n;
  k.mean = statistics;
  k.rstd = statistics + n;
  k.dx_mean = statistics + 2 * n;
  k.q = statistics + 3 * n;
  if (!im.known) take_statistics<isa, dual>(im, sample, k);
  k.scale = rows.zeros();
  k.offset = rows.zeros();
  k.across = rows.zeros();
  k.rest = rows.zeros();

  const int64_t at = sample * im.stride;
  k.a = im.a + at;
  k.da = moves ? im.da + at : nullptr;
  const float* b = im.b + at;
  const float* db = moves ? im.db + at : nullptr;
#pragma omp simd
  for (int64_t c = 0; c < n; ++c) {
    const float rstd = k.rstd[c];
    k.scale[c] = k.a[c] * rstd;
    k.offset[c] = b[c];
    if constexpr (dual || moves) {
      // dz = a rstd (dx - <dx>) + rstd (da - a rstd q) (x - mean) + db
      const float across = rstd * ((moves ? k.da[c] : 0.f) - k.scale[c] * k.q[c]);
      k.across[c] = across;
      k.rest[c] = moves ? db[c] : 0.f;
    }
  }
  return k;
}

template <Isa isa, Activation kind, bool dual, bool moves, class T>
void forward_of(const GroupNormImages<T>& im, int64_t from, int64_t to) {
  using N = Number<isa>;
  const int64_t n = im.channels, length = im.positions * n;
  for (int64_t sample = from; sample < to; ++sample) {
    Rows rows(im.workspace, n);
    const Coefficients k = coefficients_of<isa, dual, moves>(im, sample, rows);
    const T* x = im.x + sample * length;
    const T* dx = dual ? im.dx + sample * length : nullptr;
    T* y = im.y + sample * length;
    T* dy = dual || moves ? im.dy + sample * length : nullptr;
    for (int64_t p = 0; p < length; p += n) {
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) {
        const float centred = N::load(x + p + c) - k.mean[c];
        const ActivationValue<isa, kind> f(k.scale[c] * centred + k.offset[c]);
        N::store(y + p + c, f.value());
        if constexpr (dual || moves) {
          float dz = k.across[c] * centred + k.rest[c];
          if constexpr (dual) dz += k.scale[c] * (N::load(dx + p + c) - k.dx_mean[c]);
          N::store(dy + p + c, f.derivative() * dz);
        }
      }
    }
  }
}

template <Isa isa, Activation kind, bool dual, bool moves, class T>
void backward_of(const GroupNormImages<T>& im, int64_t from, int64_t to) {
  using N = Number<isa>;
  constexpr bool moving = dual || moves;  // there is an h
  const int64_t n = im.channels, length = im.positions * n;
  const double share = 1. / static_cast<double>(im.positions * (n / im.groups));
  for (int64_t sample = from; sample < to; ++sample) {
    Rows rows(im.workspace, n);
    const Coefficients k = coefficients_of<isa, dual, moves>(im, sample, rows);
    const T* x = im.x + sample * length;
    const T* dx = dual ? im.dx + sample * length : nullptr;
    const T* g = im.g + sample * length;
    const T* h = moving ? im.h + sample * length : nullptr;
    T* g_x = im.g_x + sample * length;
    T* g_dx = dual ? im.g_dx + sample * length : nullptr;

    // channel sums of g, g (x - mean), h, h (x - mean), h (dx - <dx>), with the gradients taken to before the activation
    float *sum_g = rows.zeros(), *sum_gx = rows.zeros(), *sum_h = rows.zeros(), *sum_hx = rows.zeros();
    float* sum_hdx = rows.zeros();
    for (int64_t p = 0; p < length; p += n) {
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) {
        const float centred = N::load(x + p + c) - k.mean[c];
        const ActivationValue<isa, kind> f(k.scale[c] * centred + k.offset[c]);
        const float slope = f.derivative();
        float of_z = N::load(g + p + c) * slope;
        if constexpr (moving) {
          float dz = k.across[c] * centred + k.rest[c];
          const float given = N::load(h + p + c);
          if constexpr (dual) dz += k.scale[c] * (N::load(dx + p + c) - k.dx_mean[c]);
          of_z += given * dz * f.second_derivative();
          const float of_dz = given * slope;
          sum_h[c] += of_dz;
          sum_hx[c] += of_dz * centred;
          if constexpr (dual) sum_hdx[c] += of_dz * (N::load(dx + p + c) - k.dx_mean[c]);
        }
        sum_g[c] += of_z;
        sum_gx[c] += of_z * centred;
      }
    }

    // group means of H, xhat H, dxhat H, W, xhat W; W = G - rstd q H, G = a g + da h, H = a h
    float *mean_h = rows.zeros(), *mean_xh = rows.zeros(), *mean_dxh = rows.zeros();
    float *mean_w = rows.zeros(), *mean_xw = rows.zeros();
    float *g_a = im.g_a + sample * n, *g_b = im.g_b + sample * n;
    float *g_da = moves ? im.g_da + sample * n : nullptr, *g_db = moves ? im.g_db + sample * n : nullptr;
#pragma omp simd
    for (int64_t c = 0; c < n; ++c) {
      const float rstd = k.rstd[c], a = k.a[c];
      const float xhat_g = rstd * sum_gx[c], xhat_h = rstd * sum_hx[c];
      const float dxhat_h = rstd * sum_hdx[c] - rstd * k.q[c] * xhat_h;
      g_a[c] = xhat_g + (dual ? dxhat_h : 0.f);
      g_b[c] = sum_g[c];
      if constexpr (moves) {
        g_da[c] = xhat_h;
        g_db[c] = sum_h[c];
      }
      const float turn = (moves ? k.da[c] : 0.f) - (dual ? rstd * k.q[c] * a : 0.f);
      mean_w[c] = a * sum_g[c] + turn * sum_h[c];
      mean_xw[c] = a * xhat_g + turn * xhat_h;
      if constexpr (dual) {
        mean_h[c] = a * sum_h[c];
        mean_xh[c] = a * xhat_h;
        mean_dxh[c] = a * dxhat_h;
      }
    }
    to_group_means(mean_w, n, im.groups, share);
    to_group_means(mean_xw, n, im.groups, share);
    if constexpr (dual) {
      to_group_means(mean_h, n, im.groups, share);
      to_group_means(mean_xh, n, im.groups, share);
      to_group_means(mean_dxh, n, im.groups, share);
    }

    // g_x = along_g g + along_h h + along_x (x - mean) + along_dx (dx - <dx>) - constant;  g_dx likewise
    float *along_h = rows.zeros(), *along_x = rows.zeros(), *along_dx = rows.zeros(), *constant = rows.zeros();
    float *dx_along_x = rows.zeros(), *dx_constant = rows.zeros();
#pragma omp simd
    for (int64_t c = 0; c < n; ++c) {
      const float rstd = k.rstd[c], a = k.a[c];
      along_h[c] = rstd * ((moves ? k.da[c] : 0.f) - (dual ? rstd * k.q[c] * a : 0.f));
      // - rstd xhat <H dxhat> - rstd dxhat <H xhat> with dxhat = rstd (dx - <dx> - xhat q)
      along_x[c] = -rstd * rstd * (mean_xw[c] + (dual ? mean_dxh[c] - rstd * k.q[c] * mean_xh[c] : 0.f));
      along_dx[c] = -rstd * rstd * mean_xh[c];
      constant[c] = rstd * mean_w[c];
      dx_along_x[c] = -rstd * rstd * mean_xh[c];
      dx_constant[c] = rstd * mean_h[c];
    }
    for (int64_t p = 0; p < length; p += n) {
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) {
        const float centred = N::load(x + p + c) - k.mean[c];
        const ActivationValue<isa, kind> f(k.scale[c] * centred + k.offset[c]);
        const float slope = f.derivative();
        float of_z = N::load(g + p + c) * slope;
        float of_x = along_x[c] * centred - constant[c];
        if constexpr (moving) {
          float dz = k.across[c] * centred + k.rest[c];
          const float given = N::load(h + p + c);
          if constexpr (dual) dz += k.scale[c] * (N::load(dx + p + c) - k.dx_mean[c]);
          of_z += given * dz * f.second_derivative();
          const float of_dz = given * slope;
          of_x += along_h[c] * of_dz;
          if constexpr (dual) {
            of_x += along_dx[c] * (N::load(dx + p + c) - k.dx_mean[c]);
            N::store(g_dx + p + c, k.scale[c] * of_dz + dx_along_x[c] * centred - dx_constant[c]);
          }
        }
        N::store(g_x + p + c, of_x + k.scale[c] * of_z);
      }
    }
  }
}

template <class T, class Body>
void choose(const GroupNormImages<T>& im, Body&& body) {
  const auto with_kind = [&]<Activation kind>() {
    if (im.dx && im.da) return body.template operator()<kind, true, true>();
    if (im.dx) return body.template operator()<kind, true, false>();
    if (im.da) return body.template operator()<kind, false, true>();
    body.template operator()<kind, false, false>();
  };
  switch (im.activation) {
    case Activation::silu:
      return with_kind.template operator()<Activation::silu>();
    case Activation::gelu:
      return with_kind.template operator()<Activation::gelu>();
    case Activation::none:
      return with_kind.template operator()<Activation::none>();
  }
}

}  // namespace

template <Isa isa>
template <class T>
void GroupNormLoops<isa>::forward(const GroupNormImages<T>& im, int64_t from, int64_t to) {
  choose(im, [&]<Activation kind, bool dual, bool moves>() { forward_of<isa, kind, dual, moves>(im, from, to); });
}

template <Isa isa>
template <class T>
void GroupNormLoops<isa>::backward(const GroupNormImages<T>& im, int64_t from, int64_t to) {
  choose(im, [&]<Activation kind, bool dual, bool moves>() { backward_of<isa, kind, dual, moves>(im, from, to); });
}

template void GroupNormLoops<Isa::TTFM_ISA>::forward(const GroupNormImages<float>&, int64_t, int64_t);
template void GroupNormLoops<Isa::TTFM_ISA>::forward(const GroupNormImages<Bf16>&, int64_t, int64_t);
template void GroupNormLoops<Isa::TTFM_ISA>::backward(const GroupNormImages<float>&, int64_t, int64_t);
template void GroupNormLoops<Isa::TTFM_ISA>::backward(const GroupNormImages<Bf16>&, int64_t, int64_t);

}  // namespace ttfm::kernels
