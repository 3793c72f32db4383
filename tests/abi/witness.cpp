// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Part of libttfm in the preset `abi` alone. Exported functions that take what no function of libttfm takes, so that
// abidw finds it: the C border, which plugins implement.
#include <ttfm/abi.h>
#include <ttfm/export.h>
#include <ttfm/parameters.h>

namespace ttfm::witness {

TTFM_API void descriptor(const ttfm_plugin_v1&, const ttfm_component_v1&, const ttfm_param_v1&, const ttfm_host_v1&,
                         decltype(ttfm_plugin_entry_v1)*) {}
TTFM_API void values(ttfm_kind, ttfm_status, ttfm_param_type, ttfm_log_level) {}

}  // namespace ttfm::witness
