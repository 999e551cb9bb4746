// What an optimiser does with a stretch of one parameter.
#pragma once

#include "api/interface.hpp"
#include "simd/vector.hpp"

namespace striate {

// As torch.optim.AdamW and torch.optim.SGD do it, value by value, in float32. `slot` is the parameter's number.
void apply(const StriateUpdate& update, int slot, ptrdiff_t first, ptrdiff_t count, float* parameter,
           const float* gradient);

}  // namespace striate
