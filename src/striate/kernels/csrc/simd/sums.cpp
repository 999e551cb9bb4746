#include "simd/sums.hpp"

#include <algorithm>

namespace striate {
namespace {

constexpr ptrdiff_t STRETCH = 32;  // so many are added as floats before they go into doubles

// Squares lose their digits where the mean is large: they are taken of what lies between a value and its lane's first.
template <bool SQUARES>
void add_all(const float* a, const float* b, ptrdiff_t positions, int live, double& sum, double& products) {
    double lanes[2][GROUP] = {};
    for (ptrdiff_t first = 0; first < positions; first += STRETCH) {
        const ptrdiff_t end = std::min(first + STRETCH, positions);
        alignas(64) float parts[2][GROUP];
        for (int lane = 0; lane < GROUP; lane += LANES) {
            const Vector origin = SQUARES ? load(a + lane) : Vector{};
            Vector one{}, two{};
            for (ptrdiff_t i = first; i < end; i++) {
                const Vector value = load(a + i * GROUP + lane) - origin;
                one += value, two += value * (SQUARES ? value : load(b + i * GROUP + lane));
            }
            store(parts[0] + lane, one), store(parts[1] + lane, two);
        }
        for (int part = 0; part < 2; part++)
            for (int i = 0; i < GROUP; i++) lanes[part][i] += double(parts[part][i]);
    }
    for (int i = 0; i < live; i++) {
        const double origin = SQUARES ? a[i] : 0.0, whole = origin * double(positions);
        sum += lanes[0][i] + whole, products += lanes[1][i] + origin * (2 * lanes[0][i] + whole);
    }
}

}  // namespace

void add_products(const float* a, const float* b, ptrdiff_t positions, int live, double& sum, double& products) {
    if (a == b) add_all<true>(a, b, positions, live, sum, products);
    else add_all<false>(a, b, positions, live, sum, products);
}

void GroupSums::total(double* sum, double* products) const {
    std::fill(sum, sum + channels, 0.0), std::fill(products, products + channels, 0.0);
    for (size_t i = 0; i < sums.size(); i += 2) {
        const size_t channel = i / 2 % channels;
        sum[channel] += sums[i], products[channel] += sums[i + 1];
    }
}

}  // namespace striate
