// A convolution over one image. Kernels are cut into pieces whose sums fit into the registers.
#include <array>
#include <utility>

#include "online/pattern.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

constexpr int MOST_COLUMNS = REGISTERS == 32 ? 28 : 14, MOST_SIDE = 5, MOST_SUMS = REGISTERS == 32 ? 25 : 12;

// out[x] = start + Σ_t weights[t] · in[offsets[t] + x], for a vector of filters and some columns x.
struct Stretch {
    const float *in, *weights;
    const ptrdiff_t* offsets;
    ptrdiff_t taps;
    Vector start;
    float* out;
};

template <int STEP, int COLUMNS>
void stretch(const Stretch& s) {
    Vector sum[COLUMNS];
    for (int x = 0; x < COLUMNS; x++) sum[x] = s.start;
    for (ptrdiff_t t = 0; t < s.taps; t++) {
        const Vector weight = in_register(load(s.weights + t * GROUP));
        const float* in = s.in + s.offsets[t];
        for (int x = 0; x < COLUMNS; x++) sum[x] += weight * in[x * STEP];
    }
    for (int x = 0; x < COLUMNS; x++) store(s.out + x * GROUP, sum[x]);
}

// sums[r · COLUMNS + k] = Σ_yx gradient[y][x] · in[y + r][x + k], for a vector of filters and a piece of a kernel.
struct Piece {
    const float *in, *gradient;
    ptrdiff_t in_row, gradient_row;
    int rows, columns;
    float* sums;
};

template <int STEP, int ROWS, int COLUMNS>
void correlate(const Piece& p) {
    Vector sum[ROWS * COLUMNS] = {};
    for (int y = 0; y < p.rows; y++) {
        const float *in = p.in + y * p.in_row, *gradient = p.gradient + y * p.gradient_row;
        for (int x = 0; x < p.columns; x++, in += STEP, gradient += GROUP) {
            const Vector given = in_register(load(gradient));
            for (int r = 0; r < ROWS; r++)
                for (int k = 0; k < COLUMNS; k++) sum[r * COLUMNS + k] += given * in[r * p.in_row + k * STEP];
        }
    }
    for (int i = 0; i < ROWS * COLUMNS; i++) store(p.sums + i * LANES, sum[i]);
}

// sums[x] = Σ_t Σ_lanes weights[t] · gradient[offsets[t] + x], for some columns x of one channel.
struct Return {
    const float *weights, *gradient;
    const ptrdiff_t *places, *offsets;
    ptrdiff_t taps;
    float* sums;
};

template <int COLUMNS>
void lead_back(const Return& b) {
    Vector sum[LANES] = {};
    for (ptrdiff_t t = 0; t < b.taps; t++)
        for (int lane = 0; lane < GROUP; lane += LANES) {
            const Vector weight = in_register(load(b.weights + b.places[t] + lane));
            const float* gradient = b.gradient + b.offsets[t] + lane;
            for (int x = 0; x < COLUMNS; x++) sum[x] += weight * load(gradient + x * GROUP);
        }
    store(b.sums, row_sums(sum));
}

template <int STEP, int... N>
constexpr auto stretches(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const Stretch&), sizeof...(N)>{stretch<STEP, N + 1>...};
}
template <int... N>
constexpr auto returns(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const Return&), sizeof...(N)>{lead_back<N + 1>...};
}
constexpr int rows_of_piece(int columns) { return std::max(1, std::min(MOST_SIDE, MOST_SUMS / columns)); }
template <int STEP, int ROWS, int COLUMNS>
void correlate_if_it_fits(const Piece& p) {
    if constexpr (ROWS <= rows_of_piece(COLUMNS)) correlate<STEP, ROWS, COLUMNS>(p);
}
template <int STEP, int... N>
constexpr auto pieces(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const Piece&), sizeof...(N)>{
        correlate_if_it_fits<STEP, N / MOST_SIDE + 1, N % MOST_SIDE + 1>...};
}
constexpr auto RETURNS = returns(std::make_integer_sequence<int, LANES>());

template <int STEP>
class Convolution final : public PatternLayer {
public:
    Convolution(const StriateLayer& layer, Planes in)
        : PatternLayer(layer, in),
          height(layer.kernel[0]),
          width(layer.kernel[1]),
          taps(ptrdiff_t(layer.input[0]) * height * width) {
        weight_count = place(out.blocks(), 0, 0);
        sources.resize(ptrdiff_t(out.blocks()) * height * width), distances.resize(sources.size());
        for (int i = 0; i < layer.links; i++)
            for (int t = 0; t < height * width; t++)
                places.push_back(place(layer.link_filters[i] / GROUP, layer.link_channels[i], t) +
                                 layer.link_filters[i] % GROUP);
        for (int c = 0; c < in.channels; c++)
            for (int t = 0; t < height * width; t++) offsets.push_back(in.at(c, t / width, t % width));
    }

    int margin() const override { return width - 1; }

    void forward(const float* from, float* to, const float* weights, const float* biases) const override {
        constexpr auto STRETCHES = stretches<STEP>(std::make_integer_sequence<int, MOST_COLUMNS>());
        Stretch s{};
        s.offsets = offsets.data(), s.taps = taps;
        for (int block = 0; block < out.blocks(); block++)
            for (int lane = 0; lane < GROUP; lane += LANES) {
                s.weights = weights + place(block, 0, 0) + lane;
                s.start = load(biases + block * GROUP + lane);
                for (int y = 0; y < out.rows; y++)
                    for (int x = 0, count; x < out.columns; x += count) {
                        count = std::min(MOST_COLUMNS, out.columns - x);
                        s.in = from + in.at(0, y, x);
                        s.out = to + out.at(block * GROUP, y, x) + lane;
                        STRETCHES[count - 1](s);
                    }
            }
    }

    void backward(const float* from, const float* gradient, float* to, const Change& change) const override {
        if (to) lead_gradient(gradient, to, change.weights);
        for (int block = 0; block < out.blocks(); block++)
            for (int lane = 0; lane < GROUP; lane += LANES) change_block(from, gradient, change, block, lane);
    }

private:
    // Of a block of filters' weights for a channel and a tap.
    ptrdiff_t place(int block, int channel, int tap) const {
        return (block * taps + ptrdiff_t(channel) * height * width + tap) * GROUP;
    }

    void lead_gradient(const float* gradient, float* to, const float* lead) const {
        alignas(64) float sums[LANES];
        Return b{nullptr, nullptr, sources.data(), distances.data(), 0, sums};
        for (int y = 0; y < in.rows; y++) {
            b.taps = 0;
            for (int block = 0; block < out.blocks(); block++)
                for (int r = std::max(0, y - out.rows + 1); r < std::min(height, y + 1); r++)
                    for (int k = 0; k < width; k++, b.taps++) {
                        sources[b.taps] = place(block, 0, r * width + k);
                        distances[b.taps] = out_gradient.at(block * GROUP, y - r, -k);
                    }
            for (int c = 0; c < in.channels; c++)
                for (int x = 0, count; x < in.columns; x += count) {
                    count = std::min(LANES, in.columns - x);
                    b.weights = lead + place(0, c, 0), b.gradient = gradient + ptrdiff_t(x) * GROUP;
                    RETURNS[count - 1](b);
                    for (int i = 0; i < count; i++) to[in_gradient.at(c, y, x + i)] = sums[i];
                }
        }
    }

    void change_block(const float* from, const float* gradient, const Change& change, int block, int lane) const {
        constexpr auto PIECES = pieces<STEP>(std::make_integer_sequence<int, MOST_SIDE * MOST_SIDE>());
        alignas(64) float sums[MOST_SUMS * LANES];
        const float* mine = gradient + out_gradient.at(block * GROUP, 0, 0) + lane;
        Piece p{nullptr, mine, in.row_stride(), out_gradient.row_stride(), out.rows, out.columns, sums};
        for (int c = 0; c < in.channels; c++)
            for (int k = 0, columns; k < width; k += columns) {
                columns = std::min(MOST_SIDE, width - k);
                for (int r = 0, rows; r < height; r += rows) {
                    rows = std::min(rows_of_piece(columns), height - r);
                    p.in = from + in.at(c, r, k);
                    PIECES[(rows - 1) * MOST_SIDE + columns - 1](p);
                    for (int i = 0; i < rows * columns; i++) {
                        const ptrdiff_t at = place(block, c, (r + i / columns) * width + k + i % columns) + lane;
                        float* changed = change.weights_changed + at;
                        store(changed, load(changed) - load(change.weight_rates + at) * load(sums + i * LANES));
                    }
                }
            }
        Vector sum{};
        for (int y = 0; y < out.rows; y++)
            for (int x = 0; x < out.columns; x++) sum += load(mine + y * p.gradient_row + ptrdiff_t(x) * GROUP);
        const ptrdiff_t at = ptrdiff_t(block) * GROUP + lane;
        float* changed = change.biases_changed + at;
        store(changed, load(changed) - load(change.bias_rates + at) * sum);
    }

    int height, width;
    ptrdiff_t taps;
    std::vector<ptrdiff_t> offsets;
    mutable std::vector<ptrdiff_t> sources, distances;  // of one row of `lead_gradient`
};

}  // namespace

std::unique_ptr<PatternLayer> pattern_convolution(const StriateLayer& layer, Planes in) {
    if (in.width == 1) return std::make_unique<Convolution<1>>(layer, in);
    return std::make_unique<Convolution<GROUP>>(layer, in);
}

}  // namespace striate
