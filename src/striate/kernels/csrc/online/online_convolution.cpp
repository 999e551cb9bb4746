// A convolution over one image. The weight gradient cuts a kernel into pieces whose sums fit in the registers.
#include <array>
#include <utility>

#include "online/online_trainer.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

constexpr int MAX_COLUMNS = REGISTERS == 32 ? 28 : 14, MAX_PIECE_SIDE = 5, MAX_PIECE_SUMS = REGISTERS == 32 ? 25 : 12;

// Forward, for a register tile of one vector of filters and COLUMNS columns x:
// out[x] = start + Σ_t weights[t] · in[offsets[t] + x].
struct RowTile {
    const float *in, *weights;
    const ptrdiff_t* offsets;
    ptrdiff_t taps;
    Vector start;
    float* out;
};

template <int STEP, int COLUMNS>
void run_row_tile(const RowTile& s) {
    Vector sum[COLUMNS];
    for (int x = 0; x < COLUMNS; x++) sum[x] = s.start;
    for (ptrdiff_t t = 0; t < s.taps; t++) {
        const Vector weight = in_register(load(s.weights + t * GROUP));
        const float* in = s.in + s.offsets[t];
        for (int x = 0; x < COLUMNS; x++) sum[x] += weight * in[x * STEP];
    }
    for (int x = 0; x < COLUMNS; x++) store(s.out + x * GROUP, sum[x]);
}

// Weight gradient, for a vector of filters and a piece of the kernel of ROWS × COLUMNS taps (r, k):
// sums[r · COLUMNS + k] = Σ_yx gradient[y][x] · in[y + r][x + k].
struct KernelPiece {
    const float *in, *gradient;
    ptrdiff_t in_row, gradient_row;
    int rows, columns;
    float* sums;
};

template <int STEP, int ROWS, int COLUMNS>
void correlate_piece(const KernelPiece& p) {
    Vector sum[ROWS * COLUMNS] = {};
    for (int y = 0; y < p.rows; y++) {
        const float *in = p.in + y * p.in_row, *gradient = p.gradient + y * p.gradient_row;
        for (int x = 0; x < p.columns; x++, in += STEP, gradient += GROUP) {
            const Vector gradient_vector = in_register(load(gradient));
            for (int r = 0; r < ROWS; r++)
                for (int k = 0; k < COLUMNS; k++) sum[r * COLUMNS + k] += gradient_vector * in[r * p.in_row + k * STEP];
        }
    }
    for (int i = 0; i < ROWS * COLUMNS; i++) store(p.sums + i * LANES, sum[i]);
}

// Input gradient, for COLUMNS columns x of one channel: sums[x] = Σ_t Σ_lanes weights[t] · gradient[offsets[t] + x].
struct InputGradientTile {
    const float *weights, *gradient;
    const ptrdiff_t *weight_offsets, *offsets;
    ptrdiff_t taps;
    float* sums;
};

template <int COLUMNS>
void run_input_gradient_tile(const InputGradientTile& b) {
    Vector sum[LANES] = {};
    for (ptrdiff_t t = 0; t < b.taps; t++)
        for (int lane = 0; lane < GROUP; lane += LANES) {
            const Vector weight = in_register(load(b.weights + b.weight_offsets[t] + lane));
            const float* gradient = b.gradient + b.offsets[t] + lane;
            for (int x = 0; x < COLUMNS; x++) sum[x] += weight * load(gradient + x * GROUP);
        }
    store(b.sums, row_sums(sum));
}

template <int STEP, int... N>
constexpr auto row_tile_kernels(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const RowTile&), sizeof...(N)>{run_row_tile<STEP, N + 1>...};
}
template <int... N>
constexpr auto input_gradient_kernels(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const InputGradientTile&), sizeof...(N)>{run_input_gradient_tile<N + 1>...};
}
constexpr int rows_of_piece(int columns) { return std::max(1, std::min(MAX_PIECE_SIDE, MAX_PIECE_SUMS / columns)); }
template <int STEP, int ROWS, int COLUMNS>
void correlate_piece_if_fits(const KernelPiece& p) {
    if constexpr (ROWS <= rows_of_piece(COLUMNS)) correlate_piece<STEP, ROWS, COLUMNS>(p);
}
template <int STEP, int... N>
constexpr auto piece_kernels(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const KernelPiece&), sizeof...(N)>{
        correlate_piece_if_fits<STEP, N / MAX_PIECE_SIDE + 1, N % MAX_PIECE_SIDE + 1>...};
}
constexpr auto INPUT_GRADIENT_KERNELS = input_gradient_kernels(std::make_integer_sequence<int, LANES>());

template <int STEP>
class Convolution final : public OnlineLayer {
public:
    Convolution(const StriateLayer& layer, BlockedMaps in)
        : OnlineLayer(layer, in),
          height(layer.kernel[0]),
          width(layer.kernel[1]),
          taps(ptrdiff_t(layer.input[0]) * height * width) {
        weight_count = weight_offset(out.blocks(), 0, 0);
        row_weight_offsets.resize(ptrdiff_t(out.blocks()) * height * width),
            row_gradient_offsets.resize(row_weight_offsets.size());
        for (int i = 0; i < layer.links; i++)
            for (int t = 0; t < height * width; t++)
                weight_offsets.push_back(weight_offset(layer.link_filters[i] / GROUP, layer.link_channels[i], t) +
                                         layer.link_filters[i] % GROUP);
        for (int c = 0; c < in.channels; c++)
            for (int t = 0; t < height * width; t++) offsets.push_back(in.at(c, t / width, t % width));
    }

    int margin() const override { return width - 1; }

    void forward(const float* from, float* to, const float* weights, const float* biases) const override {
        constexpr auto ROW_TILE_KERNELS = row_tile_kernels<STEP>(std::make_integer_sequence<int, MAX_COLUMNS>());
        RowTile s{};
        s.offsets = offsets.data(), s.taps = taps;
        for (int block = 0; block < out.blocks(); block++)
            for (int lane = 0; lane < GROUP; lane += LANES) {
                s.weights = weights + weight_offset(block, 0, 0) + lane;
                s.start = load(biases + block * GROUP + lane);
                for (int y = 0; y < out.rows; y++)
                    for (int x = 0, count; x < out.columns; x += count) {
                        count = std::min(MAX_COLUMNS, out.columns - x);
                        s.in = from + in.at(0, y, x);
                        s.out = to + out.at(block * GROUP, y, x) + lane;
                        ROW_TILE_KERNELS[count - 1](s);
                    }
            }
    }

    void backward(const float* from, const float* gradient, float* to, const ParameterUpdate& update) const override {
        if (to) compute_input_gradient(gradient, to, update.weights);
        for (int block = 0; block < out.blocks(); block++)
            for (int lane = 0; lane < GROUP; lane += LANES) update_channel_block(from, gradient, update, block, lane);
    }

private:
    // Offset of the weights of a channel block of filters, for an input channel and a tap.
    ptrdiff_t weight_offset(int block, int channel, int tap) const {
        return (block * taps + ptrdiff_t(channel) * height * width + tap) * GROUP;
    }

    void compute_input_gradient(const float* gradient, float* to, const float* weights) const {
        alignas(64) float sums[LANES];
        InputGradientTile b{nullptr, nullptr, row_weight_offsets.data(), row_gradient_offsets.data(), 0, sums};
        for (int y = 0; y < in.rows; y++) {
            b.taps = 0;
            for (int block = 0; block < out.blocks(); block++)
                for (int r = std::max(0, y - out.rows + 1); r < std::min(height, y + 1); r++)
                    for (int k = 0; k < width; k++, b.taps++) {
                        row_weight_offsets[b.taps] = weight_offset(block, 0, r * width + k);
                        row_gradient_offsets[b.taps] = out_gradient.at(block * GROUP, y - r, -k);
                    }
            for (int c = 0; c < in.channels; c++)
                for (int x = 0, count; x < in.columns; x += count) {
                    count = std::min(LANES, in.columns - x);
                    b.weights = weights + weight_offset(0, c, 0), b.gradient = gradient + ptrdiff_t(x) * GROUP;
                    INPUT_GRADIENT_KERNELS[count - 1](b);
                    for (int i = 0; i < count; i++) to[in_gradient.at(c, y, x + i)] = sums[i];
                }
        }
    }

    void update_channel_block(const float* from, const float* gradient, const ParameterUpdate& update, int block,
                              int lane) const {
        constexpr auto PIECE_KERNELS =
            piece_kernels<STEP>(std::make_integer_sequence<int, MAX_PIECE_SIDE * MAX_PIECE_SIDE>());
        alignas(64) float sums[MAX_PIECE_SUMS * LANES];
        const float* block_gradient = gradient + out_gradient.at(block * GROUP, 0, 0) + lane;
        KernelPiece p{nullptr, block_gradient, in.row_stride(), out_gradient.row_stride(), out.rows, out.columns, sums};
        for (int c = 0; c < in.channels; c++)
            for (int k = 0, columns; k < width; k += columns) {
                columns = std::min(MAX_PIECE_SIDE, width - k);
                for (int r = 0, rows; r < height; r += rows) {
                    rows = std::min(rows_of_piece(columns), height - r);
                    p.in = from + in.at(c, r, k);
                    PIECE_KERNELS[(rows - 1) * MAX_PIECE_SIDE + columns - 1](p);
                    for (int i = 0; i < rows * columns; i++) {
                        const ptrdiff_t at =
                            weight_offset(block, c, (r + i / columns) * width + k + i % columns) + lane;
                        float* target = update.weights_to_update + at;
                        store(target, load(target) - load(update.weight_rates + at) * load(sums + i * LANES));
                    }
                }
            }
        Vector sum{};
        for (int y = 0; y < out.rows; y++)
            for (int x = 0; x < out.columns; x++)
                sum += load(block_gradient + y * p.gradient_row + ptrdiff_t(x) * GROUP);
        const ptrdiff_t at = ptrdiff_t(block) * GROUP + lane;
        float* target = update.biases_to_update + at;
        store(target, load(target) - load(update.bias_rates + at) * sum);
    }

    int height, width;
    ptrdiff_t taps;
    std::vector<ptrdiff_t> offsets;
    mutable std::vector<ptrdiff_t> row_weight_offsets, row_gradient_offsets;  // of one row of `compute_input_gradient`
};

}  // namespace

std::unique_ptr<OnlineLayer> online_convolution(const StriateLayer& layer, BlockedMaps in) {
    if (in.width == 1) return std::make_unique<Convolution<1>>(layer, in);
    return std::make_unique<Convolution<GROUP>>(layer, in);
}

}  // namespace striate
