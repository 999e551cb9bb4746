// Sums over all positions of a channel and all images of a batch, for batch normalisation and its gradients.
#pragma once

#include <vector>

#include "simd/vector.hpp"

namespace striate {

// Adds Σ a to `sum` and Σ a · b to `products`, over `positions` positions and the first `live_lanes` of their 16 lanes.
void add_products(const float* a, const float* b, ptrdiff_t positions, int live_lanes, double& sum, double& products);

// The sums of each lane group of a batch. `total` adds them in the lane groups' order, so threads may finish in any.
class LaneGroupSums {
public:
    LaneGroupSums(int64_t groups, int channels) : channels(channels), sums(groups * channels * 2) {}
    void add(int64_t group, int channel, const float* a, const float* b, ptrdiff_t positions, int live_lanes) {
        double* at = sums.data() + (group * channels + channel) * 2;
        add_products(a, b, positions, live_lanes, at[0], at[1]);
    }
    void total(double* sum, double* products) const;

private:
    int channels;
    std::vector<double> sums;
};

}  // namespace striate
