#include "convolution/register_tiles.hpp"

#include <array>
#include <utility>

#include "simd/activations.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

// Adds tap T of a triangle: to the columns from T on, or up to T.
template <int T, TapShape SHAPE, int FILTERS, int COLUMNS>
inline void add_tap(const float* in, ptrdiff_t step, const float* weight, Vector (&sum)[FILTERS][COLUMNS]) {
    constexpr int FIRST = SHAPE == UPPER_TRIANGLE ? T : 0, END = SHAPE == UPPER_TRIANGLE ? COLUMNS : T + 1;
    Vector value[END - FIRST];
    for (int x = FIRST; x < END; x++) value[x - FIRST] = load(in + x * step);
    for (int f = 0; f < FILTERS; f++)
        for (int x = FIRST; x < END; x++) sum[f][x] += weight[T * FILTERS + f] * value[x - FIRST];
}

template <TapShape SHAPE, int FILTERS, int COLUMNS, int... T>
inline void add_triangle(const float* in, const int32_t* offset, ptrdiff_t step, const float* weight,
                         Vector (&sum)[FILTERS][COLUMNS], std::integer_sequence<int, T...>) {
    (add_tap<T, SHAPE>(in + offset[T], step, weight, sum), ...);
}

template <int FILTERS, int COLUMNS, TapShape SHAPE>
void correlate(const Correlation& c) {
    for (int vector = 0; vector < c.rows * (GROUP / LANES); vector++) {
        const int y = vector / (GROUP / LANES), lane = vector % (GROUP / LANES) * LANES;
        const ptrdiff_t at = y * c.in_row + lane;
        Vector sum[FILTERS][COLUMNS];
        for (int f = 0; f < FILTERS; f++)
            for (int x = 0; x < COLUMNS; x++) sum[f][x] = broadcast(c.start ? c.start[f] : 0.0f);
        for (int a = 0; a < c.outer_count; a++) {
            for (int b = 0; b < c.inner_count; b++) {
                const ptrdiff_t first = ptrdiff_t(a) * c.outer + ptrdiff_t(b) * c.inner;
                const int32_t* offset = c.offsets + first;
                const float* weight = c.weights + first * FILTERS;
                if constexpr (SHAPE != RECTANGLE)
                    add_triangle<SHAPE>(c.in + at, offset, c.in_step, weight, sum,
                                        std::make_integer_sequence<int, COLUMNS>());
                for (int t = 0; SHAPE == RECTANGLE && t < c.run; t++, weight += FILTERS) {
                    const float* in = c.in + at + offset[t];
                    if constexpr (COLUMNS <= FILTERS) {  // hold the smaller side in registers, stream the larger one
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
        if (c.relu_values) {
            const float* relu_values = c.relu_values + y * c.relu_row + lane;
            for (int f = 0; f < FILTERS; f++, relu_values += c.relu_channel)
                for (int x = 0; x < COLUMNS; x++)
                    sum[f][x] = times_derivative(RELU, load(relu_values + x * c.relu_step), sum[f][x]);
        }
        float* out = c.out + y * c.out_row + lane;
        const ptrdiff_t out_step = c.out_step, out_channel = c.out_channel;
        for (int f = 0; f < FILTERS; f++, out += out_channel)
            for (int x = 0; x < COLUMNS; x++) store(out + x * out_step, sum[f][x]);
    }
}

template <int FILTERS, int TAPS>
void weight_products(const WeightProducts& p) {
    float* const partial = p.partial;
    for (int lane = 0; lane < GROUP; lane += LANES) {
        Vector sum[FILTERS][TAPS];
        for (int f = 0; f < FILTERS; f++)
            for (int t = 0; t < TAPS; t++)
                sum[f][t] = p.from_zero ? Vector{} : load(partial + (f * TAPS + t) * GROUP + lane);
        const float *gradient[FILTERS], *in[TAPS];
        for (int f = 0; f < FILTERS; f++) gradient[f] = p.gradient + p.filters[f] + lane;
        for (int t = 0; t < TAPS; t++) in[t] = p.in + p.taps[t] + lane;
        const int32_t *gradient_offset = p.gradient_offsets, *in_offset = p.in_offsets;
        for (int i = 0; i < p.positions; i++) {
            Vector factor[FILTERS];
            for (int f = 0; f < FILTERS; f++) factor[f] = in_register(load(gradient[f] + gradient_offset[i]));
            for (int t = 0; t < TAPS; t++) {
                const Vector value = in_register(load(in[t] + in_offset[i]));
                for (int f = 0; f < FILTERS; f++) sum[f][t] += factor[f] * value;
            }
        }
        for (int f = 0; f < FILTERS; f++)
            for (int t = 0; t < TAPS; t++) store(partial + (f * TAPS + t) * GROUP + lane, sum[f][t]);
    }
}

inline Vector folded_lanes(const float* row) {
    Vector sum = load(row);
    for (int lane = LANES; lane < GROUP; lane += LANES) sum += load(row + lane);
    return sum;
}

template <int FILTERS, int COLUMNS, TapShape SHAPE>
constexpr CorrelationKernel correlate_if_fits() {
    constexpr bool fit = fits(FILTERS, COLUMNS, FILTERS < COLUMNS ? FILTERS : COLUMNS);
    if constexpr (fit && (SHAPE == RECTANGLE || COLUMNS <= MAX_TRIANGLE_COLUMNS))
        return correlate<FILTERS, COLUMNS, SHAPE>;
    else return nullptr;
}

template <int FILTERS, int TAPS>
constexpr WeightProductsKernel weight_products_if_fits() {
    if constexpr (fits(FILTERS, TAPS, FILTERS)) return weight_products<FILTERS, TAPS>;
    else return nullptr;
}

template <TapShape SHAPE, int... N>
constexpr auto correlation_kernels(std::integer_sequence<int, N...>) {
    return std::array<CorrelationKernel, sizeof...(N)>{
        correlate_if_fits<N / MAX_TILE_COLUMNS + 1, N % MAX_TILE_COLUMNS + 1, SHAPE>()...};
}

template <int... N>
constexpr auto weight_products_kernels(std::integer_sequence<int, N...>) {
    return std::array<WeightProductsKernel, sizeof...(N)>{
        weight_products_if_fits<N / MAX_TILE_TAPS + 1, N % MAX_TILE_TAPS + 1>()...};
}

constexpr auto CORRELATION_SIZES = std::make_integer_sequence<int, MAX_TILE_FILTERS * MAX_TILE_COLUMNS>();
constexpr std::array CORRELATIONS{correlation_kernels<RECTANGLE>(CORRELATION_SIZES),
                                  correlation_kernels<UPPER_TRIANGLE>(CORRELATION_SIZES),
                                  correlation_kernels<LOWER_TRIANGLE>(CORRELATION_SIZES)};
constexpr auto WEIGHT_PRODUCTS =
    weight_products_kernels(std::make_integer_sequence<int, MAX_TILE_FILTERS * MAX_TILE_TAPS>());

}  // namespace

CorrelationKernel correlation_kernel(int filters, int columns, TapShape shape) {
    return CORRELATIONS[shape][(filters - 1) * MAX_TILE_COLUMNS + columns - 1];
}

WeightProductsKernel weight_products_kernel(int filters, int taps) {
    return WEIGHT_PRODUCTS[(filters - 1) * MAX_TILE_TAPS + taps - 1];
}

void add_lanes(const float* from, float* to, int count) {
    for (int first = 0; first < count; first += LANES) {
        const int rows = count - first < LANES ? count - first : LANES;
        Vector folded[LANES] = {};
        if (rows == LANES) {  // the usual case: a constant count, so the compiler unrolls the loop
            for (int r = 0; r < LANES; r++) folded[r] = folded_lanes(from + (first + r) * GROUP);
        } else {
            for (int r = 0; r < rows; r++) folded[r] = folded_lanes(from + (first + r) * GROUP);
        }
        alignas(64) float sums[LANES];
        store(sums, row_sums(folded));
        std::memcpy(to + first, sums, sizeof(float) * rows);
    }
}

}  // namespace striate
