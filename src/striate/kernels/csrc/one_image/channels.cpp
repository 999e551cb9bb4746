// The layers for a single image: the lanes hold sixteen of its channels, so each has a weight of its own.
#include <array>
#include <stdexcept>
#include <utility>

#include "one_image/single.hpp"
#include "simd/activations.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

// A layer as one of blocks of sixteen channels: all there is to say to one that has no weights.
StriateLayer in_blocks(StriateLayer layer) {
    for (int* channels : {layer.input, layer.output}) *channels = (*channels + GROUP - 1) / GROUP;
    return layer;
}

// What only backward passes need is not there.
class OfOne : public Operation {
public:
    explicit OfOne(const StriateLayer& layer) : Operation(in_blocks(layer)), given(layer) {}
    void backward(const Buffers&) override {}

protected:
    const StriateLayer given;  // with its channels, not blocks of them

    // A number for each channel of the output, or zeros.
    AlignedFloats of_channels(const float* numbers) const {
        AlignedFloats kept(ptrdiff_t(layer.output[0]) * GROUP);
        if (numbers) std::copy(numbers, numbers + given.output[0], kept.data());
        return kept;
    }
};

constexpr int MOST_COLUMNS = 14;

// out[x] = start + Σ_t weights[t] · in[offsets[t] + x · step], for a vector of filters and some columns x.
struct Stretch {
    const float *in, *weights;
    const int32_t* offsets;
    int taps;
    ptrdiff_t step;
    Vector start;
    float* out;
};

template <int COLUMNS>
void stretch(const Stretch& s) {
    Vector sum[COLUMNS];
    for (int x = 0; x < COLUMNS; x++) sum[x] = s.start;
    for (int t = 0; t < s.taps; t++) {
        const Vector weight = in_register(load(s.weights + ptrdiff_t(t) * GROUP));
        const float* in = s.in + s.offsets[t];
        for (int x = 0; x < COLUMNS; x++) sum[x] += weight * in[x * s.step];
    }
    for (int x = 0; x < COLUMNS; x++) store(s.out + x * GROUP, sum[x]);
}

template <int... N>
constexpr auto stretches(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const Stretch&), sizeof...(N)>{stretch<N + 1>...};
}
constexpr auto STRETCHES = stretches(std::make_integer_sequence<int, MOST_COLUMNS>());

class ConvolutionOfOne final : public OfOne {
public:
    explicit ConvolutionOfOne(const StriateLayer& layer)
        : OfOne(layer),
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
        for (int c = 0; c < given.input[0]; c++)
            for (int y = 0; y < given.kernel[0]; y++)
                for (int x = 0; x < given.kernel[1]; x++)
                    offsets.push_back(int32_t(in.at(c / GROUP, y * given.dilation[0] - given.padding[0],
                                                    x * given.dilation[1] - given.padding[2]) +
                                              c % GROUP));
    }

    int pack_tasks() const override { return 1; }
    void pack(int) override {
        for (int i = 0; i < given.links; i++) {
            const int filter = given.link_filters[i], first = given.link_channels[i] * kernel;
            float* to = weights.data() + (ptrdiff_t(filter / GROUP) * taps + first) * GROUP + filter % GROUP;
            for (int t = 0; t < kernel; t++) to[t * GROUP] = given.weight[ptrdiff_t(i) * kernel + t];
        }
    }

    void forward(const Buffers& b) override {
        AlignedFloats starts = of_channels(given.bias);
        Stretch s{};
        s.offsets = offsets.data(), s.taps = taps, s.step = given.stride[1] * GROUP;
        for (int block = 0; block < out.channels; block++)
            for (int y = 0; y < out.rows; y++) {
                for (int lane = 0; lane < GROUP; lane += LANES) {
                    s.weights = weights.data() + ptrdiff_t(block) * taps * GROUP + lane;
                    s.start = load(starts.data() + block * GROUP + lane);
                    for (int x = 0, count; x < out.columns; x += count) {
                        count = std::min(MOST_COLUMNS, out.columns - x);
                        s.in = b.in + y * given.stride[0] * in.row_stride() + x * s.step;
                        s.out = b.out + out.at(block, y, x) + lane;
                        STRETCHES[count - 1](s);
                    }
                }
                activate(layer.function, b.out + out.at(block, y, 0), out.columns);
            }
    }

private:
    int kernel, taps;
    AlignedFloats weights;  // block of filters × tap × 16 filters
    std::vector<int32_t> offsets;
};

class SubsamplingOfOne final : public OfOne {
public:
    using OfOne::OfOne;

    void forward(const Buffers& b) override {
        AlignedFloats factors = of_channels(given.weight), starts = of_channels(given.bias);
        for (int block = 0; block < out.channels; block++)
            for (int y = 0; y < out.rows; y++) {
                for (int x = 0; x < out.columns; x++) {
                    const float* corner = b.in + in.at(block, y * given.stride[0], x * given.stride[1]);
                    for (int lane = 0; lane < GROUP; lane += LANES) {
                        Vector sum{};
                        for (int i = 0; i < given.kernel[0]; i++)
                            for (int j = 0; j < given.kernel[1]; j++) sum += load(corner + in.at(0, i, j) + lane);
                        const ptrdiff_t channel = block * GROUP + lane;
                        store(b.out + out.at(block, y, x) + lane,
                              sum * load(factors.data() + channel) + load(starts.data() + channel));
                    }
                }
                activate(layer.function, b.out + out.at(block, y, 0), out.columns);
            }
    }
};

// Linear, or radial: the products of the features and each output's weights, or their distances squared, summed.
template <bool RADIAL_LAYER>
class FlatOfOne final : public OfOne {
public:
    explicit FlatOfOne(const StriateLayer& layer)
        : OfOne(layer), inputs(layer.input[0] * layer.input[1] * layer.input[2]), flat(inputs + LANES) {}

    void forward(const Buffers& b) override {
        float* to = flat.data();  // in the order of the weights: channel by channel
        for (int c = 0; c < given.input[0]; c++)
            for (int y = 0; y < in.rows; y++)
                for (int x = 0; x < in.columns; x++) *to++ = b.in[in.at(c / GROUP, y, x) + c % GROUP];
        AlignedFloats starts = of_channels(given.bias);
        for (int first = 0; first < given.output[0]; first += LANES)
            store(b.out + first, load(starts.data() + first) + sums(first));
        activate(layer.function, b.out, layer.output[0]);
    }

private:
    static Vector term(Vector weight, Vector value) {
        return RADIAL_LAYER ? (value - weight) * (value - weight) : weight * value;
    }

    // Of LANES outputs, the lanes along the features; past the last output they repeat it.
    Vector sums(int first) {
        const float *values = flat.data(), *row[LANES];
        Vector sum[LANES] = {};
        for (int r = 0; r < LANES; r++)
            row[r] = given.weight + ptrdiff_t(std::min(first + r, given.output[0] - 1)) * inputs;
        int k = 0;
        for (; k + LANES <= inputs; k += LANES) {
            const Vector value = in_register(load(values + k));
            for (int r = 0; r < LANES; r++) sum[r] += term(load_unaligned(row[r] + k), value);
        }
        for (int r = 0; k < inputs && r < LANES; r++) {
            alignas(64) float rest[LANES] = {};
            std::memcpy(rest, row[r] + k, sizeof(float) * (inputs - k));
            sum[r] += term(load(rest), load(values + k));
        }
        return row_sums(sum);
    }

    int inputs;
    AlignedFloats flat;
};

}  // namespace

std::unique_ptr<Operation> of_one(const StriateLayer& layer) {
    switch (layer.kind) {
        case CONVOLUTION: return std::make_unique<ConvolutionOfOne>(layer);
        case SUBSAMPLING: return std::make_unique<SubsamplingOfOne>(layer);
        case LINEAR: return std::make_unique<FlatOfOne<false>>(layer);
        case RADIAL: return std::make_unique<FlatOfOne<true>>(layer);
        case ELEMENTWISE: return elementwise(in_blocks(layer));
        case DROPOUT: return dropout(in_blocks(layer));
        case MAXIMUM:
        case AVERAGE: return pooling(in_blocks(layer));
        default: throw std::invalid_argument("a layer of a kind that one image does not take");
    }
}

}  // namespace striate
