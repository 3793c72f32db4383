// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <ttfm/dataset.h>
#include <ttfm/options.h>
#include <ttfm/teacher.h>

namespace ttfm {

/// x_1 uniform on the dark squares of a board over [-extent, extent]^2. Endless, with exact density.
class CheckerboardDataset final : public Dataset, public Density {
 public:
  struct Options {
    int64_t squares = 4;
    double extent = 4;

    template <class Visitor>
    void describe(Visitor& v) {
      v("squares", squares, "squares along each side of the board").min(1).max(256);
      v("extent", extent, "half the side of the board, which is centred on the origin").above(0);
    }
  };

  explicit CheckerboardDataset(const Options& options);

  const void* query(uint32_t id) const noexcept override;
  void traits(DatasetTraits& out) const override;
  void read(const ReadRequest& request) const override;
  Tensor log_density(const Tensor& x) const override;

 private:
  Options options_;
  double side_;                                    ///< of a square
  std::vector<std::pair<int64_t, int64_t>> dark_;  ///< column and row of each dark square
};

}  // namespace ttfm
