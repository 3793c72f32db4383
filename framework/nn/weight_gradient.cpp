// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/weight_gradient.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include <ttfm/parallel.h>

#include "nn/loop_tensors.h"

namespace ttfm::nn {
namespace {

constexpr int64_t kAtOnce = 256;  // rows of a part that are added up at once: their operands stay in a core's cache
constexpr int64_t kDepth = 1024;  // the same where threads share the sum: of one operand

}  // namespace

WeightGradient::WeightGradient(at::ScalarType type, int64_t rows, int64_t parts, int64_t out, int64_t in, bool dual)
    : type_(type), rows_(rows), out_(out), in_(in) {
  // sums of their own take memory and have to be added up, and where parts are few leave threads without work
  apart_ = parts == 1 ||
           (rows >= 2 * kAtOnce * parts && 2 * parts > at::get_num_threads() && parts * out * in <= rows * (out + in));
  for (int64_t i = 0; i < (apart_ ? parts : 1); ++i) parts_.push_back(empty_part(apart_ ? kAtOnce : rows, dual));
}

WeightGradient::Part WeightGradient::empty_part(int64_t rows, bool dual) const {
  Part part;
  loop::with_type(type_, [&](auto number) {
    using T = decltype(number);
    for (int i = 0; i < (dual ? 2 : 1); ++i) {
      part.operands.push_back(
          {GroupedMatrix::without_numbers<T>(out_, rows), PackedMatrix::without_numbers<T>(rows, in_)});
    }
  });
  return part;
}

template <class T>
void WeightGradient::take(int64_t part, int64_t from, int64_t count, Rows<T> primal, Rows<T> tangent) {
  Part& to = parts_[apart_ ? static_cast<size_t>(part) : 0];
  if (apart_ && to.rows + count > kAtOnce) add(to);
  const int64_t first = apart_ ? to.rows : from;
  for (size_t i = 0; i < to.operands.size(); ++i) {
    const Rows<T>& rows = i == 0 ? primal : tangent;
    to.operands[i].g.put(first, count, StridedMatrix<T>{rows.g, out_, 1});
    to.operands[i].y.put(first, count, StridedMatrix<T>{rows.y, in_, 1});
  }
  if (apart_) to.rows += count;
}

/// Adds the part's rows to its sum, shared among threads unless this is one of them.
void WeightGradient::add(Part& part) const {
  const bool first = !part.sum.defined();
  if (first) part.sum = at::empty({out_, in_}, at::kFloat);
  constexpr int64_t kMost = 10 * GroupedMatrix::kRows, kLeast = kMost / 2;  // of the sum, for a thread
  const int64_t block = out_ / at::get_num_threads() < kMost ? kLeast : kMost;
  loop::with_type(type_, [&](auto number) {
    using T = decltype(number);
    parallel_for(0, (out_ + block - 1) / block, 1, [&](int64_t from, int64_t to) {
      bool onto = !first;
      for (const Part::Operands& of : part.operands) {
        for (int64_t start = 0; start < part.rows; start += kDepth, onto = true) {
          const GroupedMatrix g = of.g.from<T>(start);
          const PackedMatrix y = of.y.rows<T>(start, std::min(kDepth, part.rows - start));
          for (int64_t row = from * block; row < std::min(out_, to * block); row += block) {
            y.multiply<T>(g, row, std::min(out_, row + block), onto, loop::results(part.sum), in_);
          }
        }
      }
    });
  });
  part.rows = 0;
}

Tensor WeightGradient::sum() {
  if (!apart_) parts_[0].rows = rows_;
  const auto add_parts = [this](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      Part& part = parts_[static_cast<size_t>(i)];
      if (part.rows > 0) add(part);
    }
  };
  if (parts_.size() == 1) {
    add_parts(0, 1);  // by all threads
  } else {
    parallel_for(0, static_cast<int64_t>(parts_.size()), 1, add_parts);
  }
  Tensor sum;
  for (const Part& part : parts_) {
    if (!part.sum.defined()) continue;
    sum = sum.defined() ? sum.add_(part.sum) : part.sum;
  }
  return sum;
}

using kernels::Bf16;

template void WeightGradient::take(int64_t, int64_t, int64_t, Rows<float>, Rows<float>);
template void WeightGradient::take(int64_t, int64_t, int64_t, Rows<Bf16>, Rows<Bf16>);

}  // namespace ttfm::nn
