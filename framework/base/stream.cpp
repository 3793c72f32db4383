// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include <ttfm/error.h>
#include <ttfm/random.h>

#include "base/philox.h"

namespace ttfm {
namespace {

c10::ScalarType dtype_of(const Stream::Impl& impl) { return static_cast<c10::ScalarType>(impl.dtype); }

c10::Device device_of(const Stream::Impl& impl) {
  return {static_cast<c10::DeviceType>(impl.device_type), impl.device_index};
}

/// Fills a host tensor of [B, ...]: `fill(words, out, count)` turns the four words of a block into up to four numbers.
template <class T, class Fill>
Tensor draw(const Stream::Impl& impl, at::IntArrayRef shape, c10::ScalarType type, Fill fill) {
  if (shape.empty()) throw Error(ErrorKind::internal, "Stream: the shape to draw needs a batch dimension, got []");
  Tensor out = at::empty(shape, at::TensorOptions().dtype(type));
  const int64_t rows = shape[0];
  const int64_t width = rows == 0 ? 0 : out.numel() / rows;
  const int64_t per_row = (width + 3) / 4;
  T* const numbers = out.mutable_data_ptr<T>();
  constexpr size_t kAtOnce = 8;
  std::array<PhiloxCounter, kAtOnce> counters;
  PhiloxCounter next = {static_cast<uint64_t>(impl.row_offset), 0};
  for (auto left = static_cast<size_t>(rows * per_row); left > 0; left -= std::min(left, kAtOnce)) {
    for (PhiloxCounter& counter : counters) {
      counter = next;
      if (++next.block == static_cast<uint64_t>(per_row)) next = {next.row + 1, 0};
    }
    const auto words = philox(impl.key, counters);
    for (size_t i = 0; i < std::min(left, kAtOnce); ++i) {
      const int64_t row = static_cast<int64_t>(counters[i].row) - impl.row_offset;
      const int64_t first = 4 * static_cast<int64_t>(counters[i].block);
      fill(words[i], numbers + row * width + first, std::min<int64_t>(4, width - first));
    }
  }
  const c10::Device device = device_of(impl);
  return device.is_cpu() ? out : out.to(device, type, /*non_blocking=*/true);
}

/// [0, 1) with 24 bits, the same value in every floating type.
template <class T>
T unit(uint32_t word) {
  return static_cast<T>(static_cast<int32_t>(word >> 8)) * T(0x1p-24);
}

/// Box and Muller 1958: two normal numbers from two words; the radius' uniform is in (0, 1].
template <class T>
void normal_pair(uint32_t a, uint32_t b, T* out, bool both) {
  const T radius = std::sqrt(T(-2) * std::log(static_cast<T>((static_cast<double>(a) + 1.0) * 0x1p-32)));
  const T angle = static_cast<T>(2 * std::numbers::pi * unit<double>(b));
  out[0] = radius * std::cos(angle);
  if (both) out[1] = radius * std::sin(angle);
}

template <class T>
Tensor draw_normal(const Stream::Impl& impl, at::IntArrayRef shape, c10::ScalarType type) {
  return draw<T>(impl, shape, type, [](const auto& words, T* out, int64_t count) {
    normal_pair(words[0], words[1], out, count > 1);
    if (count > 2) normal_pair(words[2], words[3], out + 2, count > 3);
  });
}

template <class T>
Tensor draw_uniform(const Stream::Impl& impl, at::IntArrayRef shape, c10::ScalarType type) {
  return draw<T>(impl, shape, type, [](const auto& words, T* out, int64_t count) {
    for (int64_t i = 0; i < count; ++i) out[i] = unit<T>(words[static_cast<size_t>(i)]);
  });
}

}  // namespace

Tensor Stream::normal(at::IntArrayRef shape) const {
  const auto type = dtype_of(impl_);
  if (type == at::kDouble) return draw_normal<double>(impl_, shape, type);
  const Tensor single = draw_normal<float>(impl_, shape, at::kFloat);
  return type == at::kFloat ? single : single.to(type);
}

Tensor Stream::uniform(at::IntArrayRef shape) const {
  const auto type = dtype_of(impl_);
  if (type == at::kDouble) return draw_uniform<double>(impl_, shape, type);
  const Tensor single = draw_uniform<float>(impl_, shape, at::kFloat);
  return type == at::kFloat ? single : single.to(type);
}

Tensor Stream::integers(at::IntArrayRef shape, int64_t below) const {
  if (below < 1) throw Error(ErrorKind::internal, "Stream::integers: below = " + std::to_string(below) + ", want >= 1");
  return draw<int64_t>(impl_, shape, at::kLong, [below](const auto& words, int64_t* out, int64_t count) {
    // the high half of a 32 x 32 bit product: uniform up to below / 2^32
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t product = uint64_t{words[static_cast<size_t>(i)]} * static_cast<uint64_t>(below);
      out[i] = static_cast<int64_t>(product >> 32);
    }
  });
}

Stream Stream::child(Name name) const {
  Impl impl = impl_;
  impl.key = mix(impl.key, name);
  return Stream(impl);
}

Stream Stream::on_host() const {
  Impl impl = impl_;
  impl.device_type = static_cast<int8_t>(c10::DeviceType::CPU);
  impl.device_index = -1;
  return Stream(impl);
}

}  // namespace ttfm
