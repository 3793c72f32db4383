// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/interface.h>

namespace ttfm {

/// Which part of a data set is read.
enum class Split : uint32_t { train = 0, validation = 1, test = 2 };

/// What a data set holds. (S)
struct DatasetTraits {
  enum Type : int32_t { kUint8 = 0, kFloat = 1 };
  static constexpr int64_t kEndless = -1;

  uint32_t struct_size = sizeof(DatasetTraits);
  uint32_t rank = 0;      ///< dimensions of one sample
  int64_t shape[8] = {};  ///< of one sample: [2] for points, [channels, height, width] for images
  int64_t classes = 0;    ///< 0: no labels
  int64_t size[3] = {};   ///< samples in train, validation and test; kEndless, or 0 where there is no such split
  int32_t type = kFloat;  ///< of what read() writes
  /// A kUint8 sample's 0 and 255 stand for these values of x_1. For kFloat: the range of the values, for pictures.
  float low = -1;
  float high = 1;
  uint32_t reserved = 0;
};

/// One call of Dataset::read. (S)
struct ReadRequest {
  uint32_t struct_size = sizeof(ReadRequest);
  Split split = Split::train;
  const int64_t* indices = nullptr;  ///< `count` of them, each in [0, size), or any number >= 0 of an endless set
  int64_t count = 0;
  uint64_t key = 0;          ///< hash of (seed, epoch): augmentation is a function of (key, index)
  void* x = nullptr;         ///< [count, shape...] in the traits' type, to be filled
  int64_t* label = nullptr;  ///< [count], to be filled; null for a set without labels
};

/// A set of samples that can be read by index. (P) The order is the host's; read() is called from several threads.
class TTFM_API Dataset : public Interface {
 public:
  ~Dataset() override;

  virtual void traits(DatasetTraits& out) const;

  /// Fills the request. The same (split, index, key) always gives the same sample.
  virtual void read(const ReadRequest& request) const;
};

}  // namespace ttfm
