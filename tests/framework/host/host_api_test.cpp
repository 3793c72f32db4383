// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/host_api.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <new>

#include <ttfm/plugin.h>

namespace ttfm::host {
namespace {

struct NoMemory final : Loss {
  NoMemory() { throw std::bad_alloc(); }
};

struct NoDeviceMemory final : Loss {
  NoDeviceMemory() { throw c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, "CUDA out of memory"); }
};

struct NoHostMemory final : Loss {
  NoHostMemory() {
    throw c10::Error({__func__, __FILE__, __LINE__}, "DefaultCPUAllocator: can't allocate memory: you tried 8 bytes");
  }
};

struct OtherMistake final : Loss {
  OtherMistake() { throw c10::Error({__func__, __FILE__, __LINE__}, "shapes differ"); }
};

struct Refusal final : Loss {
  Refusal() { throw Error(ErrorKind::config, "step is above 1", 117); }
};

/// What a component that does not start says.
template <class T>
Failure failure_of() {
  Plugin plugin("p", "0.1.0");
  plugin.add<T>("c", "a component");
  const ttfm_component_v1& component = *plugin.descriptor()->components;
  void* object = nullptr;
  Failure failure;
  EXPECT_FALSE(call_plugin([&] { return component.create(&host_functions(), nullptr, &object); }, failure));
  return failure;
}

TEST(HostApi, TellsMemoryThatRanOutFromABugInThePlugin) {
  for (const Failure& failure : {failure_of<NoMemory>(), failure_of<NoDeviceMemory>(), failure_of<NoHostMemory>()}) {
    EXPECT_EQ(failure.kind, ErrorKind::device) << failure.what;
  }
  EXPECT_EQ(failure_of<NoMemory>().what, "out of memory (std::bad_alloc)");
  EXPECT_EQ(failure_of<NoHostMemory>().what,
            "out of memory (DefaultCPUAllocator: can't allocate memory: you tried 8 bytes)");
  EXPECT_EQ(failure_of<OtherMistake>().kind, ErrorKind::internal);
  EXPECT_EQ(failure_of<OtherMistake>().what, "shapes differ");
}

TEST(HostApi, KeepsTheNumberThatAPluginGave) {
  const Failure failure = failure_of<Refusal>();

  const Error error = start_error("loss 'c'", failure, "p 0.1.0 (/p/x.so)");

  EXPECT_STREQ(error.what(), "loss 'c' failed to start: step is above 1");
  EXPECT_EQ(error.kind(), ErrorKind::config);
  EXPECT_EQ(error.code(), 117);
}

TEST(HostApi, NumbersAFailureWithoutANumber) {
  const Failure failure = failure_of<OtherMistake>();

  const Error error = start_error("loss 'c'", failure, "p 0.1.0 (/p/x.so)");

  EXPECT_STREQ(error.what(), "loss 'c' failed to start: shapes differ. This is a bug in the plugin p 0.1.0 (/p/x.so).");
  EXPECT_EQ(error.kind(), ErrorKind::plugin);
  EXPECT_EQ(error.code(), 118);
}

}  // namespace
}  // namespace ttfm::host
