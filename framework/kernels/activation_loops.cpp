// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/activation.h"
#include "kernels/activation_value.h"

namespace ttfm::kernels {
namespace {

/// z + b from column c on, z a row.
template <class W, bool with_bias, class T>
[[gnu::always_inline]] inline W argument(const ActivationRows<T>& a, const T* z, int64_t c) {
  const W x = read<W>(z + c);
  if constexpr (with_bias) {
    return x + read<W>(a.bias + c);
  } else {
    return x;
  }
}

template <Activation kind, bool dual, bool with_bias, class T>
void forward_of(const ActivationRows<T> a, int64_t from, int64_t to) {
  for (int64_t row = from; row < to; ++row) {
    const int64_t start = row * a.columns, in_block = start - from * a.columns;
    const T* z = a.z + start;
    const T* dz = dual ? a.dz + start : nullptr;
    T* y = a.y + in_block;
    T* dy = dual ? a.dy + in_block : nullptr;
    each(a.columns, [&]<class W>(int64_t c) {
      const ActivationValue<kind, T, W> f(argument<W, with_bias>(a, z, c));
      write(y + c, f.value());
      if constexpr (dual) write(dy + c, f.derivative() * read<W>(dz + c));
    });
  }
}

template <Activation kind, bool dual, bool with_bias, class T>
void backward_of(const ActivationRows<T> a, int64_t from, int64_t to) {
  for (int64_t row = from; row < to; ++row) {
    const int64_t start = row * a.columns, in_block = start - from * a.columns;
    const T *z = a.z + start, *g = a.g + in_block;
    const T *dz = dual ? a.dz + start : nullptr, *h = dual ? a.h + in_block : nullptr;
    T* g_z = a.g_z + start;
    T* g_dz = dual ? a.g_dz + start : nullptr;
    T* y = a.y ? a.y + in_block : nullptr;
    T* dy = dual && y ? a.dy + in_block : nullptr;
    each(a.columns, [&]<class W>(int64_t c) {
      const ActivationValue<kind, T, W> f(argument<W, with_bias>(a, z, c));
      const W slope = f.derivative();
      W sum = read<W>(g + c) * slope;
      if constexpr (dual) {
        const W given = read<W>(h + c), tangent = read<W>(dz + c);
        sum += given * tangent * f.second_derivative();
        write(g_dz + c, given * slope);
        if (dy) write(dy + c, slope * tangent);
      }
      if (y) write(y + c, f.value());
      write(g_z + c, sum);
      if (with_bias && a.g_bias) add_to(a.g_bias + c, sum);
    });
  }
}

/// body.template operator()<kind, dual, with_bias>() for what `a` says.
template <class T, class Body>
void choose(const ActivationRows<T>& a, Body&& body) {
  const auto with_kind = [&]<Activation kind>() {
    if (a.dz && a.bias) return body.template operator()<kind, true, true>();
    if (a.dz) return body.template operator()<kind, true, false>();
    if (a.bias) return body.template operator()<kind, false, true>();
    body.template operator()<kind, false, false>();
  };
  switch (a.kind) {
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
void ActivationLoops<isa>::forward(const ActivationRows<T>& a, int64_t from, int64_t to) {
  choose(a, [&]<Activation kind, bool dual, bool with_bias>() { forward_of<kind, dual, with_bias>(a, from, to); });
}

template <Isa isa>
template <class T>
void ActivationLoops<isa>::backward(const ActivationRows<T>& a, int64_t from, int64_t to) {
  choose(a, [&]<Activation kind, bool dual, bool with_bias>() { backward_of<kind, dual, with_bias>(a, from, to); });
}

template void ActivationLoops<Isa::TTFM_ISA>::forward(const ActivationRows<float>&, int64_t, int64_t);
template void ActivationLoops<Isa::TTFM_ISA>::forward(const ActivationRows<Bf16>&, int64_t, int64_t);
template void ActivationLoops<Isa::TTFM_ISA>::backward(const ActivationRows<float>&, int64_t, int64_t);
template void ActivationLoops<Isa::TTFM_ISA>::backward(const ActivationRows<Bf16>&, int64_t, int64_t);

}  // namespace ttfm::kernels
