// Sums over all values of a map and all images of a group, for batch normalisation and its gradients.
#pragma once

#include <vector>

#include "simd/vector.hpp"

namespace striate {

// Adds Σ a and Σ a · b over `positions` vectors of 16, of which the first `live` lanes count.
void add_products(const float* a, const float* b, ptrdiff_t positions, int live, double& sum, double& products);

// The sums that each group of a batch has made, added up in the groups' order.
class GroupSums {
public:
    GroupSums(int64_t groups, int channels) : channels(channels), sums(groups * channels * 2) {}
    void add(int64_t group, int channel, const float* a, const float* b, ptrdiff_t positions, int live) {
        double* at = sums.data() + (group * channels + channel) * 2;
        add_products(a, b, positions, live, at[0], at[1]);
    }
    void total(double* sum, double* products) const;

private:
    int channels;
    std::vector<double> sums;
};

}  // namespace striate
