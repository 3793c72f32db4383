// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <malloc.h>

#include <climits>

namespace ttfm {

/// Freed memory stays with the process: every step allocates what the last one freed, and giving it back to the kernel in
/// between costs a page fault for each page.
inline void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace ttfm
