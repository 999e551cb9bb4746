// Passes over all images of a batch, value by value: sums of one or two terms, and images into lane groups and back.
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
