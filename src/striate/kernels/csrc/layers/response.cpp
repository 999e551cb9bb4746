// Local response normalisation: each value is divided by a power of the sum of squares at the same position of the
// neighbouring channels (AlexNet, section 3.3).
#include <cmath>

#include "layers/operation.hpp"
#include "simd/activations.hpp"

namespace striate {
namespace {

class Response final : public Operation {
public:
    explicit Response(const StriateLayer& layer) : Operation(layer) {}

    // For a row of every channel: the sums k + alpha · Σ a², and in backward a factor for each value.
    ptrdiff_t scratch_size(int) const override { return ptrdiff_t(2) * in.channels * in.columns * GROUP; }

    void forward(const Buffers& b) override {
        for (int g = 0; g < b.groups; g++)
            for (int y = 0; y < layer.input[1]; y++) {
                const float* values = b.in + g * b.in_group_stride + in.at(0, y, 0);
                sums_of_squares(values, b.scratch);
                for (int c = 0; c < in.channels; c++) {
                    float* to = b.out + g * b.out_group_stride + out.at(c, y, 0);
                    for (int i = 0; i < in.columns * GROUP; i += LANES)
                        store(to + i,
                              load(values + c * in.channel_stride() + i) * power(load(b.scratch + c * row_size() + i)));
                    activate(layer.function, to, in.columns);
                }
            }
    }

    // With b_i = a_i · s_i^−β, the gradient of a_i is g_i · s_i^−β − 2αβ · a_i · Σ_j g_j · a_j · s_j^−β / s_j, over the
    // channels j whose sum s_j contains a_i².
    void backward(const Buffers& b) override {
        if (!b.in_gradient) return;
        const float scale = -2.0f * layer.response[0] * layer.response[1];
        float* factors = b.scratch + in.channels * row_size();
        for (int g = 0; g < b.groups; g++)
            for (int y = 0; y < layer.input[1]; y++) {
                const float* values = b.in + g * b.in_group_stride + in.at(0, y, 0);
                const float* gradients = b.out_gradient + g * b.out_gradient_group_stride + out_gradient.at(0, y, 0);
                float* to = b.in_gradient + g * b.in_gradient_group_stride + in_gradient.at(0, y, 0);
                sums_of_squares(values, b.scratch);
                for (int c = 0; c < in.channels; c++)
                    for (ptrdiff_t i = 0; i < row_size(); i += LANES) {
                        const Vector sum = load(b.scratch + c * row_size() + i);
                        const Vector direct = load(gradients + c * out_gradient.channel_stride() + i) * power(sum);
                        store(to + c * in_gradient.channel_stride() + i, direct);
                        store(factors + c * row_size() + i, direct * load(values + c * in.channel_stride() + i) / sum);
                    }
                for (int c = 0; c < in.channels; c++) {
                    const auto [first, end] = neighbours(c, true);
                    for (ptrdiff_t i = 0; i < row_size(); i += LANES) {
                        Vector sum{};
                        for (int j = first; j < end; j++) sum += load(factors + j * row_size() + i);
                        float* at = to + c * in_gradient.channel_stride() + i;
                        store(at, load(at) + scale * load(values + c * in.channel_stride() + i) * sum);
                    }
                    multiply_by_derivative(input_function, values + c * in.channel_stride(),
                                           to + c * in_gradient.channel_stride(), in.columns);
                }
            }
    }

private:
    ptrdiff_t row_size() const { return ptrdiff_t(in.columns) * GROUP; }

    // The channels whose squares are in channel c's sum, or (`backward`) those whose sums contain channel c's square. A
    // sum over an even number of channels has one more below c than above.
    std::pair<int, int> neighbours(int c, bool backward) const {
        const int below = layer.kernel[0] / 2, above = (layer.kernel[0] - 1) / 2;
        return {std::max(0, c - (backward ? above : below)), std::min(in.channels, c + (backward ? below : above) + 1)};
    }

    void sums_of_squares(const float* values, float* to) const {
        for (int c = 0; c < in.channels; c++) {
            const auto [first, end] = neighbours(c, false);
            for (ptrdiff_t i = 0; i < row_size(); i += LANES) {
                Vector sum{};
                for (int j = first; j < end; j++) {
                    const Vector value = load(values + j * in.channel_stride() + i);
                    sum += value * value;
                }
                store(to + c * row_size() + i, layer.response[2] + layer.response[0] * sum);
            }
        }
    }

    // s^−β. AlexNet's β is ¾, for which two square roots suffice.
    Vector power(Vector sum) const {
        alignas(64) float lanes[LANES];
        store(lanes, sum);
        if (layer.response[1] == 0.75f)
            for (float& lane : lanes) lane = 1.0f / (std::sqrt(lane) * std::sqrt(std::sqrt(lane)));
        else
            for (float& lane : lanes) lane = std::pow(lane, -layer.response[1]);
        return load(lanes);
    }
};

}  // namespace

std::unique_ptr<Operation> response(const StriateLayer& layer) { return std::make_unique<Response>(layer); }

}  // namespace striate
