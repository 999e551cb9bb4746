// Losses: from the outputs of one group of images to the gradient of the batch's mean loss.
#pragma once

#include "api/interface.hpp"
#include "simd/vector.hpp"

namespace striate {

struct Score {
    double loss = 0;  // a sum over images
    int64_t right = 0;
};

// `outputs` and `gradient`: classes × 16; `count` of the 16 images are real, the others get a gradient of zero.
// `labels[i]` is the class of image i, `images` the number of images in the whole batch.
Score score(const StriateTarget& target, const float* outputs, float* gradient, int classes, const int64_t* labels,
            int count, int64_t images);

}  // namespace striate
