// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/error.h>

namespace ttfm {

Error::Error(ErrorKind kind, const std::string& what, int code) : std::runtime_error(what), kind_(kind), code_(code) {}

Error::~Error() = default;

}  // namespace ttfm
