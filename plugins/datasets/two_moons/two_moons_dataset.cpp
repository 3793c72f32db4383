// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "two_moons_dataset.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ttfm/io/samples.h>

namespace ttfm {

void TwoMoonsDataset::traits(DatasetTraits& out) const {
  out.rank = 1;
  out.shape[0] = 2;
  out.classes = options_.labels ? 2 : 0;
  std::fill_n(out.size, 3, DatasetTraits::kEndless);
  out.type = DatasetTraits::kFloat;
  out.high = static_cast<float>(1.5 * options_.radius + 4 * options_.noise);
  out.low = -out.high;
}

/// With a uniform in [0, pi) and z ~ N(0, I):
///   upper: x = radius [(cos a, sin a) - c] + noise z
///   lower: x = radius [(1 - cos a, 1/2 - sin a) - c] + noise z,   c = (1/2, 1/4)
void TwoMoonsDataset::read(const ReadRequest& request) const {
  io::for_each_run(request, [&](int64_t position, int64_t count, const Stream& stream) {
    const Tensor place = stream.child("place").uniform({count, 2}), noise = stream.child("noise").normal({count, 2});
    const float* u = place.const_data_ptr<float>();
    const float* z = noise.const_data_ptr<float>();
    float* x = static_cast<float*>(request.x) + 2 * position;
    for (int64_t row = 0; row < count; ++row, u += 2, z += 2, x += 2) {
      const bool lower = u[0] >= 0.5f;
      const double a = std::numbers::pi * static_cast<double>(u[1]);
      const double moon[] = {lower ? 1 - std::cos(a) : std::cos(a), lower ? 0.5 - std::sin(a) : std::sin(a)};
      const double centre[] = {0.5, 0.25};
      for (int i = 0; i < 2; ++i) {
        const double exact = options_.radius * (moon[i] - centre[i]);
        x[i] = static_cast<float>(exact + options_.noise * static_cast<double>(z[i]));
      }
      if (options_.labels && request.label) request.label[position + row] = lower;
    }
  });
}

}  // namespace ttfm
