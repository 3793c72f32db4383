// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/export.h>

namespace ttfm {

/// Calls a function object `f` that it knows the type of.
using RangeCall = void (*)(const void* f, int64_t from, int64_t to);

/// parallel_for() without templates.
TTFM_API void parallel_ranges(int64_t begin, int64_t end, int64_t grain, const void* f, RangeCall call);

/// f(from, to) for ranges of consecutive numbers that together are begin <= i < end: as many as LibTorch has threads
/// (at::set_num_threads()), fewer where they would be shorter than `grain` >= 1. The ranges depend on these numbers alone,
/// so a result that is summed range by range is the same in every run with as many threads. What f throws is thrown here;
/// inside of f, or with one thread, the caller does all.
///
/// For the thread that calls a component: one of its own, or that of a data set's read(), would bring as many threads
/// again. at::parallel_for() does the same only in code that is compiled for OpenMP; in other code it is one range on one
/// thread, without a word. Since ABI 1.1.
template <class F>
void parallel_for(int64_t begin, int64_t end, int64_t grain, const F& f) {
  parallel_ranges(begin, end, grain, &f,
                  [](const void* g, int64_t from, int64_t to) { (*static_cast<const F*>(g))(from, to); });
}

}  // namespace ttfm
