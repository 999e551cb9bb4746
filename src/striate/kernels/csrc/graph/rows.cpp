#include "graph/rows.hpp"

#include <algorithm>

#include "simd/activations.hpp"

namespace striate {
namespace {

// The first one or two terms, with the ReLU in the same pass.
template <int TERMS, bool WITH_RELU>
void first_terms(Rows rows, float* to, ptrdiff_t stride, const TermRows* terms) {
    const TermRows one = terms[0], two = terms[TERMS - 1];
    for (int y = 0; y < rows.count; y++) {
        const float *first = one.values + y * one.stride, *second = two.values + y * two.stride;
        float* const row = to + y * stride;
        for (ptrdiff_t i = 0; i < rows.floats; i += LANES) {
            Vector sum = load(first + i) * one.scale + one.shift;
            if (TERMS == 2) sum += load(second + i) * two.scale + two.shift;
            store(row + i, WITH_RELU ? relu_of(sum) : sum);
        }
    }
}

// A part's contribution to row y, written to `row` or added to it. FULL: all lanes hold images.
template <bool NORMALISED, bool ADDS, bool FULL>
void add_part(int y, ptrdiff_t floats, float* row, const GradientRows& given, const int32_t* live) {
    const GradientRows part = given;  // a store through a Vector might change what is given
    const float *gradient = part.gradient + y * part.stride, *values = part.values;
    if (NORMALISED) values += y * part.values_stride;
    for (ptrdiff_t i = 0; i < floats; i += LANES) {
        Vector sum = load(gradient + i);
        if (NORMALISED) {
            sum = part.scale * sum + (part.of_value * (load(values + i) - part.mean) + part.constant);
            if (!FULL) sum = load_ints(live + i % GROUP) ? sum : Vector{};
        }
        store(row + i, ADDS ? load(row + i) + sum : sum);
    }
}

using AddPart = void (*)(int y, ptrdiff_t floats, float* row, const GradientRows& part, const int32_t* live);
template <bool ADDS>
AddPart part_adder(bool normalised, bool full) {
    if (!normalised) return add_part<false, ADDS, true>;
    return full ? add_part<true, ADDS, true> : add_part<true, ADDS, false>;
}

}  // namespace

void join_rows(Rows rows, float* to, ptrdiff_t stride, const TermRows* terms, int count, int function) {
    const bool with_relu = function == RELU && (count == 1 || count == 2);
    switch (std::min(count, 2)) {
        case 0:
            for (int y = 0; y < rows.count; y++) std::fill(to + y * stride, to + y * stride + rows.floats, 0.0f);
            break;
        case 1:
            with_relu ? first_terms<1, true>(rows, to, stride, terms) : first_terms<1, false>(rows, to, stride, terms);
            break;
        default:
            with_relu ? first_terms<2, true>(rows, to, stride, terms) : first_terms<2, false>(rows, to, stride, terms);
    }
    for (int t = 2; t < count; t++)
        for (int y = 0; y < rows.count; y++)
            for (ptrdiff_t i = 0; i < rows.floats; i += LANES) {
                const Vector term = load(terms[t].values + y * terms[t].stride + i) * terms[t].scale + terms[t].shift;
                store(to + y * stride + i, load(to + y * stride + i) + term);
            }
    if (with_relu || function == IDENTITY) return;
    for (int y = 0; y < rows.count; y++) activate(function, to + y * stride, rows.floats / GROUP);
}

void gate_rows(Rows rows, float* values, ptrdiff_t stride, FactorRows factor, int function) {
    for (int y = 0; y < rows.count; y++) {
        float* const row = values + y * stride;
        for (ptrdiff_t x = 0; x < rows.floats / GROUP; x++)
            for (int lane = 0; lane < GROUP; lane += LANES) {
                const Vector by = load(factor.values + y * factor.stride + x * factor.step + lane);
                store(row + x * GROUP + lane, by * load(row + x * GROUP + lane));
            }
        activate(function, row, rows.floats / GROUP);
    }
}

void gradient_rows(Rows rows, float* to, ptrdiff_t stride, const GradientRows* parts, int count, MadeRows made,
                   int live_lanes) {
    alignas(64) int32_t live[GROUP];
    for (int i = 0; i < GROUP; i++) live[i] = i < live_lanes ? -1 : 0;
    for (int y = 0; y < rows.count; y++) {  // row by row, while it is in the nearest cache
        float* const row = to + y * stride;
        for (int p = 0; p < count; p++) {
            const bool normalised = parts[p].values, full = live_lanes == GROUP;
            (p ? part_adder<true>(normalised, full) : part_adder<false>(normalised, full))(y, rows.floats, row,
                                                                                           parts[p], live);
        }
        multiply_by_derivative(made.function, made.values + y * made.stride, row, rows.floats / GROUP);
    }
}

}  // namespace striate
