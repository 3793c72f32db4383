// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/network.h"

#include <ATen/core/grad_mode.h>

#include <utility>

namespace ttfm::train {

Network::Network(std::shared_ptr<Student> student, const std::string& name, Role role, const Stream& stream,
                 c10::Device device)
    : student_(std::move(student)),
      name_(name),
      parameters_(flatten(*student_, name, role, stream, device)),
      map_(*student_, name, role != Role::copy),
      flow_map_(&map_) {
  map_.traits(traits_);
}

FlatParameters Network::flatten(Student& student, const std::string& name, Role role, const Stream& stream,
                                c10::Device device) {
  const at::NoGradGuard no_grad;
  ParameterCollector collector("student '" + name + "'");
  ParameterSet set(&collector);
  student.parameters(set);
  student.initialise(stream.on_host());
  return FlatParameters(collector, device, role == Role::trained);
}

}  // namespace ttfm::train
