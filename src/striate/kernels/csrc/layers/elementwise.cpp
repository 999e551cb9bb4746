// An activation as a layer of its own, and dropout.
#include "layers/operation.hpp"
#include "simd/activations.hpp"

namespace striate {
namespace {

class Elementwise final : public Operation {
public:
    explicit Elementwise(const StriateLayer& layer) : Operation(layer) {}

    void forward(const Buffers& b) override {
        each_row(b, [&](const float* values, float* to, int) {
            std::memcpy(to, values, sizeof(float) * in.columns * GROUP);
            activate(layer.function, to, in.columns);
        });
    }

    void backward(const Buffers& b) override {
        if (!b.in_gradient) return;
        for (int g = 0; g < b.groups; g++)
            for (int c = 0; c < in.channels; c++)
                for (int y = 0; y < in.rows; y++) {
                    float* to = b.in_gradient + g * b.in_gradient_group_stride + in_gradient.at(c, y, 0);
                    const float* from = b.out_gradient + g * b.out_gradient_group_stride + out_gradient.at(c, y, 0);
                    std::memcpy(to, from, sizeof(float) * in.columns * GROUP);
                    multiply_by_derivative(input_function, b.in + g * b.in_group_stride + in.at(c, y, 0), to,
                                           in.columns);
                }
    }

private:
    template <class Row>
    void each_row(const Buffers& b, Row row) const {
        for (int g = 0; g < b.groups; g++)
            for (int c = 0; c < in.channels; c++)
                for (int y = 0; y < in.rows; y++)
                    row(b.in + g * b.in_group_stride + in.at(c, y, 0), b.out + g * b.out_group_stride + out.at(c, y, 0),
                        g);
    }
};

// Whether a value is dropped depends only on the seed and the value's position, so threads need no generator each.
class Dropout final : public Operation {
public:
    explicit Dropout(const StriateLayer& layer) : Operation(layer) {}

    void forward(const Buffers& b) override {
        for (int g = 0; g < b.groups; g++)
            for (int c = 0; c < in.channels; c++)
                for (int y = 0; y < in.rows; y++) {
                    const float* values = b.in + g * b.in_group_stride + in.at(c, y, 0);
                    float* to = b.out + g * b.out_group_stride + out.at(c, y, 0);
                    if (b.training) drop(values, to, b.seed, g, c * in.rows + y);
                    else std::memcpy(to, values, sizeof(float) * in.columns * GROUP);
                }
    }

    void backward(const Buffers& b) override {
        if (!b.in_gradient) return;
        for (int g = 0; g < b.groups; g++)
            for (int c = 0; c < in.channels; c++)
                for (int y = 0; y < in.rows; y++) {
                    float* to = b.in_gradient + g * b.in_gradient_group_stride + in_gradient.at(c, y, 0);
                    drop(b.out_gradient + g * b.out_gradient_group_stride + out_gradient.at(c, y, 0), to, b.seed, g,
                         c * in.rows + y);
                    multiply_by_derivative(input_function, b.in + g * b.in_group_stride + in.at(c, y, 0), to,
                                           in.columns);
                }
    }

private:
    // Scrambles 64 bits: the finaliser of the generator splitmix64.
    static uint64_t mixed(uint64_t x) {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return x ^ (x >> 31);
    }

    void drop(const float* values, float* to, uint64_t seed, int group, int row) const {
        const uint64_t limit = uint64_t(double(layer.rate) * 4294967296.0);
        const float scale = 1.0f / (1.0f - layer.rate);
        uint64_t counter = mixed(seed + uint64_t(group)) + uint64_t(row) * in.columns * (GROUP / 2);
        for (int i = 0; i < in.columns * GROUP; i += 2, counter++) {  // each random number decides for two values
            const uint64_t random = mixed(counter * 0x9e3779b97f4a7c15u);
            to[i] = (random >> 32) < limit ? 0.0f : values[i] * scale;
            to[i + 1] = (random & 0xffffffffu) < limit ? 0.0f : values[i + 1] * scale;
        }
    }
};

}  // namespace

std::unique_ptr<Operation> elementwise(const StriateLayer& layer) { return std::make_unique<Elementwise>(layer); }
std::unique_ptr<Operation> dropout(const StriateLayer& layer) { return std::make_unique<Dropout>(layer); }

}  // namespace striate
