// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

namespace ttfm {

/// For programs that train or sample, before the first tensor: freed memory stays with the process, and large tensors in
/// host memory have a region of their own.
///
/// Every step allocates what the last one freed. To give it back to the kernel in between costs a page fault for each page;
/// and where small blocks come to lie in the gaps of large ones, the next large tensor needs new pages.
void keep_freed_memory();

}  // namespace ttfm
