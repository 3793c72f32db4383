// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "idx_dataset.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <ttfm/error.h>
#include <ttfm/io/area_resize.h>
#include <ttfm/io/samples.h>

#include "idx_file.h"

namespace ttfm {
namespace {

std::filesystem::path find_file(const std::filesystem::path& folder, const std::string& name) {
  for (const char* suffix : {"", ".gz"}) {
    const std::filesystem::path path = folder / (name + suffix);
    std::error_code error;
    if (std::filesystem::exists(path, error)) return path;
    if (error) throw Error(ErrorKind::data, path.string() + ": cannot be examined: " + error.message());
  }
  throw Error(ErrorKind::data, "neither '" + (folder / name).string() +
                                   "' nor that name with .gz exists; see the keys "
                                   "`train` and `test` of the data set `idx` for the files' names");
}

/// All images of a file resized to size x size, one after the other.
/// @throws ttfm::Error (data), before memory is taken, where small images would grow beyond a limit
std::vector<uint8_t> resize_all(const std::filesystem::path& path, const std::vector<uint8_t>& images, int64_t count,
                                int64_t height, int64_t width, int64_t size, int64_t max_bytes) {
  if (count > max_bytes / (size * size)) {
    throw Error(ErrorKind::data, path.string() + ": its " + std::to_string(count) + " images would have " +
                                     std::to_string(count * size * size) + " bytes at size = " + std::to_string(size) +
                                     ", more than max_bytes = " + std::to_string(max_bytes));
  }
  std::vector<uint8_t> out;
  out.reserve(static_cast<size_t>(count * size * size));
  for (int64_t i = 0; i < count; ++i) {
    const auto resized = io::area_resize(images.data() + i * height * width, height, width, 1, size, size);
    out.insert(out.end(), resized.begin(), resized.end());
  }
  return out;
}

}  // namespace

IdxDataset::IdxDataset(const Options& options) : options_(options) {
  io::check_folder(options.folder.value, "the folder '" + options.folder.value + "' of the data set `idx`",
                   ".\nFashion-MNIST is a Debian package: sudo apt-get install dataset-fashion-mnist\n"
                   "Other sets: give the folder with their IDX files as `folder`.");
  train_ = load(options.train);
  if (!options.test.empty()) test_ = load(options.test);

  if (options.validation >= train_.count) {
    throw Error(ErrorKind::config, "validation = " + std::to_string(options.validation) + " holds out all of the " +
                                       std::to_string(train_.count) + " training images; give less");
  }
  out_height_ = options.pad.value_or(height_);
  out_width_ = options.pad.value_or(width_);
  if (out_height_ < height_ || out_width_ < width_) {
    throw Error(ErrorKind::config, "pad = " + std::to_string(*options.pad) + " is less than the images' " +
                                       std::to_string(height_) + " x " + std::to_string(width_) + " pixels");
  }
}

IdxDataset::Files IdxDataset::load(const std::string& prefix) {
  const auto path = find_file(options_.folder.value, prefix + "-images-idx3-ubyte");
  idx::IdxFile images = idx::read_idx(path, 3, options_.max_bytes);
  Files files;
  files.count = images.sizes[0];
  int64_t height = images.sizes[1], width = images.sizes[2];
  files.images = std::move(images.values);
  if (options_.classes > 0) files.labels = load_labels(prefix, files.count, path);
  if (options_.size && (*options_.size != height || *options_.size != width)) {
    files.images = resize_all(path, files.images, files.count, height, width, *options_.size, options_.max_bytes);
    height = width = *options_.size;
  }
  if (height_ != 0 && (height != height_ || width != width_)) {
    throw Error(ErrorKind::data, path.string() + ": its images have " + std::to_string(height) + " x " +
                                     std::to_string(width) + " pixels, those of the training file " +
                                     std::to_string(height_) + " x " + std::to_string(width_));
  }
  height_ = height;
  width_ = width;
  return files;
}

std::vector<uint8_t> IdxDataset::load_labels(const std::string& prefix, int64_t count,
                                             const std::filesystem::path& images) const {
  const auto path = find_file(options_.folder.value, prefix + "-labels-idx1-ubyte");
  idx::IdxFile labels = idx::read_idx(path, 1, options_.max_bytes);
  if (labels.sizes[0] != count) {
    throw Error(ErrorKind::data, path.string() + ": has " + std::to_string(labels.sizes[0]) + " labels for the " +
                                     std::to_string(count) + " images of " + images.filename().string());
  }
  for (size_t i = 0; i < labels.values.size(); ++i) {
    if (labels.values[i] < options_.classes) continue;
    throw Error(ErrorKind::data, path.string() + ": label " + std::to_string(i) + " is " +
                                     std::to_string(labels.values[i]) +
                                     ", expected less than classes = " + std::to_string(options_.classes));
  }
  return std::move(labels.values);
}

void IdxDataset::traits(DatasetTraits& out) const {
  out.rank = 3;
  out.shape[0] = 1;
  out.shape[1] = out_height_;
  out.shape[2] = out_width_;
  out.classes = options_.classes;
  out.size[0] = train_.count - options_.validation;
  out.size[1] = options_.validation;
  out.size[2] = test_.count;
  out.type = DatasetTraits::kUint8;
  out.low = -1;
  out.high = 1;
}

void IdxDataset::read(const ReadRequest& request) const {
  DatasetTraits sizes;
  traits(sizes);
  io::check_indices(request, sizes.size[static_cast<size_t>(request.split)]);
  const Files& files = request.split == Split::test ? test_ : train_;
  const int64_t start = request.split == Split::validation ? sizes.size[0] : 0;
  const int64_t top = (out_height_ - height_) / 2, left = (out_width_ - width_) / 2;

  auto* x = static_cast<uint8_t*>(request.x);
  if (top != 0 || left != 0 || out_height_ != height_ || out_width_ != width_) {
    std::memset(x, 0, static_cast<size_t>(request.count * out_height_ * out_width_));
  }
  for (int64_t i = 0; i < request.count; ++i) {
    const int64_t index = start + request.indices[i];
    const uint8_t* from = files.images.data() + index * height_ * width_;
    uint8_t* to = x + i * out_height_ * out_width_ + top * out_width_ + left;
    for (int64_t row = 0; row < height_; ++row, from += width_, to += out_width_) {
      std::copy_n(from, width_, to);
    }
    if (request.label && !files.labels.empty()) request.label[i] = files.labels[static_cast<size_t>(index)];
  }
}

}  // namespace ttfm
