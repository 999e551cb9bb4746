// Local response normalisation: each value over a power of the squares in the maps beside its own (AlexNet, section 3.3).
#include <cmath>

#include "layers/operation.hpp"
#include "simd/activations.hpp"

namespace striate {
namespace {

class Response final : public Operation {
public:
    explicit Response(const StriateLayer& layer) : Operation(layer) {}

    // The sums of squares, k + alpha · Σ a², of a row of every map; in backward a factor for each value beside them.
    ptrdiff_t scratch_size(int) const override { return ptrdiff_t(2) * in.channels * in.columns * GROUP; }

    void forward(const Buffers& b) override {
        for (int g = 0; g < b.groups; g++)
            for (int y = 0; y < layer.input[1]; y++) {
                const float* values = b.in + g * b.in_group + in.at(0, y, 0);
                sums_of_squares(values, b.scratch);
                for (int c = 0; c < in.channels; c++) {
                    float* to = b.out + g * b.out_group + out.at(c, y, 0);
                    for (int i = 0; i < in.columns * GROUP; i += LANES)
                        store(to + i,
                              load(values + c * in.channel_stride() + i) * power(load(b.scratch + c * width() + i)));
                    activate(layer.function, to, in.columns);
                }
            }
    }

    // Of b_i = a_i · s_i^−β: the gradient g_i · s_i^−β − 2αβ · a_i · Σ_j g_j · a_j · s_j^−β / s_j, j beside i.
    void backward(const Buffers& b) override {
        if (!b.in_gradient) return;
        const float share = -2.0f * layer.response[0] * layer.response[1];
        float* factors = b.scratch + in.channels * width();
        for (int g = 0; g < b.groups; g++)
            for (int y = 0; y < layer.input[1]; y++) {
                const float* values = b.in + g * b.in_group + in.at(0, y, 0);
                const float* gradients = b.out_gradient + g * b.out_gradient_group + out_gradient.at(0, y, 0);
                float* to = b.in_gradient + g * b.in_gradient_group + in_gradient.at(0, y, 0);
                sums_of_squares(values, b.scratch);
                for (int c = 0; c < in.channels; c++)
                    for (ptrdiff_t i = 0; i < width(); i += LANES) {
                        const Vector sum = load(b.scratch + c * width() + i);
                        const Vector direct = load(gradients + c * out_gradient.channel_stride() + i) * power(sum);
                        store(to + c * in_gradient.channel_stride() + i, direct);
                        store(factors + c * width() + i, direct * load(values + c * in.channel_stride() + i) / sum);
                    }
                for (int c = 0; c < in.channels; c++) {
                    const auto [first, end] = beside(c, true);
                    for (ptrdiff_t i = 0; i < width(); i += LANES) {
                        Vector sum{};
                        for (int j = first; j < end; j++) sum += load(factors + j * width() + i);
                        float* at = to + c * in_gradient.channel_stride() + i;
                        store(at, load(at) + share * load(values + c * in.channel_stride() + i) * sum);
                    }
                    multiply_by_derivative(input_function, values + c * in.channel_stride(),
                                           to + c * in_gradient.channel_stride(), in.columns);
                }
            }
    }

private:
    ptrdiff_t width() const { return ptrdiff_t(in.columns) * GROUP; }

    // The maps whose squares are in map c's sum, or those whose sums map c's square is in. An even number of maps has
    // one more below than above.
    std::pair<int, int> beside(int c, bool back) const {
        const int below = layer.kernel[0] / 2, above = (layer.kernel[0] - 1) / 2;
        return {std::max(0, c - (back ? above : below)), std::min(in.channels, c + (back ? below : above) + 1)};
    }

    void sums_of_squares(const float* values, float* to) const {
        for (int c = 0; c < in.channels; c++) {
            const auto [first, end] = beside(c, false);
            for (ptrdiff_t i = 0; i < width(); i += LANES) {
                Vector sum{};
                for (int j = first; j < end; j++) {
                    const Vector value = load(values + j * in.channel_stride() + i);
                    sum += value * value;
                }
                store(to + c * width() + i, layer.response[2] + layer.response[0] * sum);
            }
        }
    }

    // s^−β. For AlexNet's β, ¾, two square roots do.
    Vector power(Vector sum) const {
        alignas(64) float each[LANES];
        store(each, sum);
        if (layer.response[1] == 0.75f)
            for (float& one : each) one = 1.0f / (std::sqrt(one) * std::sqrt(std::sqrt(one)));
        else
            for (float& one : each) one = std::pow(one, -layer.response[1]);
        return load(each);
    }
};

}  // namespace

std::unique_ptr<Operation> response(const StriateLayer& layer) { return std::make_unique<Response>(layer); }

}  // namespace striate
