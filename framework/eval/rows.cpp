// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/rows.h"

#include <ATen/ops/argsort.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include <ttfm/error.h>

namespace ttfm::eval {

void for_batches(int64_t rows, int64_t batch, const std::function<void(int64_t, int64_t)>& action) {
  if (batch < 1) throw Error(ErrorKind::internal, "for_batches: a batch of " + std::to_string(batch) + ", want >= 1");
  for (int64_t start = 0; start < rows; start += batch) action(start, std::min(batch, rows - start));
}

Tensor rows_of(const Tensor& x, int64_t start, int64_t count) { return x.defined() ? x.narrow(0, start, count) : x; }

Tensor flat_double(const Tensor& x) { return x.to(at::kDouble).reshape({x.size(0), -1}); }

double root_mean_square(double sum, int64_t samples) { return std::sqrt(sum / static_cast<double>(samples)); }

double value_of(const Tensor& x) { return x.item<double>(); }

Tensor random_rows(const Tensor& x, int64_t count, const Stream& stream) {
  if (count >= x.size(0)) return x;
  const Tensor order = at::argsort(host_double(stream).uniform({x.size(0)}), /*stable=*/true);
  return x.index_select(0, order.narrow(0, 0, count).to(x.device()));
}

Stream host_double(const Stream& stream) {
  Stream::Impl impl = stream.on_host().impl();
  impl.dtype = static_cast<int8_t>(at::kDouble);
  return Stream(impl);
}

void check_same_shape(const char* where, const Tensor& a, const Tensor& b) {
  if (a.sizes() == b.sizes()) return;
  std::ostringstream text;
  text << where << ": shapes " << a.sizes() << " and " << b.sizes() << " differ; both must hold the same samples";
  throw Error(ErrorKind::internal, text.str());
}

void check_samples(const char* where, const Tensor& x, const Tensor& like, int64_t least) {
  const bool good = x.defined() && x.dim() >= 1 && x.size(0) >= least;
  if (good && x.sizes().slice(1) == like.sizes().slice(1)) return;
  std::ostringstream text;
  text << where << ": got samples ";
  if (x.defined()) {
    text << x.sizes();
  } else {
    text << "(undefined)";
  }
  text << ", expected at least " << least << " of them, each of shape " << like.sizes().slice(1);
  throw Error(ErrorKind::data, text.str());
}

}  // namespace ttfm::eval
