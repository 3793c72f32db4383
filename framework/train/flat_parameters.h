// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ttfm/io/safetensors.h>
#include <ttfm/parameters.h>

#include "base/shadow_weights.h"
#include "facade/impl.h"

namespace ttfm::train {

using io::NamedTensor;

/// The weights of a component as it names them, before they move.
class ParameterCollector final : public ParameterSet::Impl {
 public:
  struct Entry {
    std::string name;
    Tensor* value;
    uint32_t flags;
  };

  /// `owner` ("student 'unet'") is for messages: a name that is given twice, an undefined tensor.
  explicit ParameterCollector(std::string owner) : owner_(std::move(owner)) {}

  void parameter(Name name, Tensor& value, uint32_t flags) override;
  void buffer(Name name, Tensor& value) override;

  const std::vector<Entry>& parameters() const { return parameters_; }
  const std::vector<Entry>& buffers() const { return buffers_; }

 private:
  void add(std::vector<Entry>& list, Name name, Tensor& value, uint32_t flags) const;

  std::string owner_;
  std::vector<Entry> parameters_, buffers_;
};

/// All weights of a component in one flat fp32 tensor, of which the component's own tensors become 64-byte-aligned views:
/// weights with decay first, then those without. The optimiser, averages, checkpoints and copies each work on whole
/// buffers; the padding between views is and stays zero. A weight [O, I, h, w] that comes channels last stays so on the
/// CPU, where convolutions want it; all others lie row by row.
class FlatParameters {
 public:
  /// Moves the component's weights, with their present values, to `device`.
  FlatParameters(const ParameterCollector& collected, c10::Device device, bool trainable);

  const Tensor& values() const { return values_; }

  /// The gradient, into whose views the weights' gradients accumulate; undefined unless trainable.
  const Tensor& gradient() const { return gradient_; }

  /// Keeps a copy in 16 bits too, for layers that compute in it; float: no more.
  void compute_in(at::ScalarType type);
  ShadowWeights* shadow() const { return shadow_.get(); }  ///< that copy, or null

  /// Makes the gradient zero for a new one to be added up, unless it is known to be so.
  void clear_gradient();
  void gradient_is_clear() { gradient_clear_ = true; }  ///< says that it was made zero

  int64_t with_decay() const { return with_decay_; }  ///< length of the part that is subject to weight decay
  int64_t count() const { return count_; }            ///< weights, padding left out

  /// The weights and buffers under their names, as views.
  std::vector<NamedTensor> named() const { return named_in(values_); }

  /// The same views of another flat tensor of the same length, for example of an average; buffers as they are.
  std::vector<NamedTensor> named_in(const Tensor& flat) const;

  /// `flat` with all weights row by row, as checkpoints and checksums have it whatever the layout in memory: itself where
  /// they lie so already.
  Tensor row_by_row(const Tensor& flat) const;
  /// The inverse: writes to `flat` what row_by_row() gave.
  void from_row_by_row(const Tensor& given, const Tensor& flat) const;

  /// Copies every weight and buffer from `given`. Throws ttfm::Error (checkpoint) that names `source` unless these have
  /// exactly the same names and shapes; nothing is copied then.
  void load(const std::vector<NamedTensor>& given, const std::string& source) const;

 private:
  struct View {
    std::string name;
    std::vector<int64_t> shape;
    int64_t offset;
    bool channels_last;

    Tensor of(const Tensor& flat) const;              ///< this weight in a flat tensor
    Tensor row_by_row_of(const Tensor& given) const;  ///< in one where all lie row by row
  };
  bool all_row_by_row() const;
  std::vector<View> views_;
  std::vector<NamedTensor> buffers_;
  Tensor values_, gradient_;
  std::unique_ptr<ShadowWeights> shadow_;
  int64_t with_decay_ = 0, count_ = 0;
  bool gradient_clear_ = false;
};

}  // namespace ttfm::train
