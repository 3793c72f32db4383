// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/ge.h>

#include <string>

#include <ttfm/error.h>
#include <ttfm/nn/dropout.h>

namespace ttfm::nn {
namespace {

/// What to multiply by: 0 with probability p, else 1 / (1 - p). Undefined: nothing is dropped.
Tensor mask(const Tensor& x, double p, const Call& call, Name name) {
  if (!(p >= 0 && p < 1)) {
    throw Error(ErrorKind::config, "dropout '" + std::string(name) + "': a probability of " + std::to_string(p) +
                                       ", expected one in [0, 1)");
  }
  if (call.dropout == nullptr || p == 0) return {};
  return at::ge(call.dropout->child(name).uniform(x.sizes()), p).to(x.options()).div_(1 - p);
}

}  // namespace

Tensor dropout(const Tensor& x, double p, const Call& call, Name name) {
  const Tensor kept = mask(x, p, call, name);
  return kept.defined() ? x * kept : x;
}

Dual dropout(const Dual& x, double p, const Call& call, Name name) {
  const Tensor kept = mask(x.primal, p, call, name);
  return kept.defined() ? x * kept : x;
}

}  // namespace ttfm::nn
