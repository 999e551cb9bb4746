#include "simd/sums.hpp"

#include <algorithm>

namespace striate {
namespace {

constexpr int VECTORS = GROUP / LANES;
constexpr ptrdiff_t FLOAT_POSITIONS = 32;  // positions summed in floats before they are added to doubles

// Sums of squares lose precision where the mean is large, so each lane's first value is subtracted before squaring.
template <bool SQUARES>
void add_all(const float* a, const float* b, ptrdiff_t positions, int live_lanes, double& sum, double& products) {
    double lanes[2][GROUP] = {};
    for (ptrdiff_t first = 0; first < positions; first += FLOAT_POSITIONS) {
        const ptrdiff_t end = std::min(first + FLOAT_POSITIONS, positions);
        // All vectors of a lane group in one loop: their additions are independent and hide each other's latency.
        Vector origin[VECTORS], sums[VECTORS] = {}, all_products[VECTORS] = {};
        for (int v = 0; v < VECTORS; v++) origin[v] = SQUARES ? load(a + v * LANES) : Vector{};
        for (ptrdiff_t i = first; i < end; i++) {
            for (int v = 0; v < VECTORS; v++) {
                const Vector value = load(a + i * GROUP + v * LANES) - origin[v];
                sums[v] += value, all_products[v] += value * (SQUARES ? value : load(b + i * GROUP + v * LANES));
            }
        }
        alignas(64) float partial[2][GROUP];
        for (int v = 0; v < VECTORS; v++)
            store(partial[0] + v * LANES, sums[v]), store(partial[1] + v * LANES, all_products[v]);
        for (int which = 0; which < 2; which++)
            for (int i = 0; i < GROUP; i++) lanes[which][i] += double(partial[which][i]);
    }
    for (int i = 0; i < live_lanes; i++) {
        const double origin = SQUARES ? a[i] : 0.0, origin_sum = origin * double(positions);
        sum += lanes[0][i] + origin_sum, products += lanes[1][i] + origin * (2 * lanes[0][i] + origin_sum);
    }
}

}  // namespace

void add_products(const float* a, const float* b, ptrdiff_t positions, int live_lanes, double& sum, double& products) {
    if (a == b) add_all<true>(a, b, positions, live_lanes, sum, products);
    else add_all<false>(a, b, positions, live_lanes, sum, products);
}

void LaneGroupSums::total(double* sum, double* products) const {
    std::fill(sum, sum + channels, 0.0), std::fill(products, products + channels, 0.0);
    for (size_t i = 0; i < sums.size(); i += 2) {
        const size_t channel = i / 2 % channels;
        sum[channel] += sums[i], products[channel] += sums[i + 1];
    }
}

}  // namespace striate
