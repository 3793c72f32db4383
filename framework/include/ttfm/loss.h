// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/field.h>
#include <ttfm/parameters.h>

namespace ttfm {

/// How a copy of the student's weights follows the student. (S, frozen)
struct CopyRule {
  /// The values of `kind`.
  enum Kind : uint32_t {
    kEma = 0,     ///< copy <- d copy + (1-d) student after each step, d = min(decay, (1+i)/(10+i)) in step i
    kFrozen = 1,  ///< a snapshot, taken at the start, every `refresh_every` steps, and by LossResult::refresh_copy
  };
  uint32_t kind = kEma;       ///< a Kind
  uint32_t reserved = 0;      ///< 0
  double decay = 0;           ///< in [0, 1)
  int64_t refresh_every = 0;  ///< in steps; 0: only by refresh_copy
};

/// What a loss asks of the host. (S)
struct LossNeeds {
  uint32_t struct_size = sizeof(LossNeeds);  ///< leave it at its default
  uint32_t copies = 0;                       ///< how many of `copy` are used, at most 4
  bool teacher = false;                      ///< LossInputs::teacher()
  bool teacher_x_gradient = false;           ///< ... differentiable in x; refused where the teacher is not
  bool data = true;                          ///< LossInputs::x_1()
  bool derivative = false;  ///< FlowMap::derivative of the student; the user is warned where it has no dual
  uint32_t reserved = 0;    ///< 0
  CopyRule copy[4];         ///< how each copy follows the student
};

/// What a loss is given for one (micro-)batch. (H)
class TTFM_API LossInputs final {
 public:
  const Tensor& x_0() const;  ///< noise, standard normal, [B, ...]
  const Tensor& x_1() const;  ///< data, [B, ...]; throws unless LossNeeds::data
  const Call& call() const;   ///< labels and the dropout stream of this step, to be handed on

  /// The loss's randomness for this step, and only for it. Rows are numbered globally.
  const Stream& stream() const;

  int64_t step() const;   ///< the step in this stage, from 0: schedules are functions of it
  int64_t steps() const;  ///< how many steps this stage will have

  const FlowMap& student() const;         ///< in training: records gradients in its weights
  const Field& teacher() const;           ///< throws unless LossNeeds::teacher
  const FlowMap& copy(uint32_t i) const;  ///< throws unless i < LossNeeds::copies

  struct Impl;
  explicit LossInputs(const Impl* impl) : impl_(impl) {}  ///< made by the host

 private:
  const Impl* impl_;
};

/// What a loss gives back. (H)
class TTFM_API LossResult final {
 public:
  /// A term of the loss: `per_sample` [B], averaged over the global batch, times `weight`. Terms are added up and
  /// differentiated by the host, and logged under their names without the weight.
  void add(Name term, const Tensor& per_sample, double weight = 1) const;

  /// A value that explains this step (s, t, ...); never differentiated.
  void record(Name name, const Tensor& value) const;

  /// Takes a new snapshot of copy `i` after this step.
  void refresh_copy(uint32_t i) const;

  struct Impl;
  explicit LossResult(Impl* impl) : impl_(impl) {}  ///< made by the host

 private:
  Impl* impl_;
};

/// A training objective. (P) Stateless: what must be remembered is a copy rule or a Trainable's weight.
class TTFM_API Loss : public Interface {
 public:
  ~Loss() override;

  /// Called once, after construction.
  virtual void needs(LossNeeds& out) const;

  /// Adds the terms of one micro-batch to `out`. Grad mode is on. Draws all randomness from in.stream(), and its times
  /// on the host (<ttfm/flow/times.h>); never waits for the device.
  virtual void compute(const LossInputs& in, const LossResult& out) const;
};

/// Weights that a loss trains beside the student's, behind interface_id::kTrainable. (P)
class TTFM_API Trainable {
 public:
  virtual ~Trainable();
  virtual void parameters(ParameterSet& out) = 0;     ///< names the weights, as Student::parameters
  virtual void initialise(const Stream& stream) = 0;  ///< starts them, as Student::initialise
};

}  // namespace ttfm
