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
    float* const row = next_;
    next_ += channels_;
    fill(row, channels_, 0);
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
    fill(row + first, width, static_cast<float>(sum * share));
  }
}

/// What a sample's channels are made with: z = scale (x - mean) + offset, dz = scale (dx - <dx>) + across (x - mean) + rest.
/// Centred first: where a group hardly varies, rstd is large and scale x - scale mean would lose all digits.
struct Coefficients {
  float *mean, *rstd, *dx_mean, *q;
  float *scale, *offset, *across, *rest;
  const float *a, *da;
};

/// The numbers of a part that is there, else zeros.
template <bool there, class W>
[[gnu::always_inline]] inline W read_if(const float* p, int64_t c) {
  if constexpr (there) {
    return read<W>(p + c);
  } else {
    return W{};
  }
}

/// Fills mean, rstd, dx_mean and q.
template <bool dual, class T>
void take_statistics(const GroupNormImages<T>& im, int64_t sample, const Coefficients k) {
  const int64_t n = im.channels, length = im.positions * n;
  const T* x = im.x + sample * length;
  const T* dx = dual ? im.dx + sample * length : nullptr;
  const double share = 1. / static_cast<double>(im.positions * (n / im.groups));
  for (float* row : {k.mean, k.rstd, k.dx_mean, k.q}) fill(row, n, 0);
  for (int64_t p = 0; p < length; p += n) {
    each(n, [&]<class W>(int64_t c) {
      add_to(k.mean + c, read<W>(x + p + c));
      if constexpr (dual) add_to(k.dx_mean + c, read<W>(dx + p + c));
    });
  }
  to_group_means(k.mean, n, im.groups, share);
  if constexpr (dual) to_group_means(k.dx_mean, n, im.groups, share);
  for (int64_t p = 0; p < length; p += n) {
    each(n, [&]<class W>(int64_t c) {
      const W centred = read<W>(x + p + c) - read<W>(k.mean + c);
      add_to(k.rstd + c, centred * centred);
      if constexpr (dual) add_to(k.q + c, centred * read<W>(dx + p + c));
    });
  }
  to_group_means(k.rstd, n, im.groups, share);
  if constexpr (dual) to_group_means(k.q, n, im.groups, share);
  each(n, [&]<class W>(int64_t c) {
    const W rstd = 1.f / square_root(read<W>(k.rstd + c) + static_cast<float>(im.eps));
    write(k.rstd + c, rstd);
    write(k.q + c, read<W>(k.q + c) * rstd);
  });
}

template <bool dual, bool moves, class T>
Coefficients coefficients_of(const GroupNormImages<T>& im, int64_t sample, Rows& rows) {
  const int64_t n = im.channels;
  Coefficients k{};
  float* const statistics = im.statistics + sample * 4 * n;
  k.mean = statistics;
  k.rstd = statistics + n;
  k.dx_mean = statistics + 2 * n;
  k.q = statistics + 3 * n;
  if (!im.known) take_statistics<dual>(im, sample, k);
  k.scale = rows.zeros();
  k.offset = rows.zeros();
  k.across = rows.zeros();
  k.rest = rows.zeros();

  const int64_t at = sample * im.stride;
  k.a = im.a + at;
  k.da = moves ? im.da + at : nullptr;
  const float* b = im.b + at;
  const float* db = moves ? im.db + at : nullptr;
  each(n, [&]<class W>(int64_t c) {
    const W rstd = read<W>(k.rstd + c), scale = read<W>(k.a + c) * rstd;
    write(k.scale + c, scale);
    write(k.offset + c, read<W>(b + c));
    if constexpr (dual || moves) {
      // dz = a rstd (dx - <dx>) + rstd (da - a rstd q) (x - mean) + db
      const W da = read_if<moves, W>(k.da, c);
      write(k.across + c, rstd * (da - scale * read<W>(k.q + c)));
      write(k.rest + c, read_if<moves, W>(db, c));
    }
  });
  return k;
}

template <Activation kind, bool dual, bool moves, class T>
void forward_of(const GroupNormImages<T> im, int64_t from, int64_t to) {
  const int64_t n = im.channels, length = im.positions * n;
  for (int64_t sample = from; sample < to; ++sample) {
    Rows rows(im.workspace, n);
    const Coefficients k = coefficients_of<dual, moves>(im, sample, rows);
    const T* x = im.x + sample * length;
    const T* dx = dual ? im.dx + sample * length : nullptr;
    T* y = im.y + sample * length;
    T* dy = dual || moves ? im.dy + sample * length : nullptr;
    for (int64_t p = 0; p < length; p += n) {
      each(n, [&]<class W>(int64_t c) {
        const W centred = read<W>(x + p + c) - read<W>(k.mean + c), scale = read<W>(k.scale + c);
        const ActivationValue<kind, T, W> f(scale * centred + read<W>(k.offset + c));
        write(y + p + c, f.value());
        if constexpr (dual || moves) {
          W dz = read<W>(k.across + c) * centred + read<W>(k.rest + c);
          if constexpr (dual) dz += scale * (read<W>(dx + p + c) - read<W>(k.dx_mean + c));
          write(dy + p + c, f.derivative() * dz);
        }
      });
    }
  }
}

/// x - mean, dx - <dx>, and the gradients taken to before the activation: of z and of dz.
template <class W>
struct BeforeActivation {
  W centred, dx_centred = {}, of_z = {}, of_dz = {};
};

template <Activation kind, bool dual, bool moves, class T>
void backward_of(const GroupNormImages<T> im, int64_t from, int64_t to) {
  constexpr bool moving = dual || moves;  // there is an h
  const int64_t n = im.channels, length = im.positions * n;
  const double share = 1. / static_cast<double>(im.positions * (n / im.groups));
  for (int64_t sample = from; sample < to; ++sample) {
    Rows rows(im.workspace, n);
    const Coefficients k = coefficients_of<dual, moves>(im, sample, rows);
    const T* x = im.x + sample * length;
    const T* dx = dual ? im.dx + sample * length : nullptr;
    const T* g = im.g + sample * length;
    const T* h = moving ? im.h + sample * length : nullptr;
    T* g_x = im.g_x + sample * length;
    T* g_dx = dual ? im.g_dx + sample * length : nullptr;

    const auto gradients_at = [&]<class W>(int64_t p, int64_t c) {
      const W scale = read<W>(k.scale + c);
      BeforeActivation<W> at{.centred = read<W>(x + p + c) - read<W>(k.mean + c)};
      const ActivationValue<kind, T, W> f(scale * at.centred + read<W>(k.offset + c));
      const W slope = f.derivative();
      at.of_z = read<W>(g + p + c) * slope;
      if constexpr (moving) {
        W dz = read<W>(k.across + c) * at.centred + read<W>(k.rest + c);
        if constexpr (dual) {
          at.dx_centred = read<W>(dx + p + c) - read<W>(k.dx_mean + c);
          dz += scale * at.dx_centred;
        }
        const W given = read<W>(h + p + c);
        at.of_z += given * dz * f.second_derivative();
        at.of_dz = given * slope;
      }
      return at;
    };

    // channel sums of g, g (x - mean), h, h (x - mean), h (dx - <dx>), with the gradients taken to before the activation
    float *sum_g = rows.zeros(), *sum_gx = rows.zeros(), *sum_h = rows.zeros(), *sum_hx = rows.zeros();
    float* sum_hdx = rows.zeros();
    for (int64_t p = 0; p < length; p += n) {
      each(n, [&]<class W>(int64_t c) {
        const auto [centred, dx_centred, of_z, of_dz] = gradients_at.template operator()<W>(p, c);
        if constexpr (moving) {
          add_to(sum_h + c, of_dz);
          add_to(sum_hx + c, of_dz * centred);
          if constexpr (dual) add_to(sum_hdx + c, of_dz * dx_centred);
        }
        add_to(sum_g + c, of_z);
        add_to(sum_gx + c, of_z * centred);
      });
    }

    // group means of H, xhat H, dxhat H, W, xhat W; W = G - rstd q H, G = a g + da h, H = a h
    float *mean_h = rows.zeros(), *mean_xh = rows.zeros(), *mean_dxh = rows.zeros();
    float *mean_w = rows.zeros(), *mean_xw = rows.zeros();
    float *g_a = im.g_a + sample * n, *g_b = im.g_b + sample * n;
    float *g_da = moves ? im.g_da + sample * n : nullptr, *g_db = moves ? im.g_db + sample * n : nullptr;
    each(n, [&]<class W>(int64_t c) {
      const W rstd = read<W>(k.rstd + c), a = read<W>(k.a + c), q = read<W>(k.q + c);
      const W of_g = read<W>(sum_g + c), of_h = read<W>(sum_h + c);
      const W xhat_g = rstd * read<W>(sum_gx + c), xhat_h = rstd * read<W>(sum_hx + c);
      const W dxhat_h = rstd * read<W>(sum_hdx + c) - rstd * q * xhat_h;
      write(g_a + c, dual ? xhat_g + dxhat_h : xhat_g);
      write(g_b + c, of_g);
      if constexpr (moves) {
        write(g_da + c, xhat_h);
        write(g_db + c, of_h);
      }
      W turn = read_if<moves, W>(k.da, c);
      if constexpr (dual) {
        turn -= rstd * q * a;
        write(mean_h + c, a * of_h);
        write(mean_xh + c, a * xhat_h);
        write(mean_dxh + c, a * dxhat_h);
      }
      write(mean_w + c, a * of_g + turn * of_h);
      write(mean_xw + c, a * xhat_g + turn * xhat_h);
    });
    to_group_means(mean_w, n, im.groups, share);
    to_group_means(mean_xw, n, im.groups, share);
    if constexpr (dual) {
      to_group_means(mean_h, n, im.groups, share);
      to_group_means(mean_xh, n, im.groups, share);
      to_group_means(mean_dxh, n, im.groups, share);
    }

    // with g and h taken to before the activation:
    //   g_x = scale g + along_h h + along_x (x - mean) + across (dx - <dx>) - constant
    //   g_dx = scale h + across (x - mean) - dx_constant
    float *along_h = rows.zeros(), *along_x = rows.zeros(), *across = rows.zeros();
    float *constant = rows.zeros(), *dx_constant = rows.zeros();
    each(n, [&]<class W>(int64_t c) {
      const W rstd = read<W>(k.rstd + c), rq = rstd * read<W>(k.q + c);
      const W of_xh = read<W>(mean_xh + c);
      W turn = read_if<moves, W>(k.da, c), of_x = read<W>(mean_xw + c);
      if constexpr (dual) {
        turn -= rq * read<W>(k.a + c);
        of_x += read<W>(mean_dxh + c) - rq * of_xh;
      }
      // - rstd xhat <H dxhat> - rstd dxhat <H xhat> with dxhat = rstd (dx - <dx> - xhat q)
      write(along_h + c, rstd * turn);
      write(along_x + c, -rstd * rstd * of_x);
      write(across + c, -rstd * rstd * of_xh);
      write(constant + c, rstd * read<W>(mean_w + c));
      write(dx_constant + c, rstd * read<W>(mean_h + c));
    });
    for (int64_t p = 0; p < length; p += n) {
      each(n, [&]<class W>(int64_t c) {
        const auto [centred, dx_centred, of_z, of_dz] = gradients_at.template operator()<W>(p, c);
        const W scale = read<W>(k.scale + c);
        W of_x = read<W>(along_x + c) * centred - read<W>(constant + c);
        if constexpr (moving) of_x += read<W>(along_h + c) * of_dz;
        if constexpr (dual) {
          const W factor = read<W>(across + c);
          of_x += factor * dx_centred;
          write(g_dx + p + c, scale * of_dz + factor * centred - read<W>(dx_constant + c));
        }
        write(g_x + p + c, of_x + scale * of_z);
      });
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
  choose(im, [&]<Activation kind, bool dual, bool moves>() { forward_of<kind, dual, moves>(im, from, to); });
}

template <Isa isa>
template <class T>
void GroupNormLoops<isa>::backward(const GroupNormImages<T>& im, int64_t from, int64_t to) {
  choose(im, [&]<Activation kind, bool dual, bool moves>() { backward_of<kind, dual, moves>(im, from, to); });
}

template void GroupNormLoops<Isa::TTFM_ISA>::forward(const GroupNormImages<float>&, int64_t, int64_t);
template void GroupNormLoops<Isa::TTFM_ISA>::forward(const GroupNormImages<Bf16>&, int64_t, int64_t);
template void GroupNormLoops<Isa::TTFM_ISA>::backward(const GroupNormImages<float>&, int64_t, int64_t);
template void GroupNormLoops<Isa::TTFM_ISA>::backward(const GroupNormImages<Bf16>&, int64_t, int64_t);

}  // namespace ttfm::kernels
