// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ttfm::io {

/// The part of the old axis that one new pixel covers: `weights` of the old pixels from `first` on, which sum to 1.
struct AreaSpan {
  int64_t first = 0;           ///< old pixel
  std::vector<float> weights;  ///< of the pixels `first`, `first` + 1, ...
};

/// New pixel i of `to` covers [i, i + 1) * from / to of the old axis; an old pixel weighs by its share of that.
inline std::vector<AreaSpan> area_spans(int64_t from, int64_t to) {
  std::vector<AreaSpan> spans(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    AreaSpan& span = spans[static_cast<size_t>(i)];
    // in units of 1/to of an old pixel every border is a whole number
    const int64_t low = i * from, high = (i + 1) * from;
    span.first = low / to;
    for (int64_t old = span.first; old * to < high; ++old) {
      const int64_t overlap = std::min(high, (old + 1) * to) - std::max(low, old * to);
      span.weights.push_back(static_cast<float>(static_cast<double>(overlap) / static_cast<double>(from)));
    }
  }
  return spans;
}

/// Resizes a uint8 image [height, width, channels] by averaging over areas, rounded to the nearest value. Shrinking
/// averages every old pixel by the area that it lends, so that nothing aliases; growing repeats pixels.
inline std::vector<uint8_t> area_resize(const uint8_t* image, int64_t height, int64_t width, int64_t channels,
                                        int64_t new_height, int64_t new_width) {
  const std::vector<AreaSpan> rows = area_spans(height, new_height), columns = area_spans(width, new_width);
  std::vector<uint8_t> out(static_cast<size_t>(new_height * new_width * channels));
  std::vector<float> line(static_cast<size_t>(width * channels));  // the average of the old rows under a new one
  uint8_t* to = out.data();
  for (const AreaSpan& row : rows) {
    std::fill(line.begin(), line.end(), 0.f);
    for (size_t k = 0; k < row.weights.size(); ++k) {
      const uint8_t* from = image + (row.first + static_cast<int64_t>(k)) * width * channels;
      for (size_t i = 0; i < line.size(); ++i) line[i] += row.weights[k] * static_cast<float>(from[i]);
    }
    for (const AreaSpan& column : columns) {
      for (int64_t channel = 0; channel < channels; ++channel) {
        const float* from = line.data() + column.first * channels + channel;
        float sum = 0;
        for (const float weight : column.weights) {
          sum += weight * *from;
          from += channels;
        }
        *to++ = static_cast<uint8_t>(std::lround(std::min(sum, 255.f)));
      }
    }
  }
  return out;
}

}  // namespace ttfm::io
