// A network's forward pass over one image, with the channels of a map in the lanes instead of sixteen images.
#pragma once

#include <memory>
#include <vector>

#include "layers/operation.hpp"
#include "layout/aligned_floats.hpp"

namespace striate {

// So few images take less time one by one than as a group of sixteen, most of which is empty.
constexpr int FEW = 4;

class Single {
public:
    // Null where it does not pay: for convolutions in groups, as links that are not there are multiplied by zero; and
    // for normalisations across maps, which are then across lanes.
    static std::unique_ptr<Single> of(const StriateLayer* layers, int count);

    // outputs: images × features of the last layer, row by row. The weights are read anew.
    void forward(const StriateImages& images, float* outputs);

private:
    Single(std::vector<std::unique_ptr<Operation>> layers, const StriateLayer& first, const StriateLayer& last);

    std::vector<std::unique_ptr<Operation>> layers;
    std::vector<AlignedFloats> values;  // values[i] goes into layer i
    int channels, features[3];
};

// A layer for one image. Maps lie as for a group of images: sixteen channels, instead of sixteen images, side by side.
std::unique_ptr<Operation> of_one(const StriateLayer& layer);

}  // namespace striate
