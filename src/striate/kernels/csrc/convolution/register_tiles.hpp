// The two inner loops of a convolution. Each computes one register tile: a rectangle of sums that stay in registers
// while the loop runs over the taps or positions. Every tile size that fits has a kernel, compiled from one template.
#pragma once

#include "api/interface.hpp"
#include "simd/vector.hpp"

namespace striate {

// The largest register tiles, in filters (or input channels), columns and taps.
constexpr int MAX_TILE_FILTERS = 8, MAX_TILE_COLUMNS = 14, MAX_TILE_TAPS = 8;
constexpr int MAX_TRIANGLE_COLUMNS = 6;

// Whether a tile's sums, `operands` vectors and one more fit in the registers.
constexpr bool fits(int filters, int others, int operands) { return filters * others + operands + 1 <= REGISTERS; }

// The cost of one step of a tile's loop, in about half cycles: two products per cycle, each with a latency of four
// cycles, and a load in three quarters of a cycle. It is fitted to measurements, and only has to rank tile sizes.
constexpr double tile_cost(int filters, int others) {
    const double products = filters * others + (filters + others) / 4.0, loads = 1.5 * (filters + others);
    const double slower = products > loads ? products : loads;
    return slower > 8 ? slower : 8;
}

// The forward loop, and the input gradient's: for a register tile of output maps f and columns x,
//
//     out[f][x] = start[f] + Σ_t weights[t][f] · in[offsets[t] + x · in_step]
//
// The taps t form runs of `run` successive taps. `inner_count` runs lie `inner` taps apart, and that is repeated
// `outer_count` times, `outer` taps apart: this leaves out a kernel's rows and columns that fall outside the map.
// The kernel computes `rows` rows of the result, one after another.
struct Correlation {
    const float* in;
    const int32_t* offsets;
    const float* weights;  // packed: for each tap the tile's filters side by side
    const float* start;    // null: zero
    int outer_count, outer, inner_count, inner, run;
    ptrdiff_t in_step, out_step, out_channel;
    int rows;
    ptrdiff_t in_row, out_row;
    float* out;
    bool relu;                 // applied to the result
    const float* relu_values;  // null, or values of a ReLU by whose derivative the result is multiplied
    ptrdiff_t relu_step, relu_channel, relu_row;
};
using CorrelationKernel = void (*)(const Correlation&);

// Which of a tile's columns a run's taps contribute to: all of them, or at the edges of a map, where the others would
// read outside it, tap t to the columns from t on (UPPER_TRIANGLE) or up to t (LOWER_TRIANGLE). In a triangle the run
// has as many taps as the tile has columns.
enum TapShape { RECTANGLE, UPPER_TRIANGLE, LOWER_TRIANGLE };

// The kernel for a register tile of `filters` × `columns`, or null where that does not fit.
CorrelationKernel correlation_kernel(int filters, int columns, TapShape shape);

// The weight gradient's loop: for a register tile of filters f and taps t, lane by lane,
//
//     partial[f][t] += Σ_i gradient[filters[f] + gradient_offsets[i]] · in[taps[t] + in_offsets[i]]
struct WeightProducts {
    const float* gradient;
    const int32_t* filters;
    const float* in;
    const int32_t* taps;
    const int32_t *gradient_offsets, *in_offsets;
    int positions;
    float* partial;  // filters × taps × 16
    bool from_zero;  // start from zero instead of adding to `partial`
};
using WeightProductsKernel = void (*)(const WeightProducts&);

// The kernel for a register tile of `filters` × `taps`, or null where that does not fit.
WeightProductsKernel weight_products_kernel(int filters, int taps);

// to[i] = the sum of the 16 lanes of from[i], always in the same order. `to` and `from` may be the same.
void add_lanes(const float* from, float* to, int count);

}  // namespace striate
