// The lanes hold sixteen channels, so each lane has a weight of its own.
#include "one_image/one_image_layers.hpp"

#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include "layout/aligned_floats.hpp"
#include "simd/activations.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

// The layer with its channel blocks counted as channels, as its maps are laid out; enough for layers without weights.
StriateLayer in_channel_blocks(StriateLayer layer) {
    for (int* channels : {layer.input, layer.output}) *channels = channel_blocks(*channels);
    return layer;
}

// Forward only: nothing is trained on this path.
class OneImageLayer : public Operation {
public:
    explicit OneImageLayer(const StriateLayer& layer) : Operation(in_channel_blocks(layer)), full_layer(layer) {}
    void backward(const Buffers&) override {}

protected:
    const StriateLayer full_layer;  // with its number of channels, where `layer` has channel blocks

    // One number per output channel, padded with zeros to whole channel blocks; all zeros where `per_channel` is null.
    AlignedFloats padded_to_blocks(const float* per_channel) const {
        AlignedFloats padded(ptrdiff_t(layer.output[0]) * GROUP);
        if (per_channel) std::copy(per_channel, per_channel + full_layer.output[0], padded.data());
        return padded;
    }
};

// The vectors and the columns of a register tile: as many as leave two registers of sixteen free. Two vectors of filters
// share each value that is loaded.
constexpr int TILE_VECTORS = GROUP / LANES > 1 ? 2 : 1, MAX_COLUMNS = TILE_VECTORS > 1 ? 6 : 14;

// A register tile of TILE_VECTORS vectors of filters and COLUMNS columns x:
// out[x] = start + Σ_t weights[t] · in[offsets[t] + x · step].
struct RowTile {
    const float *in, *weights, *start;
    const int32_t* offsets;
    int taps;
    ptrdiff_t step;
    float* out;
};

template <int COLUMNS>
void run_row_tile(const RowTile& s) {
    Vector sum[TILE_VECTORS][COLUMNS];
    for (int v = 0; v < TILE_VECTORS; v++)
        for (int x = 0; x < COLUMNS; x++) sum[v][x] = load(s.start + v * LANES);
    for (int t = 0; t < s.taps; t++) {
        Vector weight[TILE_VECTORS];
        for (int v = 0; v < TILE_VECTORS; v++)
            weight[v] = in_register(load(s.weights + ptrdiff_t(t) * GROUP + v * LANES));
        const float* in = s.in + s.offsets[t];
        for (int x = 0; x < COLUMNS; x++) {
            const Vector value = in_register(broadcast(in[x * s.step]));
            for (int v = 0; v < TILE_VECTORS; v++) sum[v][x] += weight[v] * value;
        }
    }
    for (int v = 0; v < TILE_VECTORS; v++)
        for (int x = 0; x < COLUMNS; x++) store(s.out + x * GROUP + v * LANES, sum[v][x]);
}

template <int... N>
constexpr auto row_tile_kernels(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const RowTile&), sizeof...(N)>{run_row_tile<N + 1>...};
}
constexpr auto ROW_TILE_KERNELS = row_tile_kernels(std::make_integer_sequence<int, MAX_COLUMNS>());

class OneImageConvolution final : public OneImageLayer {
public:
    explicit OneImageConvolution(const StriateLayer& layer)
        : OneImageLayer(layer),
          kernel(layer.kernel[0] * layer.kernel[1]),
          taps(layer.input[0] * kernel),
          weights(ptrdiff_t(this->layer.output[0]) * taps * GROUP) {
        const auto beyond = [&](int axis, int size, int output) {
            return std::max(0, (output - 1) * layer.stride[axis] + (layer.kernel[axis] - 1) * layer.dilation[axis] -
                                   layer.padding[2 * axis] - (size - 1));
        };
        in.widen({0, 0, 0, layer.padding[0], beyond(0, in.rows, out.rows), layer.padding[2],
                  beyond(1, in.columns, out.columns)});
    }

    void prepare_offsets() override {
        for (int c = 0; c < full_layer.input[0]; c++)
            for (int y = 0; y < full_layer.kernel[0]; y++)
                for (int x = 0; x < full_layer.kernel[1]; x++)
                    offsets.push_back(int32_t(in.at(c / GROUP, y * full_layer.dilation[0] - full_layer.padding[0],
                                                    x * full_layer.dilation[1] - full_layer.padding[2]) +
                                              c % GROUP));
    }

    int pack_tasks() const override { return 1; }
    void pack(int) override {
        for (int i = 0; i < full_layer.links; i++) {
            const int filter = full_layer.link_filters[i], first = full_layer.link_channels[i] * kernel;
            float* to = weights.data() + (ptrdiff_t(filter / GROUP) * taps + first) * GROUP + filter % GROUP;
            for (int t = 0; t < kernel; t++) to[t * GROUP] = full_layer.weight[ptrdiff_t(i) * kernel + t];
        }
    }

    int64_t parallel_products() const override { return int64_t(full_layer.links) * kernel * out.rows * out.columns; }

    void forward(const Buffers& b) override {
        AlignedFloats starts = padded_to_blocks(full_layer.bias);
        const int tiles = (out.columns + MAX_COLUMNS - 1) / MAX_COLUMNS;  // of a row, as equal as they can be
        RowTile s{};
        s.offsets = offsets.data(), s.taps = taps, s.step = full_layer.stride[1] * GROUP;
        const Range rows = slice_range(out.channels * out.rows, b);
        for (int row = rows.first; row < rows.end; row++) {
            const int block = row / out.rows, y = row % out.rows;
            for (int lane = 0; lane < GROUP; lane += TILE_VECTORS * LANES) {
                s.weights = weights.data() + ptrdiff_t(block) * taps * GROUP + lane;
                s.start = starts.data() + block * GROUP + lane;
                for (int tile = 0; tile < tiles; tile++) {
                    const int x = out.columns * tile / tiles, count = out.columns * (tile + 1) / tiles - x;
                    s.in = b.in + y * full_layer.stride[0] * in.row_stride() + x * s.step;
                    s.out = b.out + out.at(block, y, x) + lane;
                    ROW_TILE_KERNELS[count - 1](s);
                }
            }
            activate(layer.function, b.out + out.at(block, y, 0), out.columns);
        }
    }

private:
    int kernel, taps;
    AlignedFloats weights;  // channel block of the output × tap × 16 filters
    std::vector<int32_t> offsets;
};

class OneImageSubsampling final : public OneImageLayer {
public:
    using OneImageLayer::OneImageLayer;

    void forward(const Buffers& b) override {
        AlignedFloats factors = padded_to_blocks(full_layer.weight), starts = padded_to_blocks(full_layer.bias);
        for (int block = 0; block < out.channels; block++)
            for (int y = 0; y < out.rows; y++) {
                for (int x = 0; x < out.columns; x++) {
                    const float* corner = b.in + in.at(block, y * full_layer.stride[0], x * full_layer.stride[1]);
                    for (int lane = 0; lane < GROUP; lane += LANES) {
                        Vector sum{};
                        for (int i = 0; i < full_layer.kernel[0]; i++)
                            for (int j = 0; j < full_layer.kernel[1]; j++) sum += load(corner + in.at(0, i, j) + lane);
                        const ptrdiff_t channel = block * GROUP + lane;
                        store(b.out + out.at(block, y, x) + lane,
                              sum * load(factors.data() + channel) + load(starts.data() + channel));
                    }
                }
                activate(layer.function, b.out + out.at(block, y, 0), out.columns);
            }
    }
};

// A linear layer, or RBF units: the features' dot product with each output's weights, or the squared distance from
// them.
template <bool RADIAL_LAYER>
class OneImageFlat final : public OneImageLayer {
public:
    explicit OneImageFlat(const StriateLayer& layer)
        : OneImageLayer(layer), inputs(layer.input[0] * layer.input[1] * layer.input[2]) {}

    int64_t parallel_products() const override { return int64_t(inputs) * full_layer.output[0]; }

    void forward(const Buffers& b) override {
        AlignedFloats flat(inputs + LANES);
        float* to = flat.data();  // the features in the order of the weights: channel by channel
        for (int c = 0; c < full_layer.input[0]; c++)
            for (int y = 0; y < in.rows; y++)
                for (int x = 0; x < in.columns; x++) *to++ = b.in[in.at(c / GROUP, y, x) + c % GROUP];
        AlignedFloats starts = padded_to_blocks(full_layer.bias);
        const Range blocks = slice_range(layer.output[0], b);
        for (int first = blocks.first * GROUP; first < blocks.end * GROUP; first += LANES)
            store(b.out + first, load(starts.data() + first) + sums(flat.data(), first));
        activate(layer.function, b.out + blocks.first * GROUP, blocks.end - blocks.first);
    }

private:
    static Vector term(Vector weight, Vector value) {
        return RADIAL_LAYER ? (value - weight) * (value - weight) : weight * value;
    }

    // Weights are asked for so many floats before they are used: they are read once, from memory.
    static constexpr int PREFETCHED = 192;

    // The sums of LANES outputs, computed with lanes along the features. Beyond the last output, they repeat it.
    Vector sums(const float* values, int first) const {
        const float* row[LANES];
        Vector sum[LANES] = {};
        for (int r = 0; r < LANES; r++)
            row[r] = full_layer.weight + ptrdiff_t(std::min(first + r, full_layer.output[0] - 1)) * inputs;
        int k = 0;
        for (; k + LANES <= inputs; k += LANES) {
            const Vector value = in_register(load(values + k));
            for (int r = 0; r < LANES; r++) {
                __builtin_prefetch(row[r] + k + PREFETCHED);
                sum[r] += term(load_unaligned(row[r] + k), value);
            }
        }
        for (int r = 0; k < inputs && r < LANES; r++) {
            alignas(64) float rest[LANES] = {};
            std::memcpy(rest, row[r] + k, sizeof(float) * (inputs - k));
            sum[r] += term(load(rest), load(values + k));
        }
        return row_sums(sum);
    }

    int inputs;
};

class OneImagePositionBias final : public OneImageLayer {
public:
    using OneImageLayer::OneImageLayer;

    void forward(const Buffers& b) override {
        for (int block = 0; block < out.channels; block++)
            for (int y = 0; y < out.rows; y++) {
                const float* from = b.in + in.at(block, y, 0);
                float* to = b.out + out.at(block, y, 0);
                std::memcpy(to, from, sizeof(float) * out.columns * GROUP);
                const int channels = std::min(GROUP, full_layer.output[0] - block * GROUP);
                for (int lane = 0; lane < channels; lane++) {
                    const ptrdiff_t row = ptrdiff_t(block * GROUP + lane) * out.rows + y;
                    for (int x = 0; x < out.columns; x++)
                        to[x * GROUP + lane] += full_layer.bias[row * out.columns + x];
                }
                activate(layer.function, to, out.columns);
            }
    }
};

}  // namespace

bool runs_on_one_image(const StriateLayer& layer) {
    const bool sparse = layer.kind == CONVOLUTION && 2 * layer.links <= layer.input[0] * layer.output[0];
    return !sparse && layer.kind != RESPONSE;
}

std::unique_ptr<Operation> one_image_operation(const StriateLayer& layer) {
    switch (layer.kind) {
        case CONVOLUTION: return std::make_unique<OneImageConvolution>(layer);
        case SUBSAMPLING: return std::make_unique<OneImageSubsampling>(layer);
        case LINEAR: return std::make_unique<OneImageFlat<false>>(layer);
        case RADIAL: return std::make_unique<OneImageFlat<true>>(layer);
        case ELEMENTWISE: return elementwise(in_channel_blocks(layer));
        case DROPOUT: return dropout(in_channel_blocks(layer));
        case POSITION_BIAS: return std::make_unique<OneImagePositionBias>(layer);
        case MAXIMUM:
        case AVERAGE: return pooling(in_channel_blocks(layer));
        default: throw std::invalid_argument("a layer of a kind that one image does not take");
    }
}

}  // namespace striate
