// Images of a batch into the engine's layout, sixteen images side by side, and back.
#pragma once

#include "api/interface.hpp"
#include "layout/maps.hpp"

namespace striate {

// Writes the images first … first + 15 of a batch to `to`, the origin of `maps`. Lanes beyond the last image repeat it,
// since values that no image has, such as all zeros, may become NaN in a layer. Writes only slice `slice` of `slices`
// slices of the rows.
void images_to_lanes(const StriateImages& images, int64_t first, const Maps& maps, float* to, int slice = 0,
                     int slices = 1);

// Writes the first `count` lanes of the maps at `from` to `images`: images × channels × rows × columns.
void lanes_to_images(const float* from, const Maps& maps, float* images, int count);

// Prefetches slice `slice` of `slices` of the memory of the images first … first + 15.
void prefetch_images(const StriateImages& images, int64_t first, const Maps& maps, int slice, int slices);

}  // namespace striate
