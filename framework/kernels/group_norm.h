// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace ttfm::kernels {

/// Group norm of images whose channels lie side by side in memory (channels last), with an affine part for each channel
/// of a sample or shared, then an activation f:
///   z = a xhat + b,  y = f(z)          dz = a dxhat + da xhat + db,  dy = f'(z) dz
/// with the means of LayerNormRows taken over the channels of a group and all positions.
///
/// Within one channel of one sample all of these are linear in x and dx, with coefficients that follow from the group's
/// means: a pass for the means, one that applies them. The same holds for the backward pass.
template <class T>
struct GroupNormImages {
  int64_t positions = 0, channels = 0, groups = 1;
  double eps = 1e-5;
  Activation activation = Activation::none;
  const T* x = nullptr;   ///< [samples, positions, channels]
  const T* dx = nullptr;  ///< null: the plain norm
  // [samples, channels] with a stride of `stride` between samples (0: shared)
  const float *a = nullptr, *b = nullptr;
  const float *da = nullptr, *db = nullptr;  ///< both given or both null
  int64_t stride = 0;
  float* statistics = nullptr;  ///< [samples, 4, channels]: mean, rstd, <dx>, <xhat dx>; computed unless `known`
  bool known = false;           ///< `statistics` are those of an earlier call with the same x and dx
  // forward
  T *y = nullptr, *dy = nullptr;
  // backward
  const T *g = nullptr, *h = nullptr;
  T *g_x = nullptr, *g_dx = nullptr;
  float *g_a = nullptr, *g_b = nullptr, *g_da = nullptr, *g_db = nullptr;  ///< [samples, channels] each, overwritten
  float* workspace = nullptr;  ///< for one thread: group_norm_workspace() numbers
};

/// Numbers that one thread of the loops needs for itself.
inline int64_t group_norm_workspace(int64_t channels) { return 32 * channels; }

template <Isa>
struct GroupNormLoops {
  /// Samples from <= i < to.
  template <class T>
  static void forward(const GroupNormImages<T>& images, int64_t from, int64_t to);
  template <class T>
  static void backward(const GroupNormImages<T>& images, int64_t from, int64_t to);
};

}  // namespace ttfm::kernels
