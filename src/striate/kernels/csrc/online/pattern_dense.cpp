// Subsampling and dense layers over one image.
#include <array>
#include <utility>

#include "online/pattern.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

class Subsampling final : public PatternLayer {
public:
    Subsampling(const StriateLayer& layer, Planes in) : PatternLayer(layer, in) {
        weight_count = bias_count;
        for (int c = 0; c < in.channels; c++) places.push_back(c);
    }

    void forward(const float* from, float* to, const float* weights, const float* biases) const override {
        for (int channel = 0; channel < out.blocks() * GROUP; channel += LANES) {
            const Vector factor = load(weights + channel), start = load(biases + channel);
            for (int y = 0; y < out.rows; y++)
                for (int x = 0; x < out.columns; x++)
                    store(to + out.at(channel, y, x), window(from, channel, y, x) * factor + start);
        }
    }

    void backward(const float* from, const float* gradient, float* to, const Change& change) const override {
        for (int channel = 0; channel < out.blocks() * GROUP; channel += LANES) {
            const Vector factor = load(change.weights + channel);
            Vector weight_sum{}, bias_sum{};
            for (int y = 0; y < out.rows; y++)
                for (int x = 0; x < out.columns; x++) {
                    const Vector given = load(gradient + out_gradient.at(channel, y, x));
                    weight_sum += given * window(from, channel, y, x), bias_sum += given;
                    for (int r = 0; to && r < layer.kernel[0]; r++)
                        for (int k = 0; k < layer.kernel[1]; k++)
                            store(to + in_gradient.at(channel, y * layer.kernel[0] + r, x * layer.kernel[1] + k),
                                  given * factor);
                }
            float *weight = change.weights_changed + channel, *bias = change.biases_changed + channel;
            store(weight, load(weight) - load(change.weight_rates + channel) * weight_sum);
            store(bias, load(bias) - load(change.bias_rates + channel) * bias_sum);
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

constexpr int MOST_VECTORS = 8;

// sums = start + Σ_k weights[k] · in[offsets[k]], for some vectors of units.
struct Product {
    const float *in, *weights, *start;
    const ptrdiff_t* offsets;
    ptrdiff_t inputs, row;
    float* out;
};

template <int VECTORS>
void multiply(const Product& p) {
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
constexpr auto products(std::integer_sequence<int, N...>) {
    return std::array<void (*)(const Product&), sizeof...(N)>{multiply<N + 1>...};
}
constexpr auto PRODUCTS = products(std::make_integer_sequence<int, MOST_VECTORS>());

class Dense final : public PatternLayer {
public:
    Dense(const StriateLayer& layer, Planes in) : PatternLayer(layer, in), row(out.size()) {
        offsets = all_of(in);
        weight_count = ptrdiff_t(offsets.size()) * row;
        for (int unit = 0; unit < out.channels; unit++)
            for (size_t k = 0; k < offsets.size(); k++) places.push_back(ptrdiff_t(k) * row + unit);
    }

    void prepare_offsets() override { returns = all_of(in_gradient); }

    void forward(const float* from, float* to, const float* weights, const float* biases) const override {
        Product p{from, nullptr, nullptr, offsets.data(), ptrdiff_t(offsets.size()), row, nullptr};
        const int vectors = int(row / LANES);
        for (int v = 0, count; v < vectors; v += count) {
            count = std::min(MOST_VECTORS, vectors - v);
            const ptrdiff_t first = ptrdiff_t(v) * LANES;
            p.weights = weights + first, p.start = biases + first, p.out = to + first;
            PRODUCTS[count - 1](p);
        }
    }

    void backward(const float* from, const float* gradient, float* to, const Change& change) const override {
        const ptrdiff_t inputs = ptrdiff_t(offsets.size());
        for (ptrdiff_t first = 0; first < inputs; first += LANES) {
            Vector sum[LANES] = {};
            const int count = int(std::min<ptrdiff_t>(LANES, inputs - first));
            for (int i = 0; i < count; i++) sum[i] = change_row(first + i, from[offsets[first + i]], gradient, change);
            alignas(64) float sums[LANES];
            store(sums, row_sums(sum));
            for (int i = 0; to && i < count; i++) to[returns[first + i]] = sums[i];
        }
        for (ptrdiff_t v = 0; v < row; v += LANES) {
            float* changed = change.biases_changed + v;
            store(changed, load(changed) - load(change.bias_rates + v) * load(gradient + v));
        }
    }

private:
    // One input's weights; the lanes of the result add up to its gradient.
    Vector change_row(ptrdiff_t input, float value, const float* gradient, const Change& change) const {
        const float *lead = change.weights + input * row, *rates = change.weight_rates + input * row;
        float* changed = change.weights_changed + input * row;
        const Vector spread_value = broadcast(value);
        Vector sum{};
        for (ptrdiff_t v = 0; v < row; v += LANES) {
            const Vector given = load(gradient + v);
            sum += load(lead + v) * given;
            store(changed + v, load(changed + v) - load(rates + v) * (given * spread_value));
        }
        return sum;
    }

    // Where each input lies, in the order of the weights.
    static std::vector<ptrdiff_t> all_of(const Planes& planes) {
        std::vector<ptrdiff_t> found;
        for (int c = 0; c < planes.channels; c++)
            for (int y = 0; y < planes.rows; y++)
                for (int x = 0; x < planes.columns; x++) found.push_back(planes.at(c, y, x));
        return found;
    }

    ptrdiff_t row;
    std::vector<ptrdiff_t> offsets, returns;  // of the inputs, and of their gradients
};

}  // namespace

std::unique_ptr<PatternLayer> pattern_subsampling(const StriateLayer& layer, Planes in) {
    return std::make_unique<Subsampling>(layer, in);
}

std::unique_ptr<PatternLayer> pattern_dense(const StriateLayer& layer, Planes in) {
    return std::make_unique<Dense>(layer, in);
}

}  // namespace striate
