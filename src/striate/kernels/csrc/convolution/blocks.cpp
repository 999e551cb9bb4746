#include "convolution/blocks.hpp"

#include <array>
#include <utility>

#include "simd/activations.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

// Tap T of a triangle.
template <int T, Shape SHAPE, int FILTERS, int COLUMNS>
inline void add_tap(const float* in, ptrdiff_t step, const float* weight, Vector (&sum)[FILTERS][COLUMNS]) {
    constexpr int FIRST = SHAPE == FROM ? T : 0, END = SHAPE == FROM ? COLUMNS : T + 1;
    Vector value[END - FIRST];
    for (int x = FIRST; x < END; x++) value[x - FIRST] = load(in + x * step);
    for (int f = 0; f < FILTERS; f++)
        for (int x = FIRST; x < END; x++) sum[f][x] += weight[T * FILTERS + f] * value[x - FIRST];
}

template <Shape SHAPE, int FILTERS, int COLUMNS, int... T>
inline void add_triangle(const float* in, const int32_t* offset, ptrdiff_t step, const float* weight,
                         Vector (&sum)[FILTERS][COLUMNS], std::integer_sequence<int, T...>) {
    (add_tap<T, SHAPE>(in + offset[T], step, weight, sum), ...);
}

template <int FILTERS, int COLUMNS, Shape SHAPE>
void correlate(const Correlation& c) {
    for (int turn = 0; turn < c.rows * (GROUP / LANES); turn++) {
        const int y = turn / (GROUP / LANES), lane = turn % (GROUP / LANES) * LANES;
        const ptrdiff_t at = y * c.in_row + lane;
        Vector sum[FILTERS][COLUMNS];
        for (int f = 0; f < FILTERS; f++)
            for (int x = 0; x < COLUMNS; x++) sum[f][x] = broadcast(c.start ? c.start[f] : 0.0f);
        for (int a = 0; a < c.outer_count; a++) {
            for (int b = 0; b < c.inner_count; b++) {
                const ptrdiff_t first = ptrdiff_t(a) * c.outer + ptrdiff_t(b) * c.inner;
                const int32_t* offset = c.offsets + first;
                const float* weight = c.weights + first * FILTERS;
                if constexpr (SHAPE != WHOLE)
                    add_triangle<SHAPE>(c.in + at, offset, c.in_step, weight, sum,
                                        std::make_integer_sequence<int, COLUMNS>());
                for (int t = 0; SHAPE == WHOLE && t < c.run; t++, weight += FILTERS) {
                    const float* in = c.in + at + offset[t];
                    if constexpr (COLUMNS <= FILTERS) {  // the smaller side waits in registers, the larger streams by
                        Vector value[COLUMNS];
                        for (int x = 0; x < COLUMNS; x++) value[x] = load(in + x * c.in_step);
                        for (int f = 0; f < FILTERS; f++)
                            for (int x = 0; x < COLUMNS; x++) sum[f][x] += weight[f] * value[x];
                    } else {
                        Vector factor[FILTERS];
                        for (int f = 0; f < FILTERS; f++) factor[f] = broadcast(weight[f]);
                        for (int x = 0; x < COLUMNS; x++) {
                            const Vector value =
                                FILTERS == 1 ? load(in + x * c.in_step) : in_register(load(in + x * c.in_step));
                            for (int f = 0; f < FILTERS; f++) sum[f][x] += factor[f] * value;
                        }
                    }
                }
            }
        }
        if (c.relu)
            for (int f = 0; f < FILTERS; f++)
                for (int x = 0; x < COLUMNS; x++) sum[f][x] = relu_of(sum[f][x]);
        if (c.gate) {
            const float* gate = c.gate + y * c.gate_row + lane;
            for (int f = 0; f < FILTERS; f++, gate += c.gate_channel)
                for (int x = 0; x < COLUMNS; x++)
                    sum[f][x] = times_derivative(RELU, load(gate + x * c.gate_step), sum[f][x]);
        }
        float* out = c.out + y * c.out_row + lane;
        const ptrdiff_t out_step = c.out_step, out_channel = c.out_channel;
        for (int f = 0; f < FILTERS; f++, out += out_channel)
            for (int x = 0; x < COLUMNS; x++) store(out + x * out_step, sum[f][x]);
    }
}

template <int FILTERS, int TAPS>
void multiply(const Products& p) {
    float* const partial = p.partial;
    for (int lane = 0; lane < GROUP; lane += LANES) {
        Vector sum[FILTERS][TAPS];
        for (int f = 0; f < FILTERS; f++)
            for (int t = 0; t < TAPS; t++)
                sum[f][t] = p.fresh ? Vector{} : load(partial + (f * TAPS + t) * GROUP + lane);
        const float *gradient[FILTERS], *in[TAPS];
        for (int f = 0; f < FILTERS; f++) gradient[f] = p.gradient + p.filters[f] + lane;
        for (int t = 0; t < TAPS; t++) in[t] = p.in + p.taps[t] + lane;
        const int32_t *from = p.gradient_places, *to = p.in_places;
        for (int i = 0; i < p.places; i++) {
            Vector factor[FILTERS];
            for (int f = 0; f < FILTERS; f++) factor[f] = in_register(load(gradient[f] + from[i]));
            for (int t = 0; t < TAPS; t++) {
                const Vector value = in_register(load(in[t] + to[i]));
                for (int f = 0; f < FILTERS; f++) sum[f][t] += factor[f] * value;
            }
        }
        for (int f = 0; f < FILTERS; f++)
            for (int t = 0; t < TAPS; t++) store(partial + (f * TAPS + t) * GROUP + lane, sum[f][t]);
    }
}

inline Vector lanes_folded(const float* row) {
    Vector sum = load(row);
    for (int lane = LANES; lane < GROUP; lane += LANES) sum += load(row + lane);
    return sum;
}

template <int FILTERS, int COLUMNS, Shape SHAPE>
constexpr Correlate correlate_if_fits() {
    constexpr bool fit = fits(FILTERS, COLUMNS, FILTERS < COLUMNS ? FILTERS : COLUMNS);
    if constexpr (fit && (SHAPE == WHOLE || COLUMNS <= TRIANGLE_COLUMNS)) return correlate<FILTERS, COLUMNS, SHAPE>;
    else return nullptr;
}

template <int FILTERS, int TAPS>
constexpr Multiply multiply_if_fits() {
    if constexpr (fits(FILTERS, TAPS, FILTERS)) return multiply<FILTERS, TAPS>;
    else return nullptr;
}

template <Shape SHAPE, int... N>
constexpr auto correlations(std::integer_sequence<int, N...>) {
    return std::array<Correlate, sizeof...(N)>{
        correlate_if_fits<N / BLOCK_COLUMNS + 1, N % BLOCK_COLUMNS + 1, SHAPE>()...};
}

template <int... N>
constexpr auto multiplications(std::integer_sequence<int, N...>) {
    return std::array<Multiply, sizeof...(N)>{multiply_if_fits<N / BLOCK_TAPS + 1, N % BLOCK_TAPS + 1>()...};
}

constexpr auto CORRELATION_SIZES = std::make_integer_sequence<int, BLOCK_FILTERS * BLOCK_COLUMNS>();
constexpr std::array CORRELATIONS{correlations<WHOLE>(CORRELATION_SIZES), correlations<FROM>(CORRELATION_SIZES),
                                  correlations<UP_TO>(CORRELATION_SIZES)};
constexpr auto MULTIPLICATIONS = multiplications(std::make_integer_sequence<int, BLOCK_FILTERS * BLOCK_TAPS>());

}  // namespace

Correlate correlation(int filters, int columns, Shape shape) {
    return CORRELATIONS[shape][(filters - 1) * BLOCK_COLUMNS + columns - 1];
}

Multiply products(int filters, int taps) { return MULTIPLICATIONS[(filters - 1) * BLOCK_TAPS + taps - 1]; }

void add_lanes(const float* from, float* to, int count) {
    for (int first = 0; first < count; first += LANES) {
        const int rows = count - first < LANES ? count - first : LANES;
        Vector folded[LANES] = {};
        if (rows == LANES) {  // the usual case, whose loop the compiler unrolls
            for (int r = 0; r < LANES; r++) folded[r] = lanes_folded(from + (first + r) * GROUP);
        } else {
            for (int r = 0; r < rows; r++) folded[r] = lanes_folded(from + (first + r) * GROUP);
        }
        alignas(64) float sums[LANES];
        store(sums, row_sums(folded));
        std::memcpy(to + first, sums, sizeof(float) * rows);
    }
}

}  // namespace striate
