// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <vector>

#include "kernels/group_norm.h"
#include "nn/loop_tensors.h"

namespace ttfm::nn {

using namespace loop;

namespace {

template <class T>
kernels::GroupNormImages<T> group_norm_images(const Dual& x, const Aligned& p, const GroupNormKind& kind) {
  kernels::GroupNormImages<T> images;
  images.channels = x.primal.size(1);
  images.positions = x.primal.size(2) * x.primal.size(3);
  images.groups = kind.groups;
  images.eps = kind.eps;
  images.activation = kind.activation;
  images.x = in<T>(x.primal);
  images.dx = in<T>(x.tangent);
  take_affine(images, p);
  return images;
}

/// Runs the loops over the samples with a workspace for each thread.
template <class T, class F>
void over_images(const kernels::GroupNormImages<T>& images, const Tensor& x, F&& f) {
  over_samples(x, [&](int64_t from, int64_t to) {
    std::vector<float> workspace(static_cast<size_t>(kernels::group_norm_workspace(images.channels)));
    auto own = images;
    own.workspace = workspace.data();
    f(own, from, to);
  });
}

}  // namespace

Dual group_norm_forward(const Dual& x, const Affine& affine, const GroupNormKind& kind, Tensor& statistics) {
  RECORD_FUNCTION("ttfm::group_norm_forward", kNothing);
  const bool known = statistics.defined();
  if (!known) statistics = at::empty({x.primal.size(0), 4, x.primal.size(1)}, x.primal.options().dtype(at::kFloat));
  const Aligned p = aligned(affine, x.primal, x.primal.size(1));
  const Dual y = empty_value(x.primal, x.tangent.defined() || affine.da.defined(), x.primal.scalar_type());
  with_type(x.primal.scalar_type(), [&](auto number) {
    using T = decltype(number);
    auto images = group_norm_images<T>(x, p, kind);
    images.y = out_of<T>(y.primal);
    images.dy = out_of<T>(y.tangent);
    images.statistics = results(statistics);
    images.known = known;
    over_images(images, x.primal, [](const auto& own, int64_t from, int64_t to) {
      kernels::dispatch<kernels::GroupNormLoops>([&](auto loops) { loops.forward(own, from, to); });
    });
  });
  return y;
}

NormGradients group_norm_backward(const Dual& x, const Affine& affine, const GroupNormKind& kind,
                                  const Tensor& statistics, const Dual& g) {
  RECORD_FUNCTION("ttfm::group_norm_backward", kNothing);
  const int64_t samples = x.primal.size(0), channels = x.primal.size(1);
  const Aligned p = aligned(affine, x.primal, channels);
  const Dual g_x = empty_value(x);
  const AffineGradients sums = empty_sums(affine, samples, channels);
  with_type(x.primal.scalar_type(), [&](auto number) {
    using T = decltype(number);
    auto images = group_norm_images<T>(x, p, kind);
    images.g = in<T>(g.primal);
    images.h = in<T>(g.tangent);
    images.g_x = out_of<T>(g_x.primal);
    images.g_dx = out_of<T>(g_x.tangent);
    images.statistics = results(statistics);
    images.known = true;
    give_sums(images, sums);
    over_images(images, x.primal, [](const auto& own, int64_t from, int64_t to) {
      kernels::dispatch<kernels::GroupNormLoops>([&](auto loops) { loops.backward(own, from, to); });
    });
  });
  return {g_x, gathered(sums, affine)};
}

}  // namespace ttfm::nn
