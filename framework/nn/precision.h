// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <ttfm/interface.h>

/// The type that layers compute in. LibTorch's autocast says so (torch::autocast): it also reaches layers that are not
/// ours.
namespace ttfm::nn {

/// The type of products with x: 16 bits where autocast is on for its device, else its own.
at::ScalarType compute_type(const Tensor& x);

/// Within: neither autograd nor autocast. For the body of an autograd function.
class Below {
  at::AutoDispatchBelowADInplaceOrView below_autograd_;
  c10::impl::ExcludeDispatchKeyGuard no_autocast_{c10::autocast_dispatch_keyset};
};

}  // namespace ttfm::nn
