// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Plugins whose library ends the process while it is opened, before the host can ask it anything.
#include <ttfm/plugin.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#if defined(ENDS_BY_OPERATORS)
#include <torch/library.h>

TORCH_LIBRARY(aten, library) { library.def("of_a_plugin(Tensor x) -> Tensor"); }  // LibTorch has that namespace
#else
namespace {

bool initialise() {
#if defined(ENDS_BY_EXCEPTION)
  throw std::runtime_error("no licence server");
#else
  std::fputs("first line\n\tlicence expired\n\nask for another\nat the usual place\nframe #0: main\n", stderr);
  std::exit(3);
#endif
}

const bool initialised = initialise();

}  // namespace
#endif

namespace {
struct Unreached final : ttfm::Loss {};
}  // namespace

TTFM_PLUGIN(plugin, COMPONENT, "0.1.0") { plugin.add<Unreached>(COMPONENT, "a plugin for tests"); }
