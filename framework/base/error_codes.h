// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

namespace ttfm {

/// The numbers of the error index: each has a row in docs/reference/errors.md (plugins) or docs/reference/configuration.md,
/// and keeps its meaning for ever. One that is no longer raised stays reserved. Texts print them as E100, E101, ...
enum ErrorCode : int {
  // plugins
  kUntrusted = 100,
  kNoProvider = 101,
  kNotALibrary = 102,
  kCannotBeLoaded = 103,
  kNotAPlugin = 104,
  kBorrowedEntry = 105,
  kNullDescriptor = 106,
  kBadDescriptor = 107,
  kOtherAbi = 108,
  kSmallStruct = 109,
  kOtherTorch = 110,
  kOtherBuild = 111,
  kBrokenPromise = 112,
  kDefectiveTable = 113,
  kProvidedTwice = 114,
  kUnknownComponent = 115,
  kDidNotStart = 118,
  kSecondRuntime = 119,
  kEndedTheProcess = 130,
  kNoTorch = 131,

  // configuration
  kUnknownKey = 116,
  kOutOfLimits = 117,
  kSyntax = 120,
  kUnknownSection = 121,
  kMissing = 122,
  kWrongType = 123,
  kNotAChoice = 124,
  kContradiction = 125,
  kExtends = 126,
  kBadOverride = 127,
  kUnreadable = 128,
  kBadTable = 129,
};

}  // namespace ttfm
