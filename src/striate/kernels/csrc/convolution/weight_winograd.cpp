#include "convolution/weight_winograd.hpp"

#include <array>

#include "convolution/transformed_correlation.hpp"
#include "convolution/winograd_points.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

constexpr int TILE = 4, SEEN = 6, KERNEL = 3, TAPS = KERNEL * KERNEL, POINTS = SEEN * SEEN;
constexpr int BLOCK_VECTORS = GROUP / LANES;                               // vectors of a filter block
constexpr int MAX_VECTORS = BLOCK_VECTORS >= 4 && REGISTERS > 16 ? 4 : 2;  // of a register tile,
constexpr int MAX_CHANNELS = REGISTERS > 16 && MAX_VECTORS == 2 ? 12 : 6;  //   and channels
constexpr ptrdiff_t CHUNK_BYTES = 512 * 1024, SUM_BYTES = 8 * 1024 * 1024;
constexpr int MIN_CHUNK_TILES = 4;
// The cost model, in half cycles fitted to measurements: a product; the transform of one of 36 values or gradients; to
// transform the sums of one weight.
constexpr double PRODUCT = 1.15, TRANSFORM = 10, FINISH = 8;

// For a register tile of channels c and vectors f of filters: sums[c][f] += Σ_k values[c][k] · gradients[k][f]
struct Products {
    const float* values;
    ptrdiff_t channel_stride;
    const float* gradients[MAX_VECTORS];
    int count;
    float* sums[MAX_VECTORS];
    bool from_zero;
};
using ProductsKernel = void (*)(const Products&);

template <int CHANNELS, int VECTORS>
void add_products(const Products& p) {
    Vector sum[CHANNELS][VECTORS];
    for (int c = 0; c < CHANNELS; c++)
        for (int f = 0; f < VECTORS; f++) sum[c][f] = Vector{};
    const float* values = p.values;
    const float* gradients[VECTORS];
    for (int f = 0; f < VECTORS; f++) gradients[f] = p.gradients[f];
    for (int k = 0; k < p.count; k++) {
        Vector factor[VECTORS];
        for (int f = 0; f < VECTORS; f++) factor[f] = in_register(load(gradients[f] + ptrdiff_t(k) * GROUP));
        for (int c = 0; c < CHANNELS; c++)
            for (int f = 0; f < VECTORS; f++) sum[c][f] += values[c * p.channel_stride + k] * factor[f];
    }
    for (int c = 0; c < CHANNELS; c++)
        for (int f = 0; f < VECTORS; f++) {
            float* const to = p.sums[f] + c * GROUP;
            store(to, p.from_zero ? sum[c][f] : load(to) + sum[c][f]);
        }
}

template <int... N>
constexpr auto products_kernels(std::integer_sequence<int, N...>) {
    return std::array<ProductsKernel, sizeof...(N)>{add_products<N / MAX_VECTORS + 1, N % MAX_VECTORS + 1>...};
}
constexpr auto PRODUCTS = products_kernels(std::make_integer_sequence<int, MAX_CHANNELS * MAX_VECTORS>());

// Whether all values are finite, and small enough that their transforms are finite too.
bool transformable(const Maps& maps, const float* values) {
    constexpr float MUCH = 1e6f;  // more than a transform enlarges a value
    Vector zero{}, one{}, two{}, three{};
    for (int c = 0; c < maps.channels; c++)
        for (int y = 0; y < maps.rows; y++) {
            const float* row = values + maps.at(c, y, 0);
            const float* const end = row + ptrdiff_t(maps.columns) * GROUP;
            for (; row + 4 * LANES <= end; row += 4 * LANES) {
                zero += 0.0f * (MUCH * load(row)), one += 0.0f * (MUCH * load(row + LANES));
                two += 0.0f * (MUCH * load(row + 2 * LANES)), three += 0.0f * (MUCH * load(row + 3 * LANES));
            }
            for (; row < end; row += LANES) zero += 0.0f * (MUCH * load(row));
        }
    return !any_nan(zero + one + (two + three));
}

}  // namespace

std::unique_ptr<WeightWinograd> WeightWinograd::of(const StriateLayer& l, const Links& to_channels, double direct) {
    if (l.kernel[0] != KERNEL || l.kernel[1] != KERNEL) return nullptr;
    if (l.stride[0] != 1 || l.stride[1] != 1 || l.dilation[0] != 1 || l.dilation[1] != 1) return nullptr;
    for (int c = 0; c < l.input[0]; c++) {
        if (int(to_channels[c].size()) != l.output[0]) return nullptr;
        for (int f = 0; f < l.output[0]; f++)
            if (to_channels[c][f].map != f || to_channels[c][f].kernel != f * l.input[0] + c) return nullptr;
    }
    std::unique_ptr<WeightWinograd> made(new WeightWinograd(l));
    return made->cost() < MAX_TIME_RATIO * direct ? std::move(made) : nullptr;
}

WeightWinograd::WeightWinograd(const StriateLayer& l)
    : channels(l.input[0]),
      filters(l.output[0]),
      top(l.padding[0]),
      left(l.padding[2]),
      in{channels, l.input[1], l.input[2]},
      gradient{filters, l.output[1], l.output[2]},
      tile_rows((l.output[1] + TILE - 1) / TILE),
      tile_columns((l.output[2] + TILE - 1) / TILE) {
    const ptrdiff_t tile_bytes = ptrdiff_t(POINTS) * GROUP * sizeof(float) * (channels + filter_blocks() * GROUP);
    const int tiles = tile_rows * tile_columns;
    chunk_tiles = int(std::clamp<ptrdiff_t>(CHUNK_BYTES / tile_bytes, std::min(MIN_CHUNK_TILES, tiles), tiles));
    const ptrdiff_t block_bytes = ptrdiff_t(POINTS) * channels * GROUP * sizeof(float);
    pass_blocks = int(std::clamp<ptrdiff_t>(SUM_BYTES / block_bytes, 1, filter_blocks()));
}

// The cost of a lane group's weight gradient, in half cycles per vector.
double WeightWinograd::cost() const {
    const double tiles = double(tile_rows) * tile_columns;
    const int passes = chunk_tiles < tiles ? (filter_blocks() + pass_blocks - 1) / pass_blocks : 1;
    return POINTS * (tiles * (PRODUCT * GROUP * channels * filter_blocks() +
                              TRANSFORM * (double(passes) * channels + GROUP * filter_blocks()))) +
           FINISH * TAPS * channels * filter_blocks();
}

Maps WeightWinograd::margins() const {
    Maps wanted;
    wanted.top = std::max(0, top), wanted.left = std::max(0, left);
    wanted.bottom = std::max(0, TILE * tile_rows + KERNEL - 1 - top - in.rows);
    wanted.right = std::max(0, TILE * tile_columns + KERNEL - 1 - left - in.columns);
    return wanted;
}

void WeightWinograd::set_layout(const Maps& new_in, const Maps& new_gradient) { in = new_in, gradient = new_gradient; }

ptrdiff_t WeightWinograd::scratch_size() const {
    return POINTS * (value_stride() + gradient_stride() + sum_stride()) +
           std::max<ptrdiff_t>(TILE * TILE * GROUP * GROUP, ptrdiff_t(channels * TAPS + GROUP) * GROUP);
}

// Writes Bᵀ d B of a chunk.
void WeightWinograd::transform_inputs(const float* maps, const Chunk& chunk, float* values) const {
    // Members are read before the loops: a store through a Vector might change them, so compilers would read them again.
    const ptrdiff_t point = value_stride(), row_stride = in.row_stride();
    for (int c = 0; c < channels; c++) {
        for (int i = 0; i < chunk.count; i++) {
            const int tile = chunk.first + i;
            const float* from = maps + in.at(c, tile / tile_columns * TILE - top, tile % tile_columns * TILE - left);
            float* const to = values + c * channel_stride() + ptrdiff_t(i) * GROUP;
            const auto value = [&](int y, int x) { return load(from + y * row_stride + x * GROUP); };
            for (int lane = 0; lane < GROUP; lane += LANES, from += LANES) transform_square(value, to + lane, point);
        }
    }
}

// Writes the gradients of a tile for one filter block as position × image × filter; outside the map they are zero.
void WeightWinograd::transpose_tile(const float* gradients, int block, int tile, float* to) const {
    const int row = tile / tile_columns * TILE, column = tile % tile_columns * TILE;
    const int live = std::min(GROUP, filters - block * GROUP), end_row = gradient.rows, end_column = gradient.columns;
    const ptrdiff_t channel_stride = gradient.channel_stride();
    for (int position = 0; position < TILE * TILE; position++, to += GROUP * GROUP) {
        const int y = row + position / TILE, x = column + position % TILE;
        const bool inside = y < end_row && x < end_column;
        const float* from = gradients + gradient.at(block * GROUP, y, x);
        for (int f = 0; f < GROUP; f += LANES) {
            for (int image = 0; image < GROUP; image += LANES) {
                Vector square[LANES];
                for (int i = 0; i < LANES; i++)
                    square[i] = inside && f + i < live ? load(from + (f + i) * channel_stride + image) : Vector{};
                transpose(square);
                for (int i = 0; i < LANES; i++) store(to + (image + i) * GROUP + f, square[i]);
            }
        }
    }
}

// Writes G g Gᵀ of one tile's images, not yet divided by the points' distances.
void WeightWinograd::transform_gradients(const float* transposed, float* to) const {
    const ptrdiff_t point = gradient_stride();
    for (int i = 0; i < GROUP * GROUP; i += LANES) {
        Vector rows[TILE][SEEN];
        for (int y = 0; y < TILE; y++) {
            Vector g[TILE];
            for (int x = 0; x < TILE; x++) g[x] = load(transposed + (y * TILE + x) * GROUP * GROUP + i);
            evaluate_at_points(g, rows[y]);
        }
        for (int x = 0; x < SEEN; x++) {
            Vector g[TILE], u[SEEN];
            for (int y = 0; y < TILE; y++) g[y] = rows[y][x];
            evaluate_at_points(g, u);
            float* to_point = to + x * point + i;
            for (int y = 0; y < SEEN; y++, to_point += SEEN * point) store(to_point, u[y]);
        }
    }
}

// Adds the products of a chunk to the sums, or writes them to these.
void WeightWinograd::multiply(const Chunk& chunk, int blocks, float* sums) const {
    for (int point = 0; point < POINTS; point++) {
        int channel = 0;
        for (int channel_count : split_evenly(channels, MAX_CHANNELS)) {
            Products p{};
            p.values = chunk.values + point * value_stride() + channel * channel_stride();
            p.channel_stride = channel_stride(), p.count = chunk.count * GROUP, p.from_zero = chunk.first == 0;
            for (int vector = 0, vectors; vector < blocks * BLOCK_VECTORS; vector += vectors) {
                vectors = std::min(MAX_VECTORS, blocks * BLOCK_VECTORS - vector);
                for (int f = 0; f < vectors; f++) {
                    const int block = (vector + f) / BLOCK_VECTORS, lane = (vector + f) % BLOCK_VECTORS * LANES;
                    p.gradients[f] = chunk.gradients + point * gradient_stride() + block * block_stride() + lane;
                    p.sums[f] = sums + point * sum_stride() + (ptrdiff_t(block) * channels + channel) * GROUP + lane;
                }
                PRODUCTS[(channel_count - 1) * MAX_VECTORS + vectors - 1](p);
            }
            channel += channel_count;
        }
    }
}

// Transforms the sums of a filter block to its taps, and adds these to the weight gradient.
void WeightWinograd::finish(const float* sums, float* taps, float* weight_gradient, int live, bool overwrite) const {
    for (int i = 0; i < channels * GROUP; i += LANES) {
        Vector rows[SEEN][KERNEL];
        for (int y = 0; y < SEEN; y++) {
            Vector q[SEEN];
            for (int x = 0; x < SEEN; x++) q[x] = load(sums + (y * SEEN + x) * sum_stride() + i);
            sum_scaled_powers(q, rows[y]);
        }
        for (int x = 0; x < KERNEL; x++) {
            Vector q[SEEN], w[KERNEL];
            for (int y = 0; y < SEEN; y++) q[y] = rows[y][x];
            sum_scaled_powers(q, w);
            for (int y = 0; y < KERNEL; y++)
                store(taps + (i / GROUP * TAPS + y * KERNEL + x) * GROUP + i % GROUP, w[y]);
        }
    }
    const ptrdiff_t weights = ptrdiff_t(channels) * TAPS;  // of a filter
    for (ptrdiff_t first = 0; first < weights; first += LANES) {
        const ptrdiff_t count = std::min<ptrdiff_t>(LANES, weights - first);
        for (int f = 0; f < live; f += LANES) {
            Vector square[LANES];
            for (int i = 0; i < LANES; i++) square[i] = i < count ? load(taps + (first + i) * GROUP + f) : Vector{};
            transpose(square);
            for (int i = 0; i < std::min(LANES, live - f); i++) {
                float* const to = weight_gradient + (f + i) * weights + first;
                if (count == LANES) {
                    store_unaligned(to, overwrite ? square[i] : load_unaligned(to) + square[i]);
                } else {
                    alignas(64) float each[LANES];
                    store(each, square[i]);
                    for (ptrdiff_t k = 0; k < count; k++) to[k] = overwrite ? each[k] : to[k] + each[k];
                }
            }
        }
    }
}

bool WeightWinograd::run(const WeightPass& pass, const Range& blocks, float* scratch) const {
    const int tiles = tile_rows * tile_columns;
    float *values = scratch, *gradients = values + POINTS * value_stride();
    float *sums = gradients + POINTS * gradient_stride(), *buffer = sums + POINTS * sum_stride();
    if (!transformable(in, pass.in) || !transformable(gradient, pass.gradient)) return false;
    for (int block = blocks.first; block < blocks.end; block += pass_blocks) {
        const int count = std::min(pass_blocks, blocks.end - block);
        for (int first = 0; first < tiles; first += chunk_tiles) {
            const Chunk chunk{first, std::min(chunk_tiles, tiles - first), values, gradients};
            if (chunk_tiles < tiles || block == blocks.first) transform_inputs(pass.in, chunk, values);
            for (int b = 0; b < count; b++)
                for (int tile = 0; tile < chunk.count; tile++) {
                    transpose_tile(pass.gradient, block + b, first + tile, buffer);
                    transform_gradients(buffer, gradients + b * block_stride() + ptrdiff_t(tile) * GROUP * GROUP);
                }
            multiply(chunk, count, sums);
        }
        for (int b = 0; b < count; b++) {
            const int filter = (block + b) * GROUP;
            finish(sums + ptrdiff_t(b) * channels * GROUP, buffer,
                   pass.weight_gradient + ptrdiff_t(filter) * channels * TAPS, std::min(GROUP, filters - filter),
                   pass.overwrite);
        }
    }
    return true;
}

}  // namespace striate
