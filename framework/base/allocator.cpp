// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/allocator.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>
#include <climits>
#include <cstddef>
#include <new>

namespace ttfm {
namespace {

constexpr size_t kAlignment = 64;    // LibTorch's
constexpr size_t kLarge = 64 << 10;  // bytes; what is smaller is malloc's

/// LibTorch's allocator for host memory, but that large blocks come from one region: each from the smallest gap that holds
/// it, and joined with the gaps beside it when it is freed.
class TensorMemory final : public c10::Allocator {
 public:
  /// As much address space as the machine has memory. Where a process may not have that much, all blocks are malloc's.
  TensorMemory() {
    const size_t bytes = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * page_;
    void* const region =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) return;
    begin_ = static_cast<std::byte*>(region);
    populated_ = begin_;
    end_ = begin_ + bytes;
    blocks_ = new (region) Blocks(bytes, 0);
  }

  c10::DataPtr allocate(size_t bytes) override {
    void* data = bytes >= kLarge && blocks_ ? blocks_->allocate(bytes) : nullptr;
    if (data) {
      populate(static_cast<std::byte*>(data) + bytes);
    } else {
      data = c10::alloc_cpu(bytes);  // throws if there is none left
    }
    c10::profiledCPUMemoryReporter().New(data, bytes);
    return {data, data, &release, c10::kCPU};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }

  static TensorMemory& instance() {
    static auto* const memory = new TensorMemory;  // tensors may outlive what is destroyed at exit
    return *memory;
  }

 private:
  using Blocks = boost::interprocess::rbtree_best_fit<boost::interprocess::mutex_family, void*, kAlignment>;

  static void release(void* data) {
    if (!data) return;
    c10::profiledCPUMemoryReporter().Delete(data);
    const TensorMemory& memory = instance();
    if (memory.begin_ <= data && data < memory.end_) {
      memory.blocks_->deallocate(data);
    } else {
      c10::free_cpu(data);
    }
  }

  /// Asks for the pages up to there, if they are new: for many at once it takes the kernel less time than for each when it
  /// is first written to. A kernel that cannot do so leaves them for then.
  void populate(const std::byte* end) {
    std::byte* const wanted = begin_ + (static_cast<size_t>(end - begin_) + page_ - 1) / page_ * page_;
    std::byte* there = populated_;
    while (there < wanted && !populated_.compare_exchange_weak(there, wanted)) {
    }
    if (there < wanted) madvise(there, static_cast<size_t>(wanted - there), MADV_POPULATE_WRITE);
  }

  const size_t page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::byte *begin_ = nullptr, *end_ = nullptr;
  std::atomic<std::byte*> populated_ = nullptr;
  Blocks* blocks_ = nullptr;
};

}  // namespace

void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 64 << 20);
#ifndef __SANITIZE_ADDRESS__  // which watches over each block
  c10::SetCPUAllocator(&TensorMemory::instance());
#endif
}

}  // namespace ttfm
