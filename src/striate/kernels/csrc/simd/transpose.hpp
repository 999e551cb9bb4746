// Squares of LANES × LANES floats, transposed or summed in registers.
#pragma once

#include <utility>

#include "simd/vector.hpp"

namespace striate {

// One step of a butterfly transposition. Lanes are taken in runs of WIDTH; the result alternates runs of `a` and `b`:
// the even runs of both (HIGH false) or the odd runs of both (HIGH true).
template <int WIDTH, bool HIGH, int... LANE>
inline Vector exchange(Vector a, Vector b, std::integer_sequence<int, LANE...>) {
#if defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(a, b,
                                   ((LANE & WIDTH) ? LANES + LANE - (HIGH ? 0 : WIDTH) : LANE + (HIGH ? WIDTH : 0))...);
#else
    return __builtin_shuffle(
        a, b, IntVector{((LANE & WIDTH) ? LANES + LANE - (HIGH ? 0 : WIDTH) : LANE + (HIGH ? WIDTH : 0))...});
#endif
}

template <int WIDTH>
inline Vector low(Vector a, Vector b) {
    return exchange<WIDTH, false>(a, b, std::make_integer_sequence<int, LANES>());
}

template <int WIDTH>
inline Vector high(Vector a, Vector b) {
    return exchange<WIDTH, true>(a, b, std::make_integer_sequence<int, LANES>());
}

template <int WIDTH = LANES / 2>
inline void transpose(Vector (&rows)[LANES]) {
    for (int r = 0; r < LANES; r++) {
        if (r & WIDTH) continue;
        const Vector a = rows[r], b = rows[r + WIDTH];
        rows[r] = low<WIDTH>(a, b), rows[r + WIDTH] = high<WIDTH>(a, b);
    }
    if constexpr (WIDTH > 1) transpose<WIDTH / 2>(rows);
}

// Lane i of the result is the sum of all lanes of row i: a transposition that adds at each step.
template <int WIDTH = LANES / 2>
inline Vector row_sums(Vector (&rows)[LANES]) {
    for (int r = 0; r < WIDTH; r++)
        rows[r] = low<WIDTH>(rows[r], rows[r + WIDTH]) + high<WIDTH>(rows[r], rows[r + WIDTH]);
    if constexpr (WIDTH > 1) return row_sums<WIDTH / 2>(rows);
    else return rows[0];
}

}  // namespace striate
