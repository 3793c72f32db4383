// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The one file that is compiled for OpenMP: LibTorch's threads are those of its OpenMP runtime.
#include <ttfm/parallel.h>

#include <ATen/Parallel.h>

#ifndef INTRA_OP_PARALLEL
#error "LibTorch's loops would run on one thread: this file needs the compiler's flag for OpenMP"
#endif

namespace ttfm {

void parallel_ranges(int64_t begin, int64_t end, int64_t grain, const void* f, RangeCall call) {
  at::parallel_for(begin, end, grain, [&](int64_t from, int64_t to) { call(f, from, to); });
}

}  // namespace ttfm
