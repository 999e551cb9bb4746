// An optimiser's rule, applied to a range of one parameter.
#pragma once

#include "api/interface.hpp"
#include "simd/vector.hpp"

namespace striate {

// Updates `count` values from `first` on, in float32, as torch.optim.AdamW or torch.optim.SGD do. `slot` is the
// parameter's index in the update's arrays.
void apply(const StriateUpdate& update, int slot, ptrdiff_t first, ptrdiff_t count, float* parameter,
           const float* gradient);

}  // namespace striate
