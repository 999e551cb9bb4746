// Subsampling and dense layers over one image.
#include <array>
#include <utility>

#include "online/online_trainer.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

class Subsampling final : public OnlineLayer {
public:
    Subsampling(const StriateLayer& layer, BlockedMaps in) : OnlineLayer(layer, in) {
        weight_count = bias_count;
        for (int c = 0; c < in.channels; c++) weight_offsets.push_back(c);
    }

    void forward(const float* from, float* to, const float* weights, const float* biases) const override {
        for (int channel = 0; channel < out.blocks() * GROUP; channel += LANES) {
            const Vector factor = load(weights + channel), start = load(biases + channel);
            for (int y = 0; y < out.rows; y++)
                for (int x = 0; x < out.columns; x++)
                    store(to + out.at(channel, y, x), window(from, channel, y, x) * factor + start);
        }
    }

    void backward(const float* from, const float* gradient, float* to, const ParameterUpdate& update) const override {
        for (int channel = 0; channel < out.blocks() * GROUP; channel += LANES) {
            const Vector factor = load(update.weights + channel);
            Vector weight_sum{}, bias_sum{};
            for (int y = 0; y < out.rows; y++)
                for (int x = 0; x < out.columns; x++) {
                    const Vector gradient_vector = load(gradient + out_gradient.at(channel, y, x));
                    weight_sum += gradient_vector * window(from, channel, y, x), bias_sum += gradient_vector;
                    for (int r = 0; to && r < layer.kernel[0]; r++)
                        for (int k = 0; k < layer.kernel[1]; k++)
                            store(to + in_gradient.at(channel, y * layer.kernel[0] + r, x * layer.kernel[1] + k),
                                  gradient_vector * factor);
                }
            float *weight = update.weights_to_update + channel, *bias = update.biases_to_update + channel;
            store(weight, load(weight) - load(update.weight_rates + channel) * weight_sum);
            store(bias, load(bias) - load(update.bias_rates + channel) * bias_sum);
        }
    }

private:
    // The sum of a window, for a vector of channels of which `channel` is the first.
    Vector window(const float* from, int channel, int y, int x) const {
        const float* corner = from + in.at(channel, y * layer.kernel[0], x * layer.kernel[1]);
        Vector sum{};
        for (int r = 0; r < layer.kernel[0]; r++)
            for (int k = 0; k < layer.kernel[1]; k++) sum += load(corner + r * in.row_stride() + ptrdiff_t(k) * GROUP);
        return sum;
    }
};

constexpr int MAX_VECTORS = 8;

// A register tile of VECTORS vectors of units: out = start + Σ_k weights[k] · in[offsets[k]].
struct Product {
    const float *in, *weights, *start;
    const ptrdiff_t* offsets;
    ptrdiff_t inputs, row;
    float* out;
};

template <int VECTORS>
void run_product(const Product& p) {
    Vector sum[VECTORS];
    for (int v = 0; v < VECTORS; v++) sum[v] = load(p.start + v * LANES);
    const float* weights = p.weights;
    for (ptrdiff_t k = 0; k < p.inputs; k++, weights += p.row) {
        const Vector value = broadcast(p.in[p.offsets[k]]);
        for (int v = 0; v < VECTORS; v++) sum[v] += value * load(weights + v * LANES);
    }
    for (int v = 0; v < VECTORS; v++) store(p.out + v * LANES, sum[v]);
}

template <int... N>
constexpr auto product_kernels(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const Product&), sizeof...(N)>{run_product<N + 1>...};
}
constexpr auto PRODUCT_KERNELS = product_kernels(std::make_integer_sequence<int, MAX_VECTORS>());

class Dense final : public OnlineLayer {
public:
    Dense(const StriateLayer& layer, BlockedMaps in) : OnlineLayer(layer, in), row(out.size()) {
        offsets = offsets_of_inputs(in);
        weight_count = ptrdiff_t(offsets.size()) * row;
        for (int unit = 0; unit < out.channels; unit++)
            for (size_t k = 0; k < offsets.size(); k++) weight_offsets.push_back(ptrdiff_t(k) * row + unit);
    }

    void prepare_offsets() override { gradient_offsets = offsets_of_inputs(in_gradient); }

    void forward(const float* from, float* to, const float* weights, const float* biases) const override {
        Product p{from, nullptr, nullptr, offsets.data(), ptrdiff_t(offsets.size()), row, nullptr};
        const int vectors = int(row / LANES);
        for (int v = 0, count; v < vectors; v += count) {
            count = std::min(MAX_VECTORS, vectors - v);
            const ptrdiff_t first = ptrdiff_t(v) * LANES;
            p.weights = weights + first, p.start = biases + first, p.out = to + first;
            PRODUCT_KERNELS[count - 1](p);
        }
    }

    void backward(const float* from, const float* gradient, float* to, const ParameterUpdate& update) const override {
        const ptrdiff_t inputs = ptrdiff_t(offsets.size());
        for (ptrdiff_t first = 0; first < inputs; first += LANES) {
            Vector sum[LANES] = {};
            const int count = int(std::min<ptrdiff_t>(LANES, inputs - first));
            for (int i = 0; i < count; i++) sum[i] = update_row(first + i, from[offsets[first + i]], gradient, update);
            alignas(64) float sums[LANES];
            store(sums, row_sums(sum));
            for (int i = 0; to && i < count; i++) to[gradient_offsets[first + i]] = sums[i];
        }
        for (ptrdiff_t v = 0; v < row; v += LANES) {
            float* target = update.biases_to_update + v;
            store(target, load(target) - load(update.bias_rates + v) * load(gradient + v));
        }
    }

private:
    // Updates the weights of one input. The lanes of the result add up to the input's gradient.
    Vector update_row(ptrdiff_t input, float value, const float* gradient, const ParameterUpdate& update) const {
        const float *weights = update.weights + input * row, *rates = update.weight_rates + input * row;
        float* target = update.weights_to_update + input * row;
        const Vector broadcast_value = broadcast(value);
        Vector sum{};
        for (ptrdiff_t v = 0; v < row; v += LANES) {
            const Vector gradient_vector = load(gradient + v);
            sum += load(weights + v) * gradient_vector;
            store(target + v, load(target + v) - load(rates + v) * (gradient_vector * broadcast_value));
        }
        return sum;
    }

    // The offset of each input, in the order of the weights.
    static std::vector<ptrdiff_t> offsets_of_inputs(const BlockedMaps& maps) {
        std::vector<ptrdiff_t> found;
        for (int c = 0; c < maps.channels; c++)
            for (int y = 0; y < maps.rows; y++)
                for (int x = 0; x < maps.columns; x++) found.push_back(maps.at(c, y, x));
        return found;
    }

    ptrdiff_t row;
    std::vector<ptrdiff_t> offsets, gradient_offsets;  // of the inputs; of their gradients
};

}  // namespace

std::unique_ptr<OnlineLayer> online_subsampling(const StriateLayer& layer, BlockedMaps in) {
    return std::make_unique<Subsampling>(layer, in);
}

std::unique_ptr<OnlineLayer> online_dense(const StriateLayer& layer, BlockedMaps in) {
    return std::make_unique<Dense>(layer, in);
}

}  // namespace striate
