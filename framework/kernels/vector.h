// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

/// Vectors of floats as wide as the instruction set that a file of loops is compiled for.
namespace ttfm::kernels {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float)), may_alias));

[[gnu::always_inline]] inline Vector& vector_at(float* p) { return *reinterpret_cast<Vector*>(p); }
[[gnu::always_inline]] inline const Vector& vector_at(const float* p) { return *reinterpret_cast<const Vector*>(p); }

[[gnu::always_inline]] constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

}  // namespace ttfm::kernels
