// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "network_teacher.h"

namespace ttfm::teacher {

void NetworkTeacher::traits(NetworkTraits& out) const { map_.traits(out); }

Tensor NetworkTeacher::velocity(const Tensor& x, const Tensor& t, const Call& call) const {
  return map_.velocity(x, t, t, call);
}

}  // namespace ttfm::teacher
