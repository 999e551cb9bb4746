// The 48 planes of AlphaGo's policy network (D. Silver et al., 2016, Extended Data Table 2), as docs/go.md defines them.
#pragma once

#include "go/replay.hpp"

namespace striate::go {

constexpr int PLANES = 48;

// Writes 48 × points bytes to `planes`: `one` where a plane is set, else 0. Point i of a plane is the position's point
// places[i].
void write_planes(const Position& position, int points, const int16_t* places, uint8_t one, uint8_t* planes);

}  // namespace striate::go
