// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "io/png.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <png.h>

#include <string>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>

namespace ttfm::io {
namespace {

at::Tensor decode(const std::filesystem::path& path) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_file(&png, path.c_str())) << png.message;
  const int64_t channels = png.format & PNG_FORMAT_FLAG_COLOR ? 3 : 1;
  png.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  at::Tensor pixels = at::empty({png.height, png.width, channels}, at::kByte);
  EXPECT_TRUE(png_image_finish_read(&png, nullptr, pixels.mutable_data_ptr(), 0, nullptr)) << png.message;
  return pixels;
}

TEST(WritePng, PixelsComeBackAsTheyWere) {
  const conformance::TemporaryFolder folder;
  for (const int64_t channels : {1, 3}) {
    const at::Tensor image = at::arange(5 * 7 * channels).mul(13).remainder(256).to(at::kByte).view({5, 7, channels});

    write_png(folder.path() / "x.png", image);

    EXPECT_TRUE(at::equal(decode(folder.path() / "x.png"), image)) << channels << " channels";
  }
}

TEST(WritePng, TakesAViewThatIsNotContiguous) {
  const conformance::TemporaryFolder folder;
  const at::Tensor image = at::arange(3 * 4 * 2).to(at::kByte).view({3, 2, 4}).permute({2, 1, 0});  // CHW to HWC

  write_png(folder.path() / "x.png", image);

  EXPECT_TRUE(at::equal(decode(folder.path() / "x.png"), image));
}

TEST(WritePng, RefusesWhatIsNoPicture) {
  EXPECT_EQ(conformance::error_text([] {
              encode_png(at::zeros({2, 2, 3}));
            }),
            "a picture to encode is uint8 [height, width, 1 or 3] on the CPU, got Float [2, 2, 3] on cpu");
  EXPECT_EQ(conformance::error_text([] {
              encode_png(at::zeros({2, 2, 4}, at::kByte));
            }),
            "a picture to encode is uint8 [height, width, 1 or 3] on the CPU, got Byte [2, 2, 4] on cpu");
  EXPECT_EQ(conformance::error_text([] {
              encode_png(at::zeros({0, 2, 1}, at::kByte));
            }),
            "a picture to encode is uint8 [height, width, 1 or 3] on the CPU, got Byte [0, 2, 1] on cpu");
}

}  // namespace
}  // namespace ttfm::io
