// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/interface.h>

namespace ttfm {

/// Which part of a data set is read.
enum class Split : uint32_t {
  train = 0,       ///< what is learnt from
  validation = 1,  ///< what choices are made by
  test = 2         ///< what is reported
};

/// What a data set holds. (S)
struct DatasetTraits {
  /// What one number of a sample is.
  enum Type : int32_t {
    kUint8 = 0,  ///< a byte, 0 to 255
    kFloat = 1   ///< a 32-bit number
  };
  static constexpr int64_t kEndless = -1;  ///< a size: there is a sample for every index

  uint32_t struct_size = sizeof(DatasetTraits);  ///< leave it at its default
  uint32_t rank = 0;                             ///< dimensions of one sample
  int64_t shape[8] = {};  ///< of one sample: [2] for points, [channels, height, width] for images
  int64_t classes = 0;    ///< 0: no labels
  int64_t size[3] = {};   ///< samples in train, validation and test; kEndless, or 0 where there is no such split
  int32_t type = kFloat;  ///< of what read() writes
  /// A kUint8 sample's 0 and 255 stand for these values of x_1. For kFloat: the range of the values, for pictures.
  float low = -1;
  float high = 1;         ///< see `low`
  uint32_t reserved = 0;  ///< 0
};

/// One call of Dataset::read. (S)
struct ReadRequest {
  uint32_t struct_size = sizeof(ReadRequest);  ///< set by the host
  Split split = Split::train;                  ///< which part
  const int64_t* indices = nullptr;  ///< `count` of them, each in [0, size), or any number >= 0 of an endless set
  int64_t count = 0;                 ///< how many samples are asked for
  uint64_t key = 0;                  ///< hash of (seed, epoch): augmentation is a function of (key, index)
  void* x = nullptr;                 ///< [count, shape...] in the traits' type, to be filled
  int64_t* label = nullptr;          ///< [count], to be filled; null for a set without labels
};

/// A set of samples that can be read by index. (P) The order is the host's; read() is called from several threads.
class TTFM_API Dataset : public Interface {
 public:
  ~Dataset() override;

  /// Says what the set holds. Called once, after construction; `out` has its defaults.
  virtual void traits(DatasetTraits& out) const;

  /// Fills the request. The same (split, index, key) always gives the same sample.
  virtual void read(const ReadRequest& request) const;
};

}  // namespace ttfm
