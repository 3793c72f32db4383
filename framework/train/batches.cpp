// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/batches.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include <chrono>
#include <numeric>
#include <string>

#include <ttfm/error.h>

#include "base/philox.h"

namespace ttfm::train {

Batch read_batch(const Dataset& dataset, Split split, const std::vector<int64_t>& indices, uint64_t key,
                 c10::Device device) {
  DatasetTraits traits;
  dataset.traits(traits);
  const auto count = static_cast<int64_t>(indices.size());
  std::vector<int64_t> shape{count};
  shape.insert(shape.end(), traits.shape, traits.shape + traits.rank);
  const bool bytes = traits.type == DatasetTraits::kUint8;

  Tensor x = at::empty(shape, at::TensorOptions().dtype(bytes ? at::kByte : at::kFloat));
  Tensor label;
  if (traits.classes > 0) label = at::empty({count}, at::TensorOptions().dtype(at::kLong));
  ReadRequest request;
  request.split = split;
  request.indices = indices.data();
  request.count = count;
  request.key = key;
  request.x = x.mutable_data_ptr();
  request.label = label.defined() ? label.mutable_data_ptr<int64_t>() : nullptr;
  dataset.read(request);

  x = x.to(device, /*non_blocking=*/true);
  if (bytes) x = x.to(at::kFloat) * ((traits.high - traits.low) / 255.0) + traits.low;
  if (label.defined()) label = label.to(device, /*non_blocking=*/true);
  return {x, label};
}

TrainingBatches::TrainingBatches(const Dataset& dataset, uint64_t seed, int64_t batch, c10::Device device)
    : dataset_(dataset), seed_(seed), batch_(batch), device_(device) {
  DatasetTraits traits;
  dataset.traits(traits);
  size_ = traits.size[0];
  if (size_ == 0) throw Error(ErrorKind::data, "the data set has no training samples");
}

TrainingBatches::~TrainingBatches() {
  if (next_.valid()) next_.wait();
}

// Fisher and Yates with a counter-based generator: a function of (seed, epoch).
const std::vector<int64_t>& TrainingBatches::permutation(int64_t epoch) {
  if (permuted_epoch_ == epoch) return permutation_;
  permutation_.resize(static_cast<size_t>(size_));
  std::iota(permutation_.begin(), permutation_.end(), 0);
  const uint64_t key = mix(seed_, "order");
  for (size_t i = permutation_.size() - 1; i > 0; --i) {
    const auto words = philox(key, static_cast<uint64_t>(epoch), i);
    const uint64_t word = (uint64_t{words[0]} << 32) | words[1];
    std::swap(permutation_[i], permutation_[word % (i + 1)]);
  }
  permuted_epoch_ = epoch;
  return permutation_;
}

// A batch that crosses the border of an epoch has parts, each with its epoch's order and augmentation.
std::vector<TrainingBatches::Part> TrainingBatches::parts(int64_t step) {
  std::vector<Part> parts;
  for (int64_t position = step * batch_; position < (step + 1) * batch_; ++position) {
    const int64_t epoch = size_ < 0 ? 0 : position / size_;
    if (parts.empty() || parts.back().epoch != epoch) parts.push_back({epoch, {}});
    parts.back().indices.push_back(size_ < 0 ? position : permutation(epoch)[static_cast<size_t>(position % size_)]);
  }
  return parts;
}

std::vector<int64_t> TrainingBatches::indices(int64_t step) {
  if (next_.valid()) next_.wait();  // it uses the permutation too
  std::vector<int64_t> all;
  for (const Part& part : parts(step)) all.insert(all.end(), part.indices.begin(), part.indices.end());
  return all;
}

Batch TrainingBatches::read(int64_t step) {
  std::vector<Batch> parts;
  for (const Part& part : this->parts(step)) {
    parts.push_back(
        read_batch(dataset_, Split::train, part.indices, mix(seed_, static_cast<uint64_t>(part.epoch)), device_));
  }
  if (parts.size() == 1) return parts[0];
  std::vector<Tensor> x, label;
  for (const Batch& part : parts) {
    x.push_back(part.x_1);
    if (part.label.defined()) label.push_back(part.label);
  }
  return {at::cat(x), label.empty() ? Tensor() : at::cat(label)};
}

Batch TrainingBatches::take(int64_t step) {
  const auto start = std::chrono::steady_clock::now();
  Batch batch;
  if (next_.valid() && next_step_ == step) {
    batch = next_.get();
  } else {
    if (next_.valid()) next_.wait();
    batch = read(step);
  }
  seconds_waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  next_step_ = step + 1;
  next_ = std::async(std::launch::async, [this, step] { return read(step + 1); });
  return batch;
}

}  // namespace ttfm::train
