// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "tensor_dataset.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ttfm/error.h>
#include <ttfm/io/samples.h>

namespace ttfm {

TensorDataset::TensorDataset(const Options& options) : options_(options) {
  if (!(options.low < options.high)) throw Error(ErrorKind::config, "the data set `tensor` needs low < high");
  data_ = open(options.file.value);
  shape_.assign(data_.x->shape.begin() + 1, data_.x->shape.end());
  if (options.test_file) {
    test_ = open(options.test_file->value);
    const bool same_shape = std::equal(shape_.begin(), shape_.end(), test_.x->shape.begin() + 1, test_.x->shape.end());
    if (!same_shape || test_.x->dtype != data_.x->dtype || test_.labels.empty() != data_.labels.empty()) {
      fail(test_, "its samples differ in type, shape or having labels from those of " + options.file.value + " (" +
                      data_.x->describe() + (data_.labels.empty() ? ", no labels)" : ", labels)"));
    }
  }
  for (const Source* source : {&data_, &test_}) {
    for (const int64_t label : source->labels) classes_ = std::max(classes_, label + 1);
  }
  held_out_ = std::llround(options.validation * static_cast<double>(data_.count()));
  if (held_out_ >= data_.count()) {
    throw Error(ErrorKind::config, "validation = " + std::to_string(options.validation) + " leaves none of the " +
                                       std::to_string(data_.count()) + " samples of " + options.file.value +
                                       " to train on; give less");
  }
}

void TensorDataset::fail(const Source& source, const std::string& what) const {
  throw Error(ErrorKind::data, source.file->path().string() + ": " + what);
}

TensorDataset::Source TensorDataset::open(const std::string& path) const {
  Source source;
  source.file = std::make_unique<io::SafetensorsFile>(path, ErrorKind::data);
  source.x = &source.file->at(options_.x);
  const auto& [name, dtype, shape, begin, end] = *source.x;
  constexpr size_t kMostDimensions = std::size(DatasetTraits{}.shape) + 1;
  const bool floating = c10::isFloatingType(dtype);
  if ((!floating && dtype != c10::ScalarType::Byte) || shape.size() < 2 || shape.size() > kMostDimensions ||
      begin == end) {
    fail(source, "tensor `" + name + "` is " + source.x->describe() +
                     "; samples are F32, F64, F16, BF16 or U8 [N, ...] with 1 to 8 dimensions each, and not empty");
  }
  read_labels(source);
  return source;
}

void TensorDataset::read_labels(Source& source) const {
  const io::TensorEntry* entry = source.file->find(options_.label);
  if (!entry) return;
  if (!c10::isIntegralType(entry->dtype, /*includeBool=*/false) || entry->shape.size() != 1 ||
      entry->shape[0] != source.count()) {
    fail(source, "tensor `" + entry->name + "` is " + entry->describe() + "; labels are whole numbers [" +
                     std::to_string(source.count()) + "], one for each row of `" + source.x->name + "`");
  }
  const at::Tensor values = source.file->read(*entry).to(at::kLong);
  const int64_t* label = values.const_data_ptr<int64_t>();
  source.labels.assign(label, label + source.count());
  for (size_t i = 0; i < source.labels.size(); ++i) {
    if (source.labels[i] >= 0 && source.labels[i] < options_.max_classes) continue;
    fail(source, "tensor `" + entry->name + "`: label " + std::to_string(i) + " is " +
                     std::to_string(source.labels[i]) + ", expected 0 to " + std::to_string(options_.max_classes - 1) +
                     " (max_classes = " + std::to_string(options_.max_classes) + ")");
  }
}

void TensorDataset::traits(DatasetTraits& out) const {
  out.rank = static_cast<uint32_t>(shape_.size());
  std::copy(shape_.begin(), shape_.end(), out.shape);
  out.classes = classes_;
  out.size[0] = data_.count() - held_out_;
  out.size[1] = held_out_;
  out.size[2] = test_.count();
  out.type = data_.x->dtype == c10::ScalarType::Byte ? DatasetTraits::kUint8 : DatasetTraits::kFloat;
  out.low = static_cast<float>(options_.low);
  out.high = static_cast<float>(options_.high);
}

void TensorDataset::read(const ReadRequest& request) const {
  DatasetTraits sizes;
  traits(sizes);
  io::check_indices(request, sizes.size[static_cast<size_t>(request.split)]);
  const Source& source = request.split == Split::test ? test_ : data_;
  const int64_t start = request.split == Split::validation ? sizes.size[0] : 0;
  const bool floating = sizes.type == DatasetTraits::kFloat;

  auto* to = static_cast<char*>(request.x);
  for (int64_t i = 0; i < request.count; ++i) {
    const int64_t row = start + request.indices[i];
    at::Tensor x = source.file->read_rows(*source.x, row, 1);
    if (floating) {
      x = x.to(at::kFloat);
      const float* values = x.const_data_ptr<float>();
      const bool finite = std::all_of(values, values + x.numel(), [](float value) { return std::isfinite(value); });
      if (!finite) {
        fail(source, "row " + std::to_string(row) + " of tensor `" + source.x->name +
                         "` holds a value that is not a finite number in float");
      }
    }
    std::memcpy(to, x.const_data_ptr(), x.nbytes());
    to += x.nbytes();
    if (request.label && classes_ > 0) request.label[i] = source.labels[static_cast<size_t>(row)];
  }
}

}  // namespace ttfm
