// Losses: the outputs of one lane group to the gradient of the batch's mean loss.
#pragma once

#include "api/interface.hpp"
#include "simd/vector.hpp"

namespace striate {

struct Score {
    double loss = 0;  // a sum over images
    int64_t right = 0;
};

// `outputs` and `gradient` are classes × 16. The first `count` lanes hold images; the others get a gradient of zero.
// `labels[i]` is the class of lane i, `first` the place of lane 0 in the batch of `images`.
Score score(const StriateTarget& target, const float* outputs, float* gradient, int classes, const int64_t* labels,
            int count, int64_t first, int64_t images);

}  // namespace striate
