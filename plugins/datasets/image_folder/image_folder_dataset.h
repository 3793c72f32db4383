// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ttfm/dataset.h>
#include <ttfm/options.h>

#include "file_list.h"
#include "image.h"

namespace ttfm {

/// PNG and JPEG files, a class for each sub-folder. Files are decoded when they are read; 0 and 255 stand for -1 and 1.
///
/// train and validation are told apart by a hash of the file's name; there is no test split.
class ImageFolderDataset final : public Dataset {
 public:
  struct Options {
    enum class Crop { centre, random };
    enum class Background { white, black };

    Path folder;
    int64_t size = 64;
    std::optional<int64_t> resize;
    Crop crop = Crop::centre;
    bool flip = false;
    bool gray = false;
    Background background = Background::white;
    double validation = 0.05;
    int64_t max_bad_files = 0;
    int64_t max_pixels = int64_t{1} << 25;
    int64_t max_bytes = int64_t{1} << 28;
    int64_t max_scans = 100;

    template <class Visitor>
    void describe(Visitor& v) {
      v("folder", folder, "holds the images, or a sub-folder of images for each class").required();
      v("size", size, "height and width of a sample").min(1).max(4096).unit("pixels");
      v("resize", resize, "resize the shorter side to this before cropping; default: size")
          .min(1)
          .max(8192)
          .unit("pixels");
      v.choice("crop", crop, {"centre", "random"}, "where a training sample is cut out; held-out ones: centre");
      v("flip", flip, "mirror half of the training images from left to right, others in each epoch");
      v("gray", gray, "one channel of luminance instead of three of colour");
      v.choice("background", background, {"white", "black"}, "what shows through transparent pixels");
      v("validation", validation, "share of the files, by a hash of the name, that is held out").min(0).below(1);
      v("max_bad_files", max_bad_files, "so many broken files are replaced by their successors; one more is an error")
          .min(0);
      v("max_pixels", max_pixels, "an image with more is refused before it is decoded").min(1).max(1 << 28).advanced();
      v("max_bytes", max_bytes, "a larger file is refused before it is read").min(1).unit("bytes").advanced();
      v("max_scans", max_scans, "a JPEG with more is refused: each may take as long as an image").min(1).advanced();
    }
  };

  explicit ImageFolderDataset(const Options& options);

  void traits(DatasetTraits& out) const override;
  void read(const ReadRequest& request) const override;

 private:
  using File = image_folder::File;

  /// The first good file of `split` from `index` on, resized, and which it is.
  image_folder::Image decode(const std::vector<File>& split, int64_t index, const File** used) const;
  void note_bad(const File& file, const std::string& what) const;

  Options options_;
  image_folder::DecodeOptions decoding_;
  int64_t channels_, classes_ = 0;
  std::vector<File> train_, validation_;
  mutable std::mutex mutex_;
  mutable std::set<std::string> bad_files_;
};

}  // namespace ttfm
