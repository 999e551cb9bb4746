// one_image/: inference of one image at a time. Start with this file.
//   one_image_network   all layers, one after another
//   channel_blocks      graphs, whose passes are in graph/inference
//   one_image_layers    the layers, with channels in the lanes
// Here the sixteen lanes hold sixteen channels of one image (a channel block) instead of one channel of sixteen images.
#pragma once

#include <memory>
#include <vector>

#include "layers/operation.hpp"
#include "layout/aligned_floats.hpp"

namespace striate {

inline int channel_blocks(int channels) { return (channels + GROUP - 1) / GROUP; }

// Whether a layer gains anything: not with channel groups or sparse connection tables, as missing links are multiplied
// by zero weights, nor with normalisation across channels, which here would be across lanes.
bool runs_on_one_image(const StriateLayer& layer);

// Up to this many images take less time one by one than in a lane group, most of whose lanes would be empty.
constexpr int MAX_ONE_BY_ONE = 4;

class OneImageNetwork {
public:
    // Null for networks that gain nothing.
    static std::unique_ptr<OneImageNetwork> create(const StriateLayer* layers, int count);

    // outputs: images × features of the last layer, row by row. Packs the weights first, since they may have changed.
    void forward(const StriateImages& images, float* outputs);

private:
    OneImageNetwork(std::vector<std::unique_ptr<Operation>> layers, const StriateLayer& first,
                    const StriateLayer& last);

    std::vector<std::unique_ptr<Operation>> layers;
    std::vector<AlignedFloats> values;  // values[i] goes into layer i
    int image[3], features[3];
};

// The operation of a layer on one image. Its maps lie as those of a lane group do, with channel blocks as channels.
std::unique_ptr<Operation> one_image_operation(const StriateLayer& layer);

}  // namespace striate
