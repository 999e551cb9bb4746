// The two inner loops of a convolution, each over a block of accumulators that stays in registers.
#pragma once

#include "api/interface.hpp"
#include "simd/vector.hpp"

namespace striate {

// The most filters (or input channels), columns and taps in one block.
constexpr int BLOCK_FILTERS = 8, BLOCK_COLUMNS = 14, BLOCK_TAPS = 8;
constexpr int TRIANGLE_COLUMNS = 6;

// Whether the accumulators of a block, the operands of its side `held` and one more vector fit in the registers.
constexpr bool fits(int filters, int others, int operands) { return filters * others + operands + 1 <= REGISTERS; }

// About how many half cycles a block takes for each of its steps: two products a cycle, each with a latency of four,
// and a load in three quarters of a cycle. It was fitted to measurements, and only has to put blocks in order.
constexpr double block_cost(int filters, int others) {
    const double products = filters * others + (filters + others) / 4.0, loads = 1.5 * (filters + others);
    const double most = products > loads ? products : loads;
    return most > 8 ? most : 8;
}

// out[f][x] = start[f] + Σ_t weights[t][f] · in[offsets[t] + x · in_step], for a block of maps f and columns x.
//
// The taps t come in runs of `run` that follow each other; runs lie `inner` taps apart, `inner_count` of them, and
// that again `outer_count` times, `outer` apart: so the rows and columns of a kernel that fall outside are left out.
// All of it for `rows` rows of the result, one after another.
struct Correlation {
    const float* in;
    const int32_t* offsets;
    const float* weights;  // packed: the block's filters side by side, tap after tap
    const float* start;    // null: zero
    int outer_count, outer, inner_count, inner, run;
    ptrdiff_t in_step, out_step, out_channel;
    int rows;
    ptrdiff_t in_row, out_row;
    float* out;
    bool relu;          // applied to the result
    const float* gate;  // null: none; else values of a ReLU, whose derivative the result is multiplied by
    ptrdiff_t gate_step, gate_channel, gate_row;
};
using Correlate = void (*)(const Correlation&);

// Which columns of a block a run's taps reach: all; or tap t those from t on, or those up to t, as the others would
// read what lies beyond an edge. Of such a triangle the run has as many taps as the block has columns.
enum Shape { WHOLE, FROM, UP_TO };

// The kernel for a block of `filters` × `columns`, or null where that does not fit.
Correlate correlation(int filters, int columns, Shape shape);

// partial[f][t] += Σ_i gradient[filters[f] + gradient_places[i]] · in[taps[t] + in_places[i]], lane by lane.
struct Products {
    const float* gradient;
    const int32_t* filters;
    const float* in;
    const int32_t* taps;
    const int32_t *gradient_places, *in_places;
    int places;
    float* partial;  // filters × taps × 16
    bool fresh;      // begin with zero instead of with what is there
};
using Multiply = void (*)(const Products&);

// The kernel for a block of `filters` × `taps`, or null where that does not fit.
Multiply products(int filters, int taps);

// to[i] = the sum of the 16 lanes of from[i], in one fixed order. `to` may be where `from` is.
void add_lanes(const float* from, float* to, int count);

}  // namespace striate
