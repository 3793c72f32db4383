// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/options.h>
#include <ttfm/teacher.h>

namespace ttfm::teacher {

/// A student network as a teacher: its velocity on the diagonal, v_t(x) = u_{t,t}(x). Trained by `flow_matching` in the
/// same run, or read from a checkpoint; the host owns, names and loads its weights.
class NetworkTeacher final : public Teacher {
 public:
  struct Options {
    NestedStudent network{};

    template <class Visitor>
    void describe(Visitor& v) {
      v("network", network, "the student plugin that computes the velocity, and its parameters").required();
    }
  };

  explicit NetworkTeacher(const Options& options) : map_(*options.network.map) {}

  void traits(NetworkTraits& out) const override;
  Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const override;

 private:
  const FlowMap& map_;  // the host's
};

}  // namespace ttfm::teacher
