// What goes value by value over all images of a batch: sums of terms, and to and from groups of sixteen images.
#pragma once

#include "api/interface.hpp"

namespace striate {

struct Extent {
    int64_t images;
    int channels, positions;
};

void join_forward(const StriateJoin& join, int threads);
void join_backward(const StriateJoin& join, int threads);
void to_groups(const float* images, float* groups, Extent extent, int threads);
void from_groups(const float* groups, float* images, Extent extent, int threads);

}  // namespace striate
