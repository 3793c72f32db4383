// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/shared_library.h"

#include <gtest/gtest.h>

namespace ttfm::host {
namespace {

constexpr const char* kBefore = "boost::dll::shared_library::load() failed (dlerror system message: ";

TEST(LoadErrorReason, IsWhatTheLinkerSaid) {
  EXPECT_EQ(load_error_reason(std::string(kBefore) + "libm.so.9: cannot open (no file): Bad file descriptor",
                              "/a/libttfm_a.so"),
            "libm.so.9: cannot open (no file");
  EXPECT_EQ(load_error_reason(std::string(kBefore) + "/a/libttfm_a.so: file too short): Bad file descriptor",
                              "/a/libttfm_a.so"),
            "file too short");
}

TEST(LoadErrorReason, MakesSymbolsReadable) {
  static constexpr const char* kHint =
      ". It was linked with another ttfm or LibTorch than these, or with too few libraries: rebuild it";

  EXPECT_EQ(load_error_reason(std::string(kBefore) +
                                  "/a/b.so: undefined symbol: _ZN2at6Tensor4oopsEv, version X): Bad file descriptor",
                              "/a/b.so"),
            std::string("undefined symbol: _ZN2at6Tensor4oopsEv (at::Tensor::oops()), version X") + kHint);
  EXPECT_EQ(load_error_reason("undefined symbol: plain_c", "/a/b.so"),
            std::string("undefined symbol: plain_c") + kHint);
}

TEST(LoadErrorReason, IsTheWholeTextWhereTheFormIsNew) {
  EXPECT_EQ(load_error_reason("something else", "/a/b.so"), "something else");
}

}  // namespace
}  // namespace ttfm::host
