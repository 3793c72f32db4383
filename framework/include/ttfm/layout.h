// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstddef>
#include <type_traits>

#include <ttfm/config.h>
#include <ttfm/dataset.h>
#include <ttfm/error.h>
#include <ttfm/loss.h>
#include <ttfm/sampler.h>
#include <ttfm/student.h>
#include <ttfm/teacher.h>

/// Sizes and offsets of ABI 1 of all that crosses the border in C++; <ttfm/abi.h> has those of the descriptor. Checked
/// where libttfm is compiled and where a plugin is, so that an option that moves a field (-fpack-struct, -fshort-enums) is
/// told there.
///
/// A line that fails is a broken promise to every plugin in the field. A new field of an (S) struct, at its end, adds a
/// line and raises the size; a new value adds a line. Each minor's lines are kept in tests/abi/baseline and hold for every
/// later one.
namespace ttfm::layout {

// values
TTFM_LAYOUT(interface_id::kExactMap == 1 && interface_id::kDensity == 2 && interface_id::kTrainable == 3);
TTFM_LAYOUT(parameter_flag::kNoDecay == 1 && parameter_flag::kKeepFloat == 2);
TTFM_LAYOUT(CopyRule::kEma == 0 && CopyRule::kFrozen == 1);
TTFM_LAYOUT(static_cast<int>(Split::train) == 0 && static_cast<int>(Split::validation) == 1);
TTFM_LAYOUT(static_cast<int>(Split::test) == 2);
TTFM_LAYOUT(DatasetTraits::kUint8 == 0 && DatasetTraits::kFloat == 1 && DatasetTraits::kEndless == -1);
TTFM_LAYOUT(static_cast<int>(ErrorKind::internal) == 1 && static_cast<int>(ErrorKind::config) == 2);
TTFM_LAYOUT(static_cast<int>(ErrorKind::data) == 3 && static_cast<int>(ErrorKind::checkpoint) == 4);
TTFM_LAYOUT(static_cast<int>(ErrorKind::plugin) == 5 && static_cast<int>(ErrorKind::numeric) == 6);
TTFM_LAYOUT(static_cast<int>(ErrorKind::io) == 7 && static_cast<int>(ErrorKind::device) == 8);

// (P) a vtable and nothing else
template <class T>
inline constexpr bool is_interface =
    sizeof(T) == sizeof(void*) && std::is_polymorphic_v<T>&& std::has_virtual_destructor_v<T>;
TTFM_LAYOUT(is_interface<Interface>);
TTFM_LAYOUT(is_interface<Dataset>&& is_interface<Teacher>&& is_interface<Student>);
TTFM_LAYOUT(is_interface<Loss>&& is_interface<Sampler>);
TTFM_LAYOUT(is_interface<ExactMap>&& is_interface<Density>&& is_interface<Trainable>);

// (H) one pointer, passed in a register
template <class T>
inline constexpr bool is_facade = sizeof(T) == sizeof(void*) && std::is_trivially_copyable_v<T>&& std::is_final_v<T>;
TTFM_LAYOUT(is_facade<Config>&& is_facade<ParameterSet>);
TTFM_LAYOUT(is_facade<Field>&& is_facade<FlowMap>);
TTFM_LAYOUT(is_facade<LossInputs>&& is_facade<LossResult>);
TTFM_LAYOUT(is_facade<SampleInputs>&& is_facade<SampleResult>);

// ... but for the stream, which is its value, and the error, which is thrown by value
TTFM_LAYOUT(offsetof(Stream::Impl, key) == 0);
TTFM_LAYOUT(offsetof(Stream::Impl, row_offset) == 8);
TTFM_LAYOUT(offsetof(Stream::Impl, device_type) == 16);
TTFM_LAYOUT(offsetof(Stream::Impl, device_index) == 17);
TTFM_LAYOUT(offsetof(Stream::Impl, dtype) == 18);
TTFM_LAYOUT(offsetof(Stream::Impl, reserved) == 19);
TTFM_LAYOUT(offsetof(Stream::Impl, reserved1) == 24);
TTFM_LAYOUT(sizeof(Stream::Impl) == 32);
TTFM_LAYOUT(sizeof(Stream) == 32 && std::is_trivially_copyable_v<Stream> && std::is_final_v<Stream>);
TTFM_LAYOUT(sizeof(Error) == 24 && sizeof(ErrorKind) == 4);

// (S, frozen)
TTFM_LAYOUT(sizeof(Tensor) == 8 && sizeof(Name) == 16 && sizeof(bool) == 1 && sizeof(Split) == 4);
TTFM_LAYOUT(offsetof(Dual, primal) == 0);
TTFM_LAYOUT(offsetof(Dual, tangent) == 8);
TTFM_LAYOUT(sizeof(Dual) == 16);
TTFM_LAYOUT(offsetof(Direction, dx) == 0);
TTFM_LAYOUT(offsetof(Direction, ds) == 8);
TTFM_LAYOUT(offsetof(Direction, dt) == 16);
TTFM_LAYOUT(sizeof(Direction) == 24);
TTFM_LAYOUT(offsetof(Query, x) == 0);
TTFM_LAYOUT(offsetof(Query, s) == 8);
TTFM_LAYOUT(offsetof(Query, t) == 16);
TTFM_LAYOUT(offsetof(Query, call) == 24);
TTFM_LAYOUT(sizeof(Query) == 32);
TTFM_LAYOUT(offsetof(CopyRule, kind) == 0);
TTFM_LAYOUT(offsetof(CopyRule, reserved) == 4);
TTFM_LAYOUT(offsetof(CopyRule, decay) == 8);
TTFM_LAYOUT(offsetof(CopyRule, refresh_every) == 16);
TTFM_LAYOUT(sizeof(CopyRule) == 24);

// (S)
TTFM_LAYOUT(offsetof(Call, struct_size) == 0);
TTFM_LAYOUT(offsetof(Call, flags) == 4);
TTFM_LAYOUT(offsetof(Call, label) == 8);
TTFM_LAYOUT(offsetof(Call, guidance) == 16);
TTFM_LAYOUT(offsetof(Call, dropout) == 24);
TTFM_LAYOUT_SIZE(Call, 32);

TTFM_LAYOUT(offsetof(NetworkTraits, struct_size) == 0);
TTFM_LAYOUT(offsetof(NetworkTraits, reserved) == 4);
TTFM_LAYOUT(offsetof(NetworkTraits, classes) == 8);
TTFM_LAYOUT(offsetof(NetworkTraits, dual) == 16);
TTFM_LAYOUT(offsetof(NetworkTraits, x_gradient) == 17);
TTFM_LAYOUT(offsetof(NetworkTraits, any_order) == 18);
TTFM_LAYOUT(offsetof(NetworkTraits, stackable) == 19);
TTFM_LAYOUT(offsetof(NetworkTraits, guidance_input) == 20);
TTFM_LAYOUT(offsetof(NetworkTraits, dropout) == 21);
TTFM_LAYOUT(offsetof(NetworkTraits, reserved1) == 22);
TTFM_LAYOUT_SIZE(NetworkTraits, 24);

TTFM_LAYOUT(offsetof(LossNeeds, struct_size) == 0);
TTFM_LAYOUT(offsetof(LossNeeds, copies) == 4);
TTFM_LAYOUT(offsetof(LossNeeds, teacher) == 8);
TTFM_LAYOUT(offsetof(LossNeeds, teacher_x_gradient) == 9);
TTFM_LAYOUT(offsetof(LossNeeds, data) == 10);
TTFM_LAYOUT(offsetof(LossNeeds, derivative) == 11);
TTFM_LAYOUT(offsetof(LossNeeds, reserved) == 12);
TTFM_LAYOUT(offsetof(LossNeeds, copy) == 16);
TTFM_LAYOUT_SIZE(LossNeeds, 112);

TTFM_LAYOUT(offsetof(SamplerTraits, struct_size) == 0);
TTFM_LAYOUT(offsetof(SamplerTraits, field) == 4);
TTFM_LAYOUT(offsetof(SamplerTraits, flow_map) == 5);
TTFM_LAYOUT(offsetof(SamplerTraits, adaptive) == 6);
TTFM_LAYOUT(offsetof(SamplerTraits, reserved) == 7);
TTFM_LAYOUT(offsetof(SamplerTraits, evaluations_per_step) == 8);
TTFM_LAYOUT_SIZE(SamplerTraits, 16);

TTFM_LAYOUT(offsetof(DatasetTraits, struct_size) == 0);
TTFM_LAYOUT(offsetof(DatasetTraits, rank) == 4);
TTFM_LAYOUT(offsetof(DatasetTraits, shape) == 8);
TTFM_LAYOUT(offsetof(DatasetTraits, classes) == 72);
TTFM_LAYOUT(offsetof(DatasetTraits, size) == 80);
TTFM_LAYOUT(offsetof(DatasetTraits, type) == 104);
TTFM_LAYOUT(offsetof(DatasetTraits, low) == 108);
TTFM_LAYOUT(offsetof(DatasetTraits, high) == 112);
TTFM_LAYOUT(offsetof(DatasetTraits, reserved) == 116);
TTFM_LAYOUT_SIZE(DatasetTraits, 120);

TTFM_LAYOUT(offsetof(ReadRequest, struct_size) == 0);
TTFM_LAYOUT(offsetof(ReadRequest, split) == 4);
TTFM_LAYOUT(offsetof(ReadRequest, indices) == 8);
TTFM_LAYOUT(offsetof(ReadRequest, count) == 16);
TTFM_LAYOUT(offsetof(ReadRequest, key) == 24);
TTFM_LAYOUT(offsetof(ReadRequest, x) == 32);
TTFM_LAYOUT(offsetof(ReadRequest, label) == 40);
TTFM_LAYOUT_SIZE(ReadRequest, 48);

}  // namespace ttfm::layout
