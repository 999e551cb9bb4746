// Layers on one image: their maps lie as those of a lane group do, with channel blocks as channels.
#pragma once

#include <memory>

#include "layers/operation.hpp"

namespace striate {

inline int channel_blocks(int channels) { return (channels + GROUP - 1) / GROUP; }

// Whether a layer gains anything: not with channel groups or sparse connection tables, as missing links are multiplied
// by zero weights, nor with normalisation across channels, which here would be across lanes.
bool runs_on_one_image(const StriateLayer& layer);

std::unique_ptr<Operation> one_image_operation(const StriateLayer& layer);

}  // namespace striate
