// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/loss_terms.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <ttfm/error.h>

namespace ttfm::train {

LossTerms::LossTerms(const LossNeeds& needs, int64_t rows, double share, bool keep)
    : needs_(needs), rows_(rows), share_(share), keep_(keep) {}

void LossTerms::add(Name term, const Tensor& per_sample, double weight) {
  if (term == kTotal) throw Error(ErrorKind::plugin, "a loss term is named 'loss', which is the name of their sum");
  if (!per_sample.defined() || per_sample.dim() != 1 || per_sample.size(0) != rows_) {
    throw Error(ErrorKind::plugin, "loss term '" + std::string(term) + "' has the shape " +
                                       (per_sample.defined() ? c10::str(per_sample.sizes()) : "(undefined)") +
                                       ", expected one value for each sample: [" + std::to_string(rows_) + "]");
  }
  if (keep_) terms_[std::string(term)].push_back(per_sample.detach());
  const Tensor mean = per_sample.mean() * share_;
  accumulate(std::string(term), mean.detach());
  if (weight == 0) return;
  total_ = total_.defined() ? total_ + weight * mean : weight * mean;
}

void LossTerms::record(Name name, const Tensor& value) {
  if (keep_ && value.defined()) values_[std::string(name)].push_back(value.detach());
}

void LossTerms::refresh_copy(uint32_t i) {
  if (i >= needs_.copies || needs_.copy[i].kind != CopyRule::kFrozen) {
    throw Error(ErrorKind::plugin,
                "the loss refreshes copy " + std::to_string(i) + ", which LossNeeds does not declare as a frozen copy");
  }
  refresh_ |= 1u << i;
}

void LossTerms::next() {
  accumulate(kTotal, total_.detach());
  total_.reset();
}

void LossTerms::accumulate(const std::string& name, const Tensor& value) {
  Tensor& sum = sums_[name];
  sum = sum.defined() ? sum + value : value;
}

std::map<std::string, Tensor> LossTerms::joined(const Parts& parts) {
  std::map<std::string, Tensor> whole;
  for (const auto& [name, each] : parts) {
    whole[name] = each.size() == 1 || each[0].dim() == 0 ? each[0] : at::cat(each);
  }
  return whole;
}

}  // namespace ttfm::train
