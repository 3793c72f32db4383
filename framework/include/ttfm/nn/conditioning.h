// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <optional>

#include <ttfm/network.h>
#include <ttfm/nn/embedding.h>

namespace ttfm::nn {

/// What a network is told beside x, as one vector for each row: c = silu(emb_s(s) + emb_t(t) + emb_label(label)).
///
/// Both times have embeddings of their own, with frequencies between 1 and 30 in geometric progression, in radians per
/// unit of time: from the whole of [0, 1] to a thirtieth of it.
struct Conditioning {
  TimeEmbedding s;                      ///< of the earlier time
  TimeEmbedding t;                      ///< of the later time
  std::optional<LabelEmbedding> label;  ///< empty: labels are not looked at

  /// `classes` = 0: without labels.
  Conditioning(int64_t width, int64_t classes);

  void parameters(const Scope& scope);  ///< "embed_s", "embed_t", and "label" if there is one

  /// Times [B], and the label of `call`, which is int64 [B] or undefined: c [B, width].
  Tensor operator()(const Tensor& at_s, const Tensor& at_t, const Call& call) const;
  Dual operator()(const Dual& at_s, const Dual& at_t, const Call& call) const;  ///< the same, with its derivative
};

}  // namespace ttfm::nn
