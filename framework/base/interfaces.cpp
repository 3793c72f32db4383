// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Key functions and default bodies of the interfaces that plugins implement. Every virtual has a body here, so that its
// signature is an exported symbol and a change of it is visible to the ABI's gate; pure ones too.
#include <string>

#include <ttfm/dataset.h>
#include <ttfm/error.h>
#include <ttfm/layout.h>
#include <ttfm/loss.h>
#include <ttfm/sampler.h>
#include <ttfm/student.h>
#include <ttfm/teacher.h>

namespace ttfm {
namespace {

[[noreturn]] void not_overridden(const char* function) {
  throw Error(ErrorKind::plugin, std::string(function) + " was called, but this component does not override it");
}

}  // namespace

Interface::~Interface() = default;
const void* Interface::query(uint32_t) const noexcept { return nullptr; }

Student::~Student() = default;
void Student::traits(NetworkTraits&) const {}
void Student::parameters(ParameterSet&) {}
void Student::initialise(const Stream&) {}
Tensor Student::velocity(const Tensor&, const Tensor&, const Tensor&, const Call&) const {
  not_overridden("Student::velocity");
}
Dual Student::velocity_dual(const Dual&, const Dual&, const Dual&, const Call&) const {
  not_overridden("Student::velocity_dual");
}

Teacher::~Teacher() = default;
void Teacher::traits(NetworkTraits&) const {}
void Teacher::parameters(ParameterSet&) {}
Tensor Teacher::velocity(const Tensor&, const Tensor&, const Call&) const { not_overridden("Teacher::velocity"); }

ExactMap::~ExactMap() = default;
Tensor ExactMap::velocity(const Tensor&, const Tensor&, const Tensor&) const { not_overridden("ExactMap::velocity"); }
Density::~Density() = default;
Tensor Density::log_density(const Tensor&) const { not_overridden("Density::log_density"); }

Loss::~Loss() = default;
void Loss::needs(LossNeeds&) const {}
void Loss::compute(const LossInputs&, const LossResult&) const { not_overridden("Loss::compute"); }
Trainable::~Trainable() = default;
void Trainable::parameters(ParameterSet&) {}
void Trainable::initialise(const Stream&) {}

Sampler::~Sampler() = default;
void Sampler::traits(SamplerTraits&) const {}
void Sampler::sample(const SampleInputs&, const SampleResult&) const { not_overridden("Sampler::sample"); }

Dataset::~Dataset() = default;
void Dataset::traits(DatasetTraits&) const {}
void Dataset::read(const ReadRequest&) const { not_overridden("Dataset::read"); }

}  // namespace ttfm
