// How a batch is cut into cache tiles.
#pragma once

#include <algorithm>

#include "simd/vector.hpp"

namespace striate {

// Lane groups of a cache tile, which pass through all layers together: a dense layer uses each weight it loads for all.
constexpr int CACHE_TILE_GROUPS = 2, CACHE_TILE_IMAGES = CACHE_TILE_GROUPS * GROUP;

// Cuts a batch into tiles of two lane groups. Where that gives an odd number of tiles, the last two tiles have one lane
// group each, so that two threads finish together. The cut depends on the batch's size alone, and so does the order in
// which gradients are added.
struct BatchTiles {
    static_assert(CACHE_TILE_GROUPS == 2, "rounding up adds one, and the last two tiles are written out");
    explicit BatchTiles(int64_t images)
        : groups((images + GROUP - 1) / GROUP), tiles((groups + 1) / CACHE_TILE_GROUPS) {
        if (tiles % 2 && groups % CACHE_TILE_GROUPS == 0) tiles++;
    }
    // The first lane group of a tile.
    int64_t begin(int64_t tile) const { return tile < tiles ? std::min(tile * CACHE_TILE_GROUPS, groups - 1) : groups; }
    int64_t groups, tiles;
};

}  // namespace striate
