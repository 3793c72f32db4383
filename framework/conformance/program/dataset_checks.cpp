// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <thread>

#include "conformance/program/catalogue.h"
#include "conformance/program/report.h"

namespace ttfm::conformance {
namespace {

constexpr unsigned char kGuard = 0xA5;
constexpr int64_t kGuardBytes = 64;
constexpr int64_t kUnset = INT64_MIN;
const char* const kSplits[] = {"training", "validation", "test"};

/// What one read() wrote.
struct Read {
  std::string error;
  std::vector<unsigned char> x;  ///< the samples' bytes
  std::vector<int64_t> label;    ///< empty for a set without labels
  bool beyond = false;           ///< something was written outside of the buffers
};

struct DatasetCase {
  explicit DatasetCase(const Subject& subject) : dataset(subject.make<Dataset>(subject.cases().front())) {
    dataset->traits(traits);
  }

  bool sane() const {
    if (traits.rank < 1 || traits.rank > 8 || traits.classes < 0) return false;
    if (traits.type != DatasetTraits::kUint8 && traits.type != DatasetTraits::kFloat) return false;
    if (std::any_of(traits.shape, traits.shape + traits.rank, [](int64_t size) { return size < 1; })) return false;
    return traits.size[0] != 0 && std::all_of(traits.size, traits.size + 3, [](int64_t size) { return size >= -1; });
  }

  int64_t elements() const {
    return std::accumulate(traits.shape, traits.shape + traits.rank, int64_t{1}, std::multiplies<>());
  }
  int64_t bytes() const { return elements() * (traits.type == DatasetTraits::kUint8 ? 1 : 4); }

  /// The first `most` samples of a split.
  std::vector<int64_t> first(int split, int64_t most) const {
    const int64_t size = traits.size[split];
    std::vector<int64_t> indices(static_cast<size_t>(size == DatasetTraits::kEndless ? most : std::min(size, most)));
    std::iota(indices.begin(), indices.end(), 0);
    return indices;
  }

  Read read(int split, const std::vector<int64_t>& indices, uint64_t key = 7) const {
    const size_t count = indices.size(), room = count * static_cast<size_t>(bytes());
    // guards, and an alignment as at::Tensor has
    std::vector<unsigned char> buffer(room + 2 * kGuardBytes + 64, kGuard);
    const size_t start = kGuardBytes + (64 - reinterpret_cast<uintptr_t>(buffer.data() + kGuardBytes) % 64) % 64;
    std::vector<int64_t> label(count + 2, kUnset);
    ReadRequest request;
    request.split = static_cast<Split>(split);
    request.indices = indices.data();
    request.count = static_cast<int64_t>(count);
    request.key = key;
    request.x = buffer.data() + start;
    request.label = traits.classes > 0 ? label.data() + 1 : nullptr;
    Read result;
    result.error = thrown_by([&] { dataset->read(request); });
    const auto guard = [](unsigned char byte) { return byte == kGuard; };
    result.beyond = !std::all_of(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(start), guard) ||
                    !std::all_of(buffer.begin() + static_cast<std::ptrdiff_t>(start + room), buffer.end(), guard) ||
                    label.front() != kUnset || label.back() != kUnset;
    result.x.assign(buffer.begin() + static_cast<std::ptrdiff_t>(start),
                    buffer.begin() + static_cast<std::ptrdiff_t>(start + room));
    if (traits.classes > 0) result.label.assign(label.begin() + 1, label.end() - 1);
    return result;
  }

  /// Sample `i` of what was read.
  Read row(const Read& all, size_t i) const {
    const auto begin = all.x.begin() + static_cast<std::ptrdiff_t>(i) * bytes();
    Read result;
    result.x.assign(begin, begin + bytes());
    if (!all.label.empty()) result.label = {all.label[i]};
    return result;
  }

  host::Owned<Dataset> dataset;
  DatasetTraits traits;
};

bool same(const Read& a, const Read& b) { return a.x == b.x && a.label == b.label; }

using Body = void (*)(const std::string&, const DatasetCase&, int split);

void for_each_split(const Subject& subject, Body check) {
  if (subject.cases().empty() || !thrown_by([&] { DatasetCase one(subject); }).empty())
    GTEST_SKIP() << "it cannot be constructed";
  const DatasetCase one(subject);
  if (!one.sane()) GTEST_SKIP() << "its traits make no sense";
  for (int split = 0; split < 3; ++split) {
    if (one.traits.size[split] != 0) check(subject.who() + " (" + kSplits[split] + " split)", one, split);
  }
}

void states_sane_traits(const Subject& subject) {
  if (subject.cases().empty() || !thrown_by([&] { DatasetCase one(subject); }).empty())
    GTEST_SKIP() << "it cannot be constructed";
  const DatasetCase one(subject);
  const DatasetTraits& traits = one.traits;
  const std::string& who = subject.who();
  ASSERT_TRUE(traits.rank >= 1 && traits.rank <= 8)
      << who << ": a sample has 1 to 8 dimensions, and traits() says rank = " << traits.rank << ".";
  for (uint32_t i = 0; i < traits.rank; ++i)
    EXPECT_GE(traits.shape[i], 1) << who << ": dimension " << i << " of a sample is empty.";
  EXPECT_GE(traits.classes, 0) << who << ": classes is 0 for a set without labels, never negative.";
  EXPECT_TRUE(traits.type == DatasetTraits::kUint8 || traits.type == DatasetTraits::kFloat)
      << who << ": type is DatasetTraits::kUint8 or kFloat.";
  EXPECT_NE(traits.size[0], 0) << who << ": its training split is empty.";
  for (int split = 0; split < 3; ++split) {
    EXPECT_GE(traits.size[split], DatasetTraits::kEndless)
        << who << ": the size of the " << kSplits[split] << " split makes no sense.";
  }
  EXPECT_LT(traits.low, traits.high) << who
                                     << ": low must be below high: they are the ends of the range of the values.";
}

void fills_its_buffers(const std::string& who, const DatasetCase& one, int split) {
  for (const int64_t most : {1, 5}) {
    const auto indices = one.first(split, most);
    const Read read = one.read(split, indices);
    ASSERT_EQ(read.error, "") << who << " cannot read its samples 0 to " << indices.size() - 1 << ".";
    EXPECT_FALSE(read.beyond) << who
                              << " writes outside of the buffers that it is given: it has room for count samples of "
                              << one.bytes() << " bytes, and count labels where there are classes.";
    // what is not written has the guard's bytes everywhere
    const bool filled =
        !std::all_of(read.x.end() - one.bytes(), read.x.end(), [](unsigned char byte) { return byte == kGuard; });
    EXPECT_TRUE(filled) << who << " leaves the last sample of a request unwritten.";
  }
}

void gives_labels_in_range(const std::string& who, const DatasetCase& one, int split) {
  if (one.traits.classes == 0) return;
  const Read read = one.read(split, one.first(split, 64));
  if (!read.error.empty()) GTEST_SKIP() << read.error;
  for (const int64_t label : read.label) {
    ASSERT_NE(label, kUnset) << who << " does not write the label of each sample.";
    ASSERT_TRUE(label >= 0 && label < one.traits.classes)
        << who << " gives the label " << label << " where traits() says " << one.traits.classes
        << " classes: labels are 0 to classes - 1.";
  }
}

void gives_finite_values_in_range(const std::string& who, const DatasetCase& one, int split) {
  const Read read = one.read(split, one.first(split, 64));
  if (!read.error.empty() || one.traits.type != DatasetTraits::kFloat) return;
  std::vector<float> values(read.x.size() / sizeof(float));
  std::memcpy(values.data(), read.x.data(), values.size() * sizeof(float));
  EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
      << who << ": a value is not finite.";
  // the range is for pictures: only a set of images promises it
  if (one.traits.rank < 3) return;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  EXPECT_TRUE(*low >= one.traits.low && *high <= one.traits.high)
      << who << " gives values from " << *low << " to " << *high << ", outside of the range [" << one.traits.low << ", "
      << one.traits.high << "] that traits() states.";
}

void repeats_itself(const std::string& who, const DatasetCase& one, int split) {
  const auto indices = one.first(split, 9);
  const Read first = one.read(split, indices), second = one.read(split, indices);
  if (!first.error.empty()) GTEST_SKIP() << first.error;
  EXPECT_TRUE(same(first, second))
      << who << " gives another sample for the same split, index and key: derive all randomness from (key, index).";
}

void does_not_depend_on_batching(const std::string& who, const DatasetCase& one, int split) {
  auto indices = one.first(split, 9);
  const Read all = one.read(split, indices);
  if (!all.error.empty() || !same(all, one.read(split, indices))) GTEST_SKIP() << "it does not repeat itself";
  for (size_t i = 0; i < indices.size(); ++i) {
    EXPECT_TRUE(same(one.read(split, {indices[i]}), one.row(all, i)))
        << who << ": sample " << i
        << " is another one when it is read alone: derive it from (split, index, key), not from "
           "its place in the request.";
  }
  std::reverse(indices.begin(), indices.end());
  const Read backwards = one.read(split, indices);
  for (size_t i = 0; i < indices.size(); ++i) {
    EXPECT_TRUE(same(one.row(backwards, i), one.row(all, indices.size() - 1 - i)))
        << who << ": samples must come in the order of the indices that are asked for.";
  }
}

void reads_from_several_threads(const std::string& who, const DatasetCase& one, int split) {
  const auto indices = one.first(split, 9);
  const Read all = one.read(split, indices);
  if (!all.error.empty() || !same(all, one.read(split, indices))) GTEST_SKIP() << "it does not repeat itself";
  constexpr int kThreads = 4, kRounds = 20;
  std::vector<int> wrong(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round)
        wrong[static_cast<size_t>(i)] += !same(one.read(split, indices), all);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::accumulate(wrong.begin(), wrong.end(), 0), 0)
      << who
      << " gives other samples when several threads read at once: share no buffer or file position between calls "
         "of read().";
}

std::vector<Tensor> exercise(Interface& component, const DataCase&) {
  const auto& dataset = dynamic_cast<const Dataset&>(component);
  DatasetTraits traits;
  dataset.traits(traits);
  if (traits.rank < 1 || traits.rank > 8 || traits.size[0] == 0) throw std::runtime_error("its traits make no sense");
  std::vector<int64_t> shape{1};
  shape.insert(shape.end(), traits.shape, traits.shape + traits.rank);
  const Tensor x = at::empty(shape, traits.type == DatasetTraits::kUint8 ? at::kByte : at::kFloat);
  int64_t label = 0;
  const int64_t index = 0;
  ReadRequest request;
  request.indices = &index;
  request.count = 1;
  request.x = x.mutable_data_ptr();
  request.label = traits.classes > 0 ? &label : nullptr;
  dataset.read(request);
  return {x};
}

}  // namespace

Checks dataset_checks() {
  Checks checks = common_checks(exercise);
  checks.push_back({"StatesSaneTraits", states_sane_traits});
  const std::vector<std::pair<const char*, Body>> own = {
      {"FillsItsBuffers", fills_its_buffers},
      {"GivesLabelsInRange", gives_labels_in_range},
      {"GivesFiniteValuesInRange", gives_finite_values_in_range},
      {"RepeatsItself", repeats_itself},
      {"DoesNotDependOnBatching", does_not_depend_on_batching},
      {"ReadsFromSeveralThreads", reads_from_several_threads},
  };
  for (const auto& [name, body] : own) {
    checks.push_back({name, [body = body](const Subject& subject) { for_each_split(subject, body); }});
  }
  return checks;
}

}  // namespace ttfm::conformance
