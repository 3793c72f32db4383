// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/elementary.h"
#include "kernels/layer_norm.h"

namespace ttfm::kernels {
namespace {

template <bool dual, class X>
[[gnu::always_inline]] inline LayerNormStatistics statistics_of(const X* x, const X* dx, int64_t n, float eps) {
  const float share = 1.f / static_cast<float>(n);
  const auto [sum, dx_sum] = sum_up<2>(n, [&](auto* sums, int64_t c) {
                               using W = std::remove_pointer_t<decltype(sums)>;
                               sums[0] += read<W>(x + c);
                               if constexpr (dual) sums[1] += read<W>(dx + c);
                             }).of;
  const float mean = sum * share;
  const auto [squares, product] = sum_up<2>(n, [&](auto* sums, int64_t c) {
                                    using W = std::remove_pointer_t<decltype(sums)>;
                                    const W centred = read<W>(x + c) - mean;
                                    sums[0] += centred * centred;
                                    if constexpr (dual) sums[1] += centred * read<W>(dx + c);
                                  }).of;
  const float rstd = 1.f / square_root(squares * share + eps);
  return {mean, rstd, dx_sum * share, product * rstd * share};
}

/// The affine part of one sample.
struct Affine {
  const float *a, *b, *da, *db;
};

template <class X, class Y>
Affine affine_of(const LayerNormRows<X, Y>& r, int64_t sample) {
  const int64_t at = sample * r.stride;
  const auto moved = [at](const float* p) { return p ? p + at : nullptr; };
  return {moved(r.a), moved(r.b), moved(r.da), moved(r.db)};
}

/// z and, where they move, dz in column c.
template <bool dual, bool affine, bool affine_moves, class W, class Y>
[[gnu::always_inline]] inline void leave_value(const Affine& p, int64_t c, W xhat, W dxhat, Y* z, Y* dz) {
  const W a = affine ? read<W>(p.a + c) : W{} + 1.f;
  write(z + c, affine ? a * xhat + read<W>(p.b + c) : xhat);
  if constexpr (dual || affine_moves) {
    W tangent = {};
    if constexpr (dual) tangent = a * dxhat;
    if constexpr (affine_moves) tangent += read<W>(p.da + c) * xhat + read<W>(p.db + c);
    write(dz + c, tangent);
  }
}

template <bool dual, bool affine, bool affine_moves, class X, class Y>
void forward_of(const LayerNormRows<X, Y> r, int64_t from, int64_t to) {
  const int64_t n = r.columns;
  for (int64_t row = from; row < to; ++row) {
    const Affine p = affine_of(r, row / r.rows_per_sample);
    const X* x = r.x + row * n;
    const X* dx = dual ? r.dx + row * n : nullptr;
    Y* z = r.z + (row - from) * n;
    Y* dz = dual || affine_moves ? r.dz + (row - from) * n : nullptr;
    if (!r.known) r.statistics[row] = statistics_of<dual>(x, dx, n, static_cast<float>(r.eps));
    const LayerNormStatistics of = r.statistics[row];
    each(n, [&]<class W>(int64_t c) {
      const W xhat = (read<W>(x + c) - of.mean) * of.rstd;
      W dxhat = {};
      if constexpr (dual) dxhat = of.rstd * (read<W>(dx + c) - of.dx_mean - xhat * of.q);
      leave_value<dual, affine, affine_moves>(p, c, xhat, dxhat, z, dz);
    });
  }
}

/// <H>, <xhat H>, <dxhat H>, <W>, <xhat W> of one row, W = G - rstd q H.
struct Means {
  float h, xhat_h, dxhat_h, w, xhat_w;
};

template <bool dual, bool affine, bool affine_moves, class X, class Y>
void backward_of(const LayerNormRows<X, Y> r, int64_t from, int64_t to) {
  constexpr bool moving = dual || affine_moves;  // there is an h
  const int64_t n = r.columns;
  const float share = 1.f / static_cast<float>(n);
  for (int64_t row = from; row < to; ++row) {
    const int64_t sample = row / r.rows_per_sample;
    const Affine p = affine_of(r, sample);
    const bool adds_up = affine && r.g_a;
    float* g_a = adds_up ? r.g_a + sample * n : nullptr;
    float* g_b = adds_up ? r.g_b + sample * n : nullptr;
    float* g_da = adds_up && affine_moves ? r.g_da + sample * n : nullptr;
    float* g_db = adds_up && affine_moves ? r.g_db + sample * n : nullptr;
    const X* x = r.x + row * n;
    const X* dx = dual ? r.dx + row * n : nullptr;
    const Y* g = r.g + (row - from) * n;
    const Y* h = moving ? r.h + (row - from) * n : nullptr;
    X* g_x = r.g_x + row * n;
    X* g_dx = dual ? r.g_dx + row * n : nullptr;
    Y* z = r.z ? r.z + (row - from) * n : nullptr;
    Y* dz = moving && z ? r.dz + (row - from) * n : nullptr;
    const LayerNormStatistics of = r.statistics[row];
    const float pull = of.rstd * of.q;
    const auto [w_sum, xhat_w_sum, h_sum, xhat_h_sum, dxhat_h_sum] =
        sum_up<5>(n, [&](auto* sums, int64_t c) {
          using W = std::remove_pointer_t<decltype(sums)>;
          const W xhat = (read<W>(x + c) - of.mean) * of.rstd;
          const W value = read<W>(g + c);
          const W a = affine ? read<W>(p.a + c) : W{} + 1.f;
          W w = a * value;
          if constexpr (moving) {
            const W slope = read<W>(h + c);
            W g_a_row = value * xhat;
            if constexpr (affine_moves) w += read<W>(p.da + c) * slope;
            if constexpr (dual) {
              const W dxhat = of.rstd * (read<W>(dx + c) - of.dx_mean - xhat * of.q);
              const W scaled = a * slope;
              w -= pull * scaled;
              sums[2] += scaled;
              sums[3] += scaled * xhat;
              sums[4] += scaled * dxhat;
              g_a_row += slope * dxhat;
            }
            if (adds_up) add_to(g_a + c, g_a_row);
            if (affine_moves && adds_up) {
              add_to(g_da + c, slope * xhat);
              add_to(g_db + c, slope);
            }
          } else if (adds_up) {
            add_to(g_a + c, value * xhat);
          }
          if (adds_up) add_to(g_b + c, value);
          sums[0] += w;
          sums[1] += w * xhat;
        }).of;
    const Means mean{h_sum * share, xhat_h_sum * share, dxhat_h_sum * share, w_sum * share, xhat_w_sum * share};
    each(n, [&]<class W>(int64_t c) {
      const W xhat = (read<W>(x + c) - of.mean) * of.rstd;
      const W a = affine ? read<W>(p.a + c) : W{} + 1.f;
      W w = a * read<W>(g + c);
      if constexpr (affine_moves) w += read<W>(p.da + c) * read<W>(h + c);
      W of_x = {}, dxhat = {};
      if constexpr (dual) {
        dxhat = of.rstd * (read<W>(dx + c) - of.dx_mean - xhat * of.q);
        const W scaled = a * read<W>(h + c);
        w -= pull * scaled;
        write(g_dx + c, of.rstd * (scaled - mean.h - xhat * mean.xhat_h));
        of_x = -of.rstd * (xhat * mean.dxhat_h + dxhat * mean.xhat_h);
      }
      write(g_x + c, of_x + of.rstd * (w - mean.w - xhat * mean.xhat_w));
      if (z) leave_value<dual, affine, affine_moves>(p, c, xhat, dxhat, z, dz);
    });
  }
}

template <class X, class Y, class Body>
void choose(const LayerNormRows<X, Y>& r, Body&& body) {
  if (r.dx && r.da) return body.template operator()<true, true, true>();
  if (r.dx && r.a) return body.template operator()<true, true, false>();
  if (r.dx) return body.template operator()<true, false, false>();
  if (r.da) return body.template operator()<false, true, true>();
  if (r.a) return body.template operator()<false, true, false>();
  body.template operator()<false, false, false>();
}

}  // namespace

template <Isa isa>
template <class X, class Y>
void LayerNormLoops<isa>::forward(const LayerNormRows<X, Y>& r, int64_t from, int64_t to) {
  choose(r, [&]<bool dual, bool affine, bool affine_moves>() { forward_of<dual, affine, affine_moves>(r, from, to); });
}

template <Isa isa>
template <class X, class Y>
void LayerNormLoops<isa>::backward(const LayerNormRows<X, Y>& r, int64_t from, int64_t to) {
  choose(r, [&]<bool dual, bool affine, bool affine_moves>() { backward_of<dual, affine, affine_moves>(r, from, to); });
}

template void LayerNormLoops<Isa::TTFM_ISA>::forward(const LayerNormRows<float, float>&, int64_t, int64_t);
template void LayerNormLoops<Isa::TTFM_ISA>::forward(const LayerNormRows<float, Bf16>&, int64_t, int64_t);
template void LayerNormLoops<Isa::TTFM_ISA>::forward(const LayerNormRows<Bf16, Bf16>&, int64_t, int64_t);
template void LayerNormLoops<Isa::TTFM_ISA>::backward(const LayerNormRows<float, float>&, int64_t, int64_t);
template void LayerNormLoops<Isa::TTFM_ISA>::backward(const LayerNormRows<float, Bf16>&, int64_t, int64_t);
template void LayerNormLoops<Isa::TTFM_ISA>::backward(const LayerNormRows<Bf16, Bf16>&, int64_t, int64_t);

}  // namespace ttfm::kernels
