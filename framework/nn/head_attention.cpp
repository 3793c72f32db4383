// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/head_attention.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <ttfm/parallel.h>

#include "kernels/heads.h"
#include "kernels/softmax.h"
#include "nn/dual_buffer.h"
#include "nn/gemm.h"
#include "nn/loop_tensors.h"

namespace ttfm::nn {
namespace {

using kernels::Bf16;
using kernels::HeadLoops;
using kernels::SoftmaxLoops;

/// Where a head's numbers lie. T: float or Bf16.
template <class T>
struct Layout {
  int64_t tokens, width, heads, d;

  explicit Layout(const Tensor& qkv, int64_t head_count)
      : tokens(qkv.size(1)), width(qkv.size(2) / 3), heads(head_count), d(width / head_count) {}

  /// Part 0, 1, 2 (q, k, v) of a head in [B, N, 3 D]; null stays null.
  T* part(const Tensor& qkv, int64_t sample, int64_t head, int64_t i) const {
    if (!qkv.defined()) return nullptr;
    return static_cast<T*>(qkv.data_ptr()) + sample * tokens * 3 * width + i * width + head * d;
  }
  /// A head in [B, N, D].
  T* head_of(const Tensor& o, int64_t sample, int64_t head) const {
    if (!o.defined()) return nullptr;
    return static_cast<T*>(o.data_ptr()) + sample * tokens * width + head * d;
  }
};

using kernels::dispatch;

/// A thread's scratch memory for one head after the other. Pairs lie side by side, [N, 2 d], so that one product has both
/// terms of a sum: qq = c [dq|q], kk = [k|dk], vv = [v|dv], gh = [g|h]; in the plain form each is [N, d].
template <class T>
class Head {
 public:
  Head(const Layout<T>& layout, const Dual& qkv, const Tensor& bias)
      : at_(layout),
        qkv_(qkv),
        bias_(bias),
        dual_(qkv.tangent.defined()),
        n_(layout.tokens),
        d_(layout.d),
        pair_(dual_ ? 2 * layout.d : layout.d),
        scale_(1 / std::sqrt(static_cast<float>(layout.d))) {}

  void forward(int64_t sample, int64_t head, const Dual& out) {
    load(sample, head);
    const Weights w = weights();
    float* const o = wide_.get(n_ * pair_);
    product({w.s, n_}, v(), n_, pair_, n_, o);  // [O | S dv]
    if (dual_) {
      gemm(n_, d_, n_, Operand{w.ds, n_}.matrix(), v().matrix(), /*add=*/true, o + d_, pair_);
      put(o + d_, at_.head_of(out.tangent, sample, head), at_.width, nullptr);
    }
    put(o, at_.head_of(out.primal, sample, head), at_.width, nullptr);
  }

  void backward(int64_t sample, int64_t head, const Dual& of, const Dual& g, const Dual& g_qkv, float* g_bias) {
    load(sample, head);
    T* const gh = gh_.get(n_ * pair_);
    fetch(at_.head_of(g.primal, sample, head), at_.width, nullptr, 1, gh);
    if (dual_) fetch(at_.head_of(g.tangent, sample, head), at_.width, nullptr, 1, gh + d_);
    const auto [s, ds] = weights();

    // the gradients of the logits L and, in the dual form, of their tangent dL
    float* const w = w_.get(n_ * n_);
    float* const u = u_.get(n_ * n_);
    product({gh, pair_}, {vv_.data(), pair_, true}, n_, n_, pair_, w);
    if (dual_) {
      product({gh + d_, pair_}, {vv_.data(), pair_, true}, n_, n_, d_, u);
      float *const r = r_.get(n_), *const rho = rho_.get(n_);
      const T* const o = at_.head_of(of.primal, sample, head);
      const T* const d_o = at_.head_of(of.tangent, sample, head);
      dispatch<HeadLoops>([&](auto loops) {
        loops.row_dots(gh + d_, pair_, o, at_.width, false, r, n_, d_);
        loops.row_dots(gh, pair_, o, at_.width, false, rho, n_, d_);
        loops.row_dots(gh + d_, pair_, d_o, at_.width, true, rho, n_, d_);
      });
      dispatch<SoftmaxLoops>([&](auto loops) { loops.dual_backward(s, ds, r, rho, u, w, n_, n_); });
    } else {
      dispatch<SoftmaxLoops>([&](auto loops) { loops.jacobian(s, w, n_, n_); });
    }
    const Operand g_l{rounded(w, w_rounded_), n_};
    float* const out = wide_.get(n_ * pair_);
    const auto add = [&](Operand a, Operand b, float* c) {
      gemm(n_, d_, n_, a.matrix(), b.matrix(), /*add=*/true, c, pair_);
    };
    const auto leave = [&](float* from, const Tensor& to, int64_t part, float factor) {
      const bool primal = to.is_same(g_qkv.primal);
      float* const sum = primal ? g_bias + part * at_.width + head * d_ : nullptr;
      put(from, at_.part(to, sample, head, part), 3 * at_.width, sum, factor);
    };
    if (!dual_) {
      product(g_l, k(), n_, d_, n_, out);
      leave(out, g_qkv.primal, 0, scale_);
      product(g_l.t(), q(), n_, d_, n_, out);
      leave(out, g_qkv.primal, 1, 1);
      product(Operand{s, n_}.t(), {gh, pair_}, n_, d_, n_, out);
      leave(out, g_qkv.primal, 2, 1);
      return;
    }
    const Operand g_dl{rounded(u, u_rounded_), n_};
    product(g_dl, kk(), n_, pair_, n_, out);  // [g_dq | part of g_q] / c
    add(g_l, k(), out + d_);
    leave(out + d_, g_qkv.primal, 0, scale_);
    leave(out, g_qkv.tangent, 0, scale_);
    product(g_dl.t(), qq(), n_, pair_, n_, out);  // [part of g_k | g_dk]; qq has the factor c
    add(g_l.t(), q(), out);
    leave(out, g_qkv.primal, 1, 1);
    leave(out + d_, g_qkv.tangent, 1, 1);
    product(Operand{s, n_}.t(), {gh, pair_}, n_, pair_, n_, out);  // [part of g_v | g_dv]
    add(Operand{ds, n_}.t(), {gh + d_, pair_}, out);
    leave(out, g_qkv.primal, 2, 1);
    leave(out + d_, g_qkv.tangent, 2, 1);
  }

 private:
  /// Memory that grows to what it was asked for.
  template <class U>
  class Block {
   public:
    U* get(int64_t count) {
      if (memory_.numel() < count * kSize) memory_ = at::empty({count * kSize}, at::kByte);
      return data();
    }
    U* data() const { return static_cast<U*>(memory_.data_ptr()); }

   private:
    static constexpr int64_t kSize = sizeof(U);
    Tensor memory_ = at::empty({0}, at::kByte);
  };

  struct Operand {
    const T* data;
    int64_t stride;
    bool transposed = false;
    Operand t() const { return {data, stride, !transposed}; }
    StridedMatrix<T> matrix() const {
      return transposed ? StridedMatrix<T>{data, 1, stride} : StridedMatrix<T>{data, stride, 1};
    }
  };

  struct Weights {
    const T *s, *ds;
  };

  /// S and dS of the head that is loaded.
  Weights weights() {
    T* const s = s_.get(n_ * n_);
    float* const l = floating(s, u_);
    product(q(), k().t(), n_, n_, d_, l);
    dispatch<SoftmaxLoops>([&](auto loops) { loops.forward(l, n_, n_); });
    round_into(l, s, n_ * n_);
    if (!dual_) return {s, nullptr};
    T* const ds = ds_.get(n_ * n_);
    float* const dl = floating(ds, w_);
    product(qq(), kk().t(), n_, n_, pair_, dl);
    dispatch<SoftmaxLoops>([&](auto loops) { loops.jacobian(l, dl, n_, n_); });
    round_into(dl, ds, n_ * n_);
    return {s, ds};
  }

  Operand qq() const { return {qq_.data(), pair_}; }
  Operand kk() const { return {kk_.data(), pair_}; }
  Operand v() const { return {vv_.data(), pair_}; }
  Operand q() const { return {qq_.data() + (dual_ ? d_ : 0), pair_}; }
  Operand k() const { return kk(); }

  /// c [m, n] <- a b
  void product(Operand a, Operand b, int64_t m, int64_t n, int64_t k, float* c) const {
    gemm(m, n, k, a.matrix(), b.matrix(), /*add=*/false, c, n);
  }

  void load(int64_t sample, int64_t head) {
    T *const qq = qq_.get(n_ * pair_), *const kk = kk_.get(n_ * pair_), *const vv = vv_.get(n_ * pair_);
    const auto bias = [&](int64_t part) -> const float* {
      return bias_.defined() ? bias_.const_data_ptr<float>() + part * at_.width + head * d_ : nullptr;
    };
    const auto part = [&](const Tensor& from, int64_t i) { return at_.part(from, sample, head, i); };
    fetch(part(qkv_.primal, 0), 3 * at_.width, bias(0), scale_, qq + (dual_ ? d_ : 0));
    fetch(part(qkv_.primal, 1), 3 * at_.width, bias(1), 1, kk);
    fetch(part(qkv_.primal, 2), 3 * at_.width, bias(2), 1, vv);
    if (!dual_) return;
    fetch(part(qkv_.tangent, 0), 3 * at_.width, nullptr, scale_, qq);
    fetch(part(qkv_.tangent, 1), 3 * at_.width, nullptr, 1, kk + d_);
    fetch(part(qkv_.tangent, 2), 3 * at_.width, nullptr, 1, vv + d_);
  }

  void fetch(const T* from, int64_t stride, const float* bias, float scale, T* to) const {
    dispatch<HeadLoops>([&](auto loops) { loops.gather(from, stride, bias, scale, to, pair_, n_, d_); });
  }
  void put(const float* from, T* to, int64_t stride, float* sum, float factor = 1) const {
    dispatch<HeadLoops>([&](auto loops) { loops.scatter(from, pair_, factor, to, stride, sum, n_, d_); });
  }

  /// Memory for floats that become `to`: `to` itself where it has floats.
  float* floating(T* to, Block<float>& block) const {
    if constexpr (std::is_same_v<T, float>) return to;
    return block.get(n_ * n_);
  }
  void round_into(const float* from, T* to, int64_t count) const {
    if constexpr (!std::is_same_v<T, float>) {
      dispatch<HeadLoops>([&](auto loops) { loops.scatter(from, count, 1, to, count, nullptr, 1, count); });
    }
  }
  const T* rounded(const float* from, Block<T>& block) const {
    if constexpr (std::is_same_v<T, float>) {
      return from;
    } else {
      T* const to = block.get(n_ * n_);
      round_into(from, to, n_ * n_);
      return to;
    }
  }

  const Layout<T>& at_;
  const Dual& qkv_;
  const Tensor& bias_;
  bool dual_;
  int64_t n_, d_, pair_;
  float scale_;
  Block<T> qq_, kk_, vv_, gh_, s_, ds_, u_rounded_, w_rounded_;
  Block<float> wide_, u_, w_, r_, rho_;
};

/// f(head, sample, index of the head) for all of them, with a Head for each thread.
template <class T, class F>
void over_heads(const Dual& qkv, const Tensor& bias, int64_t heads, F&& f) {
  const Layout<T> layout(qkv.primal, heads);
  constexpr int64_t kWorthAThread = 1 << 14;  // numbers in the squares of the heads
  const int64_t grain = std::max<int64_t>(1, kWorthAThread / (layout.tokens * layout.tokens));
  parallel_for(0, qkv.primal.size(0) * heads, grain, [&](int64_t from, int64_t to) {
    Head<T> head(layout, qkv, bias);
    for (int64_t i = from; i < to; ++i) f(head, i / heads, i % heads);
  });
}

}  // namespace

Dual head_attention_forward(const Dual& qkv, const Tensor& bias, int64_t heads) {
  RECORD_FUNCTION("ttfm::head_attention_forward", c10::ArrayRef<const c10::IValue>());
  const Tensor& p = qkv.primal;
  const Dual out = empty_dual({p.size(0), p.size(1), p.size(2) / 3}, p.options(), qkv.tangent.defined());
  loop::with_type(p.scalar_type(), [&](auto number) {
    over_heads<decltype(number)>(qkv, bias, heads,
                                 [&](auto& head, int64_t sample, int64_t i) { head.forward(sample, i, out); });
  });
  return out;
}

AttentionGradients head_attention_backward(const Dual& qkv, const Tensor& bias, int64_t heads, const Dual& o,
                                           const Dual& g) {
  RECORD_FUNCTION("ttfm::head_attention_backward", c10::ArrayRef<const c10::IValue>());
  const Tensor& p = qkv.primal;
  const Dual g_qkv = empty_dual(p.sizes(), p.options(), qkv.tangent.defined());
  const Tensor g_bias = at::zeros({p.size(0), p.size(2)}, p.options().dtype(at::kFloat));  // each sample's own sum
  loop::with_type(p.scalar_type(), [&](auto number) {
    over_heads<decltype(number)>(qkv, bias, heads, [&](auto& head, int64_t sample, int64_t i) {
      head.backward(sample, i, o, g, g_qkv, g_bias.template mutable_data_ptr<float>() + sample * p.size(2));
    });
  });
  return {g_qkv, bias.defined() ? g_bias.sum(0) : Tensor()};
}

}  // namespace ttfm::nn
