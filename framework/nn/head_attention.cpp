// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/head_attention.h"

#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include <ttfm/parallel.h>

#include "kernels/heads.h"
#include "kernels/softmax.h"
#include "nn/dual_buffer.h"
#include "nn/gemm.h"
#include "nn/loop_tensors.h"
#include "nn/scratch.h"

namespace ttfm::nn {
namespace {

using kernels::dispatch;
using kernels::HeadLoops;
using kernels::SoftmaxLoops;

/// Where a head's numbers lie: its part 0, 1, 2 (q, k, v) in [B, N, 3 D], and itself in [B, N, D]. T: float or Bf16.
template <class T>
struct Layout {
  int64_t tokens, width, heads, d;

  explicit Layout(const Tensor& qkv, int64_t head_count)
      : tokens(qkv.size(1)), width(qkv.size(2) / 3), heads(head_count), d(width / head_count) {}

  int64_t stride_of_parts() const { return 3 * width; }
  T* part(const Tensor& qkv, int64_t sample, int64_t head, int64_t i) const {
    return static_cast<T*>(qkv.data_ptr()) + sample * tokens * 3 * width + i * width + head * d;
  }
  T* head_of(const Tensor& o, int64_t sample, int64_t head) const {
    return static_cast<T*>(o.data_ptr()) + sample * tokens * width + head * d;
  }
};

/// S and dS of a head, [N, N], or null.
template <class T>
struct Weights {
  T *s, *ds;
};

template <class T>
StridedMatrix<T> transposed(StridedMatrix<T> m) {
  return {m.data, m.column, m.row};
}
template <class T>
StridedMatrix<T> from_row(StridedMatrix<T> m, int64_t row) {
  return {m.data + row * m.row, m.row, m.column};
}

/// f(first, rows) for blocks of so many tokens.
template <class T, class F>
void over_blocks(int64_t tokens, F&& f) {
  const int64_t block = RightOperand<T>::block(tokens);
  for (int64_t row = 0; row < tokens; row += block) f(row, std::min(block, tokens - row));
}

/// Asks for numbers that a product later are needed.
template <class T>
void ask_for(const T* numbers, int64_t count) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t i = 0; i < count; i += kLine) __builtin_prefetch(numbers + i);
}

float logit_factor(int64_t d) { return 1 / std::sqrt(static_cast<float>(d)); }

/// A thread's memory for one head after the other, and what is done to them in the plain form, where all operands lie in
/// the tensors. DualAttention of attention.cpp has the formulas.
template <class T>
class PlainHead {
 public:
  PlainHead(const Layout<T>& layout, const Dual& qkv) : at_(layout), qkv_(qkv.primal) {}

  /// `kept`: where S stays, or null.
  void forward(int64_t sample, int64_t head, const Dual& out, Weights<T> kept) {
    const Parts of = parts(qkv_, sample, head);
    const Right keys(transposed(of.k), d_, n_), values(of.v, n_, d_);
    T* const o = at_.head_of(out.primal, sample, head);
    over_blocks<T>(n_, [&](int64_t row, int64_t rows) {
      T* const s = kept.s ? kept.s + row * n_ : s_.get<T>(rows * n_);
      weigh(of, keys, row, rows, s);
      values.multiply({s, n_, 1}, rows, o + row * at_.width, at_.width);
    });
  }

  /// `kept`: what forward() left there, or null.
  void backward(int64_t sample, int64_t head, const Dual&, const Dual& g, const Dual& g_qkv, Weights<T> kept) {
    const Parts of = parts(qkv_, sample, head), gradient = parts(g_qkv.primal, sample, head);
    const StridedMatrix<T> g_o{at_.head_of(g.primal, sample, head), at_.width, 1};
    std::optional<Right> transposed_keys;
    if (!kept.s) transposed_keys.emplace(transposed(of.k), d_, n_);
    const Right keys(of.k, n_, d_), values(transposed(of.v), d_, n_);
    T *const s = kept.s ? kept.s : s_.get<T>(n_ * n_), *const g_l = g_l_.get<T>(n_ * n_);
    const int64_t stride = at_.stride_of_parts();
    over_blocks<T>(n_, [&](int64_t row, int64_t rows) {
      if (transposed_keys) weigh(of, *transposed_keys, row, rows, s + row * n_);
      ask_for(s + row * n_, rows * n_);
      float* const w = wide_.get<float>(rows * n_);
      values.multiply(from_row(g_o, row), rows, /*add=*/false, w, n_);
      dispatch<SoftmaxLoops>([&](auto loops) { loops.jacobian(s + row * n_, factor_, w, g_l + row * n_, rows, n_); });
      keys.multiply({g_l + row * n_, n_, 1}, rows, result(gradient.q, row), stride);
    });
    Right(of.q, n_, d_).multiply({g_l, 1, n_}, n_, result(gradient.k, 0), stride);
    Right(g_o, n_, d_).multiply({s, 1, n_}, n_, result(gradient.v, 0), stride);
  }

 private:
  using Right = RightOperand<T>;
  struct Parts {
    StridedMatrix<T> q, k, v;
  };

  Parts parts(const Tensor& qkv, int64_t sample, int64_t head) const {
    const auto part = [&](int64_t i) {
      return StridedMatrix<T>{at_.part(qkv, sample, head, i), at_.stride_of_parts(), 1};
    };
    return {part(0), part(1), part(2)};
  }
  static T* result(StridedMatrix<T> m, int64_t row) { return const_cast<T*>(m.data + row * m.row); }

  /// Rows of S.
  void weigh(const Parts& of, const Right& keys, int64_t row, int64_t rows, T* s) {
    float* const l = wide_.get<float>(rows * n_);
    keys.multiply(from_row(of.q, row), rows, /*add=*/false, l, n_);
    dispatch<SoftmaxLoops>([&](auto loops) { loops.forward(l, factor_, s, rows, n_); });
  }

  const Layout<T>& at_;
  const Tensor& qkv_;
  int64_t n_ = at_.tokens, d_ = at_.d;
  float factor_ = logit_factor(d_);
  Scratch s_, g_l_, wide_;
};

/// The same with tangents. Pairs lie side by side, [N, 2 d], so that one product has both terms of a sum:
/// qq = [dq|q], kk = [k|dk], vv = [v|dv], gh = [g|h].
template <class T>
class DualHead {
 public:
  DualHead(const Layout<T>& layout, const Dual& qkv) : at_(layout), qkv_(qkv) {}

  void forward(int64_t sample, int64_t head, const Dual& out, Weights<T> kept) {
    load(sample, head);
    const Right keys(transposed(kk_), pair_, n_), values(vv_, n_, pair_);
    const Right first_values = values.leading(n_, d_);
    over_blocks<T>(n_, [&](int64_t row, int64_t rows) {
      const Weights<T> w = kept.s ? from(kept, row) : Weights<T>{s_.get<T>(rows * n_), ds_.get<T>(rows * n_)};
      weigh(keys, row, rows, w);
      float* const o = wide_.get<float>(rows * pair_);
      values.multiply({w.s, n_, 1}, rows, /*add=*/false, o, pair_);  // [O | S dv]
      first_values.multiply({w.ds, n_, 1}, rows, /*add=*/true, o + d_, pair_);
      put(o, rows, at_.head_of(out.primal, sample, head) + row * at_.width, at_.width);
      put(o + d_, rows, at_.head_of(out.tangent, sample, head) + row * at_.width, at_.width);
    });
  }

  void backward(int64_t sample, int64_t head, const Dual& of, const Dual& g, const Dual& g_qkv, Weights<T> kept) {
    load(sample, head);
    const StridedMatrix<T> gh =
        paired(at_.head_of(g.primal, sample, head), at_.head_of(g.tangent, sample, head), at_.width, gh_memory_);
    const StridedMatrix<T> h = second(gh);
    const Weights<T> weights = kept.s ? kept : Weights<T>{s_.get<T>(n_ * n_), ds_.get<T>(n_ * n_)};
    std::optional<Right> transposed_keys;
    if (!kept.s) transposed_keys.emplace(transposed(kk_), pair_, n_);
    const Right keys(kk_, n_, pair_), values(transposed(vv_), pair_, n_);
    const Right first_keys = keys.leading(n_, d_), first_values = values.leading(d_, n_);

    // of the logits without their factor, q k^T, and of their tangent: c g_L and c g_dL
    T *const g_l = g_l_.get<T>(n_ * n_), *const g_dl = g_dl_.get<T>(n_ * n_);
    float* const out = wide_.get<float>(n_ * pair_);
    const int64_t stride = at_.stride_of_parts();
    const auto leave = [&](const float* from, const Tensor& to, int64_t part, int64_t row, int64_t rows) {
      put(from, rows, at_.part(to, sample, head, part) + row * stride, stride);
    };
    over_blocks<T>(n_, [&](int64_t row, int64_t rows) {
      const int64_t start = row * n_;
      if (transposed_keys) weigh(*transposed_keys, row, rows, from(weights, row));
      ask_for(weights.s + start, rows * n_);
      ask_for(weights.ds + start, rows * n_);
      float *const w = w_.get<float>(rows * n_), *const u = u_.get<float>(rows * n_);
      values.multiply(from_row(gh, row), rows, /*add=*/false, w, n_);
      first_values.multiply(from_row(h, row), rows, /*add=*/false, u, n_);
      float *const r = r_.get<float>(rows), *const rho = rho_.get<float>(rows);
      const T* const o = at_.head_of(of.primal, sample, head) + row * at_.width;
      const T* const d_o = at_.head_of(of.tangent, sample, head) + row * at_.width;
      const T *const g_row = gh.data + row * pair_, *const h_row = h.data + row * pair_;
      dispatch<HeadLoops>([&](auto loops) {
        loops.row_dots(h_row, pair_, o, at_.width, false, r, rows, d_);
        loops.row_dots(g_row, pair_, o, at_.width, false, rho, rows, d_);
        loops.row_dots(h_row, pair_, d_o, at_.width, true, rho, rows, d_);
      });
      dispatch<SoftmaxLoops>([&](auto loops) {
        loops.dual_backward(weights.s + start, weights.ds + start, factor_, r, rho, u, w, g_dl + start, g_l + start,
                            rows, n_);
      });
      keys.multiply({g_dl + start, n_, 1}, rows, /*add=*/false, out, pair_);  // [g_dq | part of g_q]
      first_keys.multiply({g_l + start, n_, 1}, rows, /*add=*/true, out + d_, pair_);
      leave(out + d_, g_qkv.primal, 0, row, rows);
      leave(out, g_qkv.tangent, 0, row, rows);
    });

    /// c (+)= a^T b for a [N, N]
    const auto multiply = [&](const T* a, StridedMatrix<T> b, int64_t columns, bool add, float* c) {
      gemm(n_, columns, n_, {a, 1, n_}, b, add, c, pair_);
    };
    multiply(g_dl, qq_, pair_, /*add=*/false, out);  // [part of g_k | g_dk]
    multiply(g_l, second(qq_), d_, /*add=*/true, out);
    leave(out, g_qkv.primal, 1, 0, n_);
    leave(out + d_, g_qkv.tangent, 1, 0, n_);
    multiply(weights.s, gh, pair_, /*add=*/false, out);  // [part of g_v | g_dv]
    multiply(weights.ds, h, d_, /*add=*/true, out);
    leave(out, g_qkv.primal, 2, 0, n_);
    leave(out + d_, g_qkv.tangent, 2, 0, n_);
  }

 private:
  using Right = RightOperand<T>;

  Weights<T> from(Weights<T> w, int64_t row) const { return {w.s + row * n_, w.ds + row * n_}; }
  StridedMatrix<T> second(StridedMatrix<T> pairs) const { return {pairs.data + d_, pairs.row, pairs.column}; }

  /// [a|b]
  StridedMatrix<T> paired(const T* a, const T* b, int64_t stride, Scratch& memory) const {
    T* const to = memory.get<T>(n_ * pair_);
    dispatch<HeadLoops>([&](auto loops) {
      loops.gather(a, stride, to, pair_, n_, d_);
      loops.gather(b, stride, to + d_, pair_, n_, d_);
    });
    return {to, pair_, 1};
  }

  void load(int64_t sample, int64_t head) {
    const auto part = [&](const Tensor& from, int64_t i) { return at_.part(from, sample, head, i); };
    const Tensor &p = qkv_.primal, &t = qkv_.tangent;
    const int64_t stride = at_.stride_of_parts();
    qq_ = paired(part(t, 0), part(p, 0), stride, qq_memory_);
    kk_ = paired(part(p, 1), part(t, 1), stride, kk_memory_);
    vv_ = paired(part(p, 2), part(t, 2), stride, vv_memory_);
  }

  /// Rows of S and dS.
  void weigh(const Right& keys, int64_t row, int64_t rows, Weights<T> to) {
    float* const l = u_.get<float>(rows * n_);
    keys.leading(d_, n_).multiply(from_row(second(qq_), row), rows, /*add=*/false, l, n_);
    dispatch<SoftmaxLoops>([&](auto loops) { loops.forward(l, factor_, to.s, rows, n_); });
    keys.multiply(from_row(qq_, row), rows, /*add=*/false, l, n_);
    dispatch<SoftmaxLoops>([&](auto loops) { loops.jacobian(to.s, factor_, l, to.ds, rows, n_); });
  }

  void put(const float* from, int64_t rows, T* to, int64_t stride) const {
    dispatch<HeadLoops>([&](auto loops) { loops.scatter(from, pair_, to, stride, rows, d_); });
  }

  const Layout<T>& at_;
  const Dual& qkv_;
  int64_t n_ = at_.tokens, d_ = at_.d, pair_ = 2 * d_;
  float factor_ = logit_factor(d_);
  StridedMatrix<T> qq_{}, kk_{}, vv_{};  ///< of the head that is loaded
  Scratch qq_memory_, kk_memory_, vv_memory_, gh_memory_, s_, ds_, g_l_, g_dl_;
  Scratch wide_, u_, w_, r_, rho_;
};

/// f(head, sample, index of the head, its weights) for all of them, with a head of that form for each thread.
template <class T, template <class> class Head, class F>
void over_heads(const Dual& qkv, int64_t heads, const Dual& weights, F&& f) {
  const Layout<T> layout(qkv.primal, heads);
  const int64_t square = layout.tokens * layout.tokens;
  const auto of_head = [&](const Tensor& w, int64_t i) {
    return w.defined() ? static_cast<T*>(w.data_ptr()) + i * square : nullptr;
  };
  constexpr int64_t kWorthAThread = 1 << 14;  // numbers in the squares of the heads
  parallel_for(0, qkv.primal.size(0) * heads, std::max<int64_t>(1, kWorthAThread / square),
               [&](int64_t from, int64_t to) {
                 Head<T> head(layout, qkv);
                 for (int64_t i = from; i < to; ++i) {
                   f(head, i / heads, i % heads, Weights<T>{of_head(weights.primal, i), of_head(weights.tangent, i)});
                 }
               });
}

template <class F>
void over_heads(const Dual& qkv, int64_t heads, const Dual& weights, F&& f) {
  loop::with_type(qkv.primal.scalar_type(), [&](auto number) {
    using T = decltype(number);
    if (qkv.tangent.defined()) {
      over_heads<T, DualHead>(qkv, heads, weights, f);
    } else {
      over_heads<T, PlainHead>(qkv, heads, weights, f);
    }
  });
}

}  // namespace

Attention head_attention_forward(const Dual& qkv, int64_t heads, bool keeps) {
  RECORD_FUNCTION("ttfm::head_attention_forward", c10::ArrayRef<const c10::IValue>());
  const Tensor& p = qkv.primal;
  const int64_t samples = p.size(0), tokens = p.size(1);
  const bool dual = qkv.tangent.defined();
  Attention out{.o = empty_dual({samples, tokens, p.size(2) / 3}, p.options(), dual), .weights = {}};
  if (keeps) out.weights = empty_dual({samples, heads, tokens, tokens}, p.options(), dual);
  over_heads(qkv, heads, out.weights,
             [&](auto& head, int64_t sample, int64_t i, auto weights) { head.forward(sample, i, out.o, weights); });
  return out;
}

Dual head_attention_backward(const Dual& qkv, int64_t heads, const Attention& of, const Dual& g) {
  RECORD_FUNCTION("ttfm::head_attention_backward", c10::ArrayRef<const c10::IValue>());
  Dual g_qkv = empty_dual(qkv.primal.sizes(), qkv.primal.options(), qkv.tangent.defined());
  over_heads(qkv, heads, of.weights, [&](auto& head, int64_t sample, int64_t i, auto weights) {
    head.backward(sample, i, of.o, g, g_qkv, weights);
  });
  return g_qkv;
}

}  // namespace ttfm::nn
