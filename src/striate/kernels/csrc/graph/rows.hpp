// Joins and their gradients, one row of one channel at a time.
#pragma once

#include "simd/vector.hpp"

namespace striate {

// One term of a row of a join: scale · values + shift.
struct TermRow {
    const float* values;
    float scale, shift;
};

// to = function(Σ terms), `floats` values. `to` may be the values of the first term.
void join_row(float* to, const TermRow* terms, int count, int function, ptrdiff_t floats);

// One part of a row's gradient: `gradient`, or behind a batch normalisation that reads `values`
//
//     scale · gradient + (of_value · (values − mean) + constant)
struct GradientRow {
    const float* gradient;
    const float* values;  // null: no batch normalisation
    float scale, of_value, mean, constant;
};

// to = function′ · Σ parts, with the derivative computed from `made`, the function's values. Lanes from `live_lanes` on
// get zeros from batch normalisations.
void gradient_row(float* to, const GradientRow* parts, int count, int function, const float* made, int live_lanes,
                  ptrdiff_t floats);

}  // namespace striate
