#include "graph/rows.hpp"

#include <algorithm>

#include "simd/activations.hpp"

namespace striate {
namespace {

Vector term_at(const TermRow& term, ptrdiff_t i) { return load(term.values + i) * term.scale + term.shift; }

}  // namespace

void join_row(float* to, const TermRow* terms, int count, int function, ptrdiff_t floats) {
    const bool relu = function == RELU && count > 0 && count < 3;
    if (!count) {
        std::fill(to, to + floats, 0.0f);
    } else if (count == 1) {
        const TermRow one = terms[0];
        for (ptrdiff_t i = 0; i < floats; i += LANES) {
            const Vector sum = term_at(one, i);
            store(to + i, relu ? relu_of(sum) : sum);
        }
    } else {
        const TermRow one = terms[0], two = terms[1];
        for (ptrdiff_t i = 0; i < floats; i += LANES) {
            const Vector sum = term_at(one, i) + term_at(two, i);
            store(to + i, relu ? relu_of(sum) : sum);
        }
    }
    for (int t = 2; t < count; t++)
        for (ptrdiff_t i = 0; i < floats; i += LANES) store(to + i, load(to + i) + term_at(terms[t], i));
    if (!relu) activate(function, to, floats / GROUP);
}

void gradient_row(float* to, const GradientRow* parts, int count, int function, const float* made, int live_lanes,
                  ptrdiff_t floats) {
    alignas(64) int32_t live[GROUP];
    for (int i = 0; i < GROUP; i++) live[i] = i < live_lanes ? -1 : 0;
    if (!count) std::fill(to, to + floats, 0.0f);
    for (int p = 0; p < count; p++) {
        const GradientRow part = parts[p];
        for (ptrdiff_t i = 0; i < floats; i += LANES) {
            Vector gradient = load(part.gradient + i);
            if (part.values) {
                const Vector through =
                    part.scale * gradient + (part.of_value * (load(part.values + i) - part.mean) + part.constant);
                gradient = load_ints(live + i % GROUP) ? through : Vector{};
            }
            store(to + i, p ? load(to + i) + gradient : gradient);
        }
    }
    multiply_by_derivative(function, made, to, floats / GROUP);
}

}  // namespace striate
