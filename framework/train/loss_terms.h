// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ttfm/loss.h>

#include "facade/impl.h"

namespace ttfm::train {

/// The name of the sum of a loss's terms.
inline constexpr const char* kTotal = "loss";

/// What a loss gives in the micro-batches of one step.
class LossTerms final : public LossResult::Impl {
 public:
  /// Each micro-batch has `rows` samples, `share` of the whole batch. `keep`: the terms of every sample are kept too,
  /// and what the loss records.
  LossTerms(const LossNeeds& needs, int64_t rows, double share, bool keep);

  void add(Name term, const Tensor& per_sample, double weight) override;
  void record(Name name, const Tensor& value) override;
  void refresh_copy(uint32_t i) override;

  /// The micro-batch's sum of terms, to be differentiated; undefined if nothing was added to it.
  const Tensor& total() const { return total_; }

  /// Adds the micro-batch's total to the sums and makes ready for the next one.
  void next();

  const std::map<std::string, Tensor>& sums() const { return sums_; }  ///< the terms' means over the batch, and kTotal
  uint32_t refresh() const { return refresh_; }                        ///< bits of the copies to be refreshed

  std::map<std::string, Tensor> kept_terms() const { return joined(terms_); }    ///< [B] each, without weight
  std::map<std::string, Tensor> kept_values() const { return joined(values_); }  ///< as recorded

 private:
  using Parts = std::map<std::string, std::vector<Tensor>>;  // of each micro-batch

  static std::map<std::string, Tensor> joined(const Parts& parts);
  void accumulate(const std::string& name, const Tensor& value);

  const LossNeeds& needs_;
  int64_t rows_;
  double share_;
  bool keep_;
  Tensor total_;
  uint32_t refresh_ = 0;
  std::map<std::string, Tensor> sums_;
  Parts terms_, values_;
};

}  // namespace ttfm::train
