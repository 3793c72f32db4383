// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "image_folder_dataset.h"

#include <algorithm>
#include <filesystem>

#include <ttfm/error.h>
#include <ttfm/io/samples.h>

namespace ttfm {
namespace {

using image_folder::Image;

/// Luminance of ITU-R BT.601, of values as they are stored, rounded.
uint8_t gray_of(const uint8_t* rgb) {
  return static_cast<uint8_t>((299 * unsigned{rgb[0]} + 587 * unsigned{rgb[1]} + 114 * unsigned{rgb[2]} + 500) / 1000);
}

/// Writes the size x size window at (top, left) as planes [channels, size, size].
void cut(const Image& image, int64_t top, int64_t left, int64_t size, int64_t channels, bool mirror, uint8_t* out) {
  for (int64_t row = 0; row < size; ++row) {
    const uint8_t* from = image.pixels.data() + ((top + row) * image.width + left) * 3;
    for (int64_t column = 0; column < size; ++column, from += 3) {
      uint8_t* to = out + row * size + (mirror ? size - 1 - column : column);
      if (channels == 1)
        *to = gray_of(from);
      else
        for (int64_t channel = 0; channel < 3; ++channel) to[channel * size * size] = from[channel];
    }
  }
}

/// u in [0, 1) as one of the places 0, ..., room.
int64_t place_of(float u, int64_t room) {
  return std::min(room, static_cast<int64_t>(static_cast<double>(u) * static_cast<double>(room + 1)));
}

}  // namespace

ImageFolderDataset::ImageFolderDataset(const Options& options) : options_(options), channels_(options.gray ? 1 : 3) {
  decoding_.max_pixels = options.max_pixels;
  decoding_.max_bytes = options.max_bytes;
  decoding_.max_scans = options.max_scans;
  decoding_.background = options.background == Options::Background::white ? 255 : 0;
  if (options.resize && *options.resize < options.size) {
    throw Error(ErrorKind::config, "resize = " + std::to_string(*options.resize) + " is less than size = " +
                                       std::to_string(options.size) + ": a crop of that size does not fit");
  }
  image_folder::FileList list = image_folder::list_images(options.folder.value);
  classes_ = static_cast<int64_t>(list.classes.size());
  for (File& file : list.files) {
    auto& split = image_folder::is_held_out(file.name, options.validation) ? validation_ : train_;
    split.push_back(std::move(file));
  }
  if (train_.empty()) {
    throw Error(ErrorKind::config, "validation = " + std::to_string(options.validation) + " holds out all " +
                                       std::to_string(validation_.size()) + " images; give less");
  }
}

void ImageFolderDataset::traits(DatasetTraits& out) const {
  out.rank = 3;
  out.shape[0] = channels_;
  out.shape[1] = out.shape[2] = options_.size;
  out.classes = classes_;
  out.size[0] = static_cast<int64_t>(train_.size());
  out.size[1] = static_cast<int64_t>(validation_.size());
  out.size[2] = 0;
  out.type = DatasetTraits::kUint8;
  out.low = -1;
  out.high = 1;
}

void ImageFolderDataset::note_bad(const File& file, const std::string& what) const {
  const std::scoped_lock lock(mutex_);
  bad_files_.insert(file.name);
  const auto count = static_cast<int64_t>(bad_files_.size());
  if (count <= options_.max_bad_files) return;
  const std::string path = (std::filesystem::path(options_.folder.value) / file.name).string();
  throw Error(ErrorKind::data,
              path + ": " + what + "\n" +
                  (count == 1 ? "Repair or remove it, or allow some broken files by max_bad_files."
                              : "That is broken file number " + std::to_string(count) +
                                    ", and max_bad_files = " + std::to_string(options_.max_bad_files)));
}

Image ImageFolderDataset::decode(const std::vector<File>& split, int64_t index, const File** used) const {
  const auto count = static_cast<int64_t>(split.size());
  for (int64_t tried = 0; tried < count; ++tried) {
    const File& file = split[static_cast<size_t>((index + tried) % count)];
    try {
      *used = &file;
      return image_folder::resize_shorter_side(
          image_folder::read_image(std::filesystem::path(options_.folder.value) / file.name, decoding_),
          options_.resize.value_or(options_.size), decoding_);
    } catch (const image_folder::BadImage& bad) {
      note_bad(file, bad.what());
    }
  }
  throw Error(ErrorKind::data, "every image of a split in '" + options_.folder.value + "' is broken");
}

void ImageFolderDataset::read(const ReadRequest& request) const {
  const bool training = request.split == Split::train;
  const std::vector<File> none;
  const std::vector<File>& split = training ? train_ : request.split == Split::validation ? validation_ : none;
  io::check_indices(request, static_cast<int64_t>(split.size()));
  const int64_t size = options_.size;

  io::for_each_run(request, [&](int64_t position, int64_t count, const Stream& stream) {
    const Tensor draws = stream.child("augment").uniform({count, 3});
    const float* u = draws.const_data_ptr<float>();
    for (int64_t i = position; i < position + count; ++i, u += 3) {
      const File* file = nullptr;
      const Image image = decode(split, request.indices[i], &file);
      const bool random = training && options_.crop == Options::Crop::random;
      const int64_t down = image.height - size, across = image.width - size;
      const int64_t top = random ? place_of(u[0], down) : down / 2;
      const int64_t left = random ? place_of(u[1], across) : across / 2;
      const bool mirror = training && options_.flip && u[2] < 0.5f;
      cut(image, top, left, size, channels_, mirror, static_cast<uint8_t*>(request.x) + i * channels_ * size * size);
      if (request.label && classes_ > 0) request.label[i] = file->label;
    }
  });
}

}  // namespace ttfm
