// Transforms of Winograd's F(4, 3) and F(3, 4) with the points 0, 1, −1, 2, −1/2 and infinity. A tile in two dimensions
// takes each transform twice, along the columns and along the rows, so rounding errors grow twice: with −1/2 in the place
// of −2 they are a third as large.
#pragma once

#include "simd/vector.hpp"

namespace striate {

constexpr int WINOGRAD_POINTS = 6;
constexpr double WINOGRAD_AT[WINOGRAD_POINTS - 1] = {0, 1, -1, 2, -0.5};  // and infinity, the last one

// For each point but infinity, the product of its distances to the others.
constexpr double winograd_distances(int point) {
    double product = 1;
    for (int j = 0; j < WINOGRAD_POINTS - 1; j++)
        if (j != point) product *= WINOGRAD_AT[point] - WINOGRAD_AT[j];
    return product;
}

// Bᵀ d. Row i of Bᵀ holds the coefficients of Π (x − point) over the other points; for infinity, over all points.
inline void transform_values(const Vector (&d)[6], Vector (&v)[6]) {
    const Vector even = d[4] - d[2], odd = d[3] - d[1];
    v[0] = d[0] - d[2] + even - 1.5f * odd;
    v[1] = d[4] - d[1] - 0.5f * d[3] - 2.5f * d[2];
    v[2] = d[4] + d[1] - 2.5f * d[3] + 0.5f * d[2];
    v[3] = even + 0.5f * odd;
    v[4] = even - 2.0f * odd;
    v[5] = d[5] - d[3] - odd - 1.5f * even;
}

// Bᵀ d B of a square: d is value(y, x), and point (y, x) of the result goes to `to` + (6 y + x) · `point`. Returns 0 times
// all values: NaN where one of them was not finite.
template <class Value>
inline Vector transform_square(Value value, float* to, ptrdiff_t point) {
    Vector by_row[6][6], zero{};
    for (int y = 0; y < 6; y++) {
        Vector d[6];
        for (int x = 0; x < 6; x++) d[x] = value(y, x);
        transform_values(d, by_row[y]);
    }
    for (int x = 0; x < 6; x++, to += point) {
        Vector d[6], v[6];
        for (int y = 0; y < 6; y++) d[y] = by_row[y][x];
        transform_values(d, v);
        if (x == 0 || x == 5) zero += 0.0f * (v[0] + v[5]);  // all values are in these four
        for (int y = 0; y < 6; y++) store(to + y * 6 * point, v[y]);
    }
    return zero;
}

// The polynomial with the coefficients g at each of the points; at infinity, its highest coefficient.
inline void evaluate_at_points(const Vector (&g)[4], Vector (&u)[6]) {
    const Vector even = g[0] + g[2], odd = g[1] + g[3];
    u[0] = g[0], u[1] = even + odd, u[2] = even - odd;
    u[3] = g[0] + 2.0f * g[1] + 4.0f * g[2] + 8.0f * g[3];
    u[4] = g[0] - 0.5f * g[1] + 0.25f * g[2] - 0.125f * g[3];
    u[5] = g[3];
}

// Result j is the sum of the products, each times its point to the power of j.
inline void sum_powers(const Vector (&q)[6], Vector (&y)[4]) {
    const Vector even = q[1] + q[2], odd = q[1] - q[2];
    y[0] = q[0] + even + (q[3] + q[4]);
    y[1] = odd + 2.0f * q[3] - 0.5f * q[4];
    y[2] = even + 4.0f * q[3] + 0.25f * q[4];
    y[3] = odd + 8.0f * q[3] - 0.125f * q[4] + q[5];
}

// The same with three results, each product first divided by its point's distances to the others.
inline void sum_scaled_powers(const Vector (&q)[6], Vector (&y)[3]) {
    const Vector even = (1.0f / 3) * (q[2] - q[1]), odd = (-1.0f / 3) * (q[2] + q[1]);
    const Vector two = (1.0f / 15) * q[3], half = (-16.0f / 15) * q[4];
    y[0] = q[0] + even + two + half;
    y[1] = odd + 2.0f * two - 0.5f * half;
    y[2] = even + 4.0f * two + 0.25f * half + q[5];
}

}  // namespace striate
