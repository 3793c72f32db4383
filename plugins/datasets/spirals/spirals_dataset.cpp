// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "spirals_dataset.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ttfm/io/samples.h>

namespace ttfm {

void SpiralsDataset::traits(DatasetTraits& out) const {
  out.rank = 1;
  out.shape[0] = 2;
  out.classes = options_.labels ? options_.arms : 0;
  std::fill_n(out.size, 3, DatasetTraits::kEndless);
  out.type = DatasetTraits::kFloat;
  out.high = static_cast<float>(options_.radius + 4 * options_.noise);
  out.low = -out.high;
}

/// x = r (cos a, sin a) + noise z,  r = radius sqrt(w),  a = 2 pi (turns sqrt(w) + k / arms)
/// with w uniform in [0, 1), k uniform on the arms, z ~ N(0, I): the square root spreads samples about evenly along the
/// arm, whose length grows with the square of its angle.
void SpiralsDataset::read(const ReadRequest& request) const {
  io::for_each_run(request, [&](int64_t position, int64_t count, const Stream& stream) {
    const Tensor pick = stream.child("arm").integers({count}, options_.arms);
    const Tensor place = stream.child("place").uniform({count}), noise = stream.child("noise").normal({count, 2});
    const int64_t* k = pick.const_data_ptr<int64_t>();
    const float* w = place.const_data_ptr<float>();
    const float* z = noise.const_data_ptr<float>();
    float* x = static_cast<float*>(request.x) + 2 * position;
    for (int64_t row = 0; row < count; ++row, z += 2, x += 2) {
      const double along = std::sqrt(static_cast<double>(w[row]));
      const double arm = static_cast<double>(k[row]) / static_cast<double>(options_.arms);
      const double a = 2 * std::numbers::pi * (options_.turns * along + arm);
      const double r = options_.radius * along;
      x[0] = static_cast<float>(r * std::cos(a) + options_.noise * static_cast<double>(z[0]));
      x[1] = static_cast<float>(r * std::sin(a) + options_.noise * static_cast<double>(z[1]));
      if (options_.labels && request.label) request.label[position + row] = k[row];
    }
  });
}

}  // namespace ttfm
