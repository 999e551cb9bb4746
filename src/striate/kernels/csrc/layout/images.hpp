// Images of a batch, brought into the layout of the engine: sixteen side by side.
#pragma once

#include "api/interface.hpp"
#include "layout/maps.hpp"

namespace striate {

// The images first … first + 15 of a batch; beyond its end the last one again, as what no image holds, such as all zeros,
// may become NaN in a layer. `to` is the origin of maps laid as `maps`.
// Of `parts` parts of their rows only number `part`.
void gather(const StriateImages& images, int64_t first, const Maps& maps, float* to, int part = 0, int parts = 1);

// The way back: the values of a group to `count` images, channel by channel.
void scatter(const float* from, const Maps& maps, float* images, int count);

// Asks for part number `part` of `parts` of those images' memory, so that it is near when they are gathered.
void ask_for(const StriateImages& images, int64_t first, const Maps& maps, int part, int parts);

}  // namespace striate
