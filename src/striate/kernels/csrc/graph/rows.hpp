// Joins and their gradients, one channel of one lane group at a time.
#pragma once

#include "simd/vector.hpp"

namespace striate {

// Rows of one channel: their number, and their length in floats. `stride` below is the distance between an array's rows.
struct Rows {
    int count;
    ptrdiff_t floats;
};

// One term of a join: scale · values + shift.
struct TermRows {
    const float* values;
    ptrdiff_t stride;
    float scale, shift;
};

// to = function(Σ terms). `to` may be the values of the first term.
void join_rows(Rows rows, float* to, ptrdiff_t stride, const TermRows* terms, int count, int function);

// The factor of a channel: the distances between its rows and its columns are 0 where it has one value an image.
struct FactorRows {
    const float* values;
    ptrdiff_t stride, step;
};

// values = function(factor · values).
void gate_rows(Rows rows, float* values, ptrdiff_t stride, FactorRows factor, int function);

// One part of a gradient: `gradient`, or behind a batch normalisation that reads `values`
//
//     scale · gradient + (of_value · (values − mean) + constant)
struct GradientRows {
    const float* gradient;
    ptrdiff_t stride;
    const float* values;  // null: no batch normalisation
    ptrdiff_t values_stride;
    float scale, of_value, mean, constant;
};

// The result of the function that was applied to the sum whose gradient is computed.
struct MadeRows {
    int function;
    const float* values;
    ptrdiff_t stride;
};

// to = function′ · Σ parts, with the derivative computed from `made`. Lanes from `live_lanes` on get zeros from batch
// normalisations.
void gradient_rows(Rows rows, float* to, ptrdiff_t stride, const GradientRows* parts, int count, MadeRows made,
                   int live_lanes);

}  // namespace striate
