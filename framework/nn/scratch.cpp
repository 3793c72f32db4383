// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/scratch.h"

#include <array>
#include <utility>

namespace ttfm::nn {
namespace {

constexpr int64_t kLargest = 256 << 10;  // bytes; what is larger costs little beside what is done with it

/// What a thread has given back, the last at the end.
struct Pool {
  struct Block {
    c10::DataPtr memory;
    int64_t bytes = 0;
  };
  std::array<Block, 16> blocks;
  size_t count = 0;

  /// The last block that has room and is not much too large; an empty one if there is none.
  Block take(int64_t bytes) {
    for (size_t i = count; i-- > 0;) {
      if (blocks[i].bytes >= bytes && blocks[i].bytes / 2 <= bytes) {
        Block found = std::move(blocks[i]);
        remove(i);
        return found;
      }
    }
    return {};
  }
  void put(Block block) {
    if (count == blocks.size()) remove(0);
    blocks[count++] = std::move(block);
  }
  void remove(size_t i) {
    for (--count; i < count; ++i) blocks[i] = std::move(blocks[i + 1]);
    blocks[count] = {};
  }
};

Pool& pool() {
  thread_local Pool pool;
  return pool;
}

}  // namespace

void* Scratch::get_bytes(int64_t bytes) {
  if (bytes > bytes_) {
    give_back();
    Pool::Block block = pool().take(bytes);
    if (block.bytes == 0) block = {c10::GetAllocator(c10::kCPU)->allocate(static_cast<size_t>(bytes)), bytes};
    memory_ = std::move(block.memory);
    bytes_ = block.bytes;
  }
  return memory_.get();
}

void Scratch::give_back() noexcept {
  if (bytes_ > 0 && bytes_ <= kLargest) pool().put({std::move(memory_), bytes_});
  memory_.clear();
  bytes_ = 0;
}

}  // namespace ttfm::nn
