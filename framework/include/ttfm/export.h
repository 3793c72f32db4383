// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

/// Marks what libttfm.so exports; everything else is built with hidden visibility.
#define TTFM_API __attribute__((visibility("default")))
