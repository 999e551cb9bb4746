// A bias of its own for each value of the maps.
#include "layers/operation.hpp"
#include "simd/activations.hpp"

namespace striate {
namespace {

class PositionBias final : public Operation {
public:
    explicit PositionBias(const StriateLayer& layer) : Operation(layer) {}

    void forward(const Buffers& b) override {
        each_row(b, [&](int group, int c, int y) {
            const float* from = b.in + group * b.in_group_stride + in.at(c, y, 0);
            float* to = b.out + group * b.out_group_stride + out.at(c, y, 0);
            const float* bias = layer.bias + row(c, y);
            for (int x = 0; x < in.columns; x++)
                for (int lane = 0; lane < GROUP; lane += LANES)
                    store(to + x * GROUP + lane, load(from + x * GROUP + lane) + bias[x]);
            activate(layer.function, to, in.columns);
        });
    }

    void backward(const Buffers& b) override {
        each_row(b, [&](int group, int c, int y) {
            const float* from = b.out_gradient + group * b.out_gradient_group_stride + out_gradient.at(c, y, 0);
            const bool write = b.overwrite && !group;
            for (int x = 0; b.bias_gradient && x < in.columns; x++) {
                float& sum = b.bias_gradient[row(c, y) + x];
                if (write) sum = 0.0f;
                for (int lane = 0; lane < GROUP; lane++) sum += from[x * GROUP + lane];
            }
            if (!b.in_gradient) return;
            float* to = b.in_gradient + group * b.in_gradient_group_stride + in_gradient.at(c, y, 0);
            std::memcpy(to, from, sizeof(float) * in.columns * GROUP);
            multiply_by_derivative(input_function, b.in + group * b.in_group_stride + in.at(c, y, 0), to, in.columns);
        });
    }

private:
    ptrdiff_t row(int channel, int y) const { return (ptrdiff_t(channel) * in.rows + y) * in.columns; }

    template <class Row>
    void each_row(const Buffers& b, Row each) const {
        for (int g = 0; g < b.groups; g++)
            for (int c = 0; c < in.channels; c++)
                for (int y = 0; y < in.rows; y++) each(g, c, y);
    }
};

}  // namespace

std::unique_ptr<Operation> position_bias(const StriateLayer& layer) { return std::make_unique<PositionBias>(layer); }

}  // namespace striate
