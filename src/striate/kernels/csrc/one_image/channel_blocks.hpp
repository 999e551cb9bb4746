// Plans, images and answers where the lanes hold sixteen channels of one image: a channel block.
#pragma once

#include "graph/plan.hpp"
#include "layout/maps.hpp"

namespace striate {

// A folded plan whose nodes count channel blocks where they counted channels; its layers keep their channels. A flat
// vector that is made of maps stays as these maps lie, and the dense layers that read it get their shape. `answer`
// becomes the shape of what the plan makes, in channels.
//
// Throws std::invalid_argument for a plan that the lanes cannot hold, or that gains nothing: with channel groups,
// sparse connection tables, normalisations (across channels, or not folded), or terms that do not begin with a block or
// end within one.
Plan in_channel_blocks(Plan folded, int answer[3]);

// Image `number` of a batch, of `shape`, to the origin of `maps`. Lanes that have no channel are not written.
void image_to_channel_lanes(const StriateImages& images, int64_t number, const int shape[3], const Maps& maps,
                            float* to);

// The maps at `from`, of `shape` in channels, as channels × rows × columns.
void channel_lanes_to_answer(const float* from, const Maps& maps, const int shape[3], float* answer);

}  // namespace striate
