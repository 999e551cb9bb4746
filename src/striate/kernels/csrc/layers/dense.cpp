// Layers on flat features: linear ones and radial basis functions. They run on all groups at once, so that each weight
// that is loaded is used for all of them.
#include <vector>

#include "convolution/correlator.hpp"
#include "engine/engine.hpp"
#include "layers/operation.hpp"
#include "simd/activations.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

constexpr bool MANY = REGISTERS >= 32;
constexpr int OUTPUTS = MANY ? 8 : 4;  // of a forward block, times the groups
constexpr int INPUTS = MANY ? 12 : 4;  // of an input gradient's block, times the groups
constexpr int ROWS = MANY ? 4 : 3;     // of a weight gradient's block,
constexpr int VECTORS = MANY ? 6 : 3;  //   times vectors of inputs

// One set of arguments for the three kernels; `b` as the layer has it, `weight` outputs × inputs.
struct Matrix {
    const float *weight, *bias;
    int inputs, outputs;
};

template <int COUNT, int GROUPS>
void forward_block(const Matrix& m, const Buffers& b, int first) {
    const float* weight = m.weight + ptrdiff_t(first) * m.inputs;
    for (int lane = 0; lane < GROUP; lane += LANES) {
        Vector sum[COUNT][GROUPS];
        for (int o = 0; o < COUNT; o++)
            for (int g = 0; g < GROUPS; g++) sum[o][g] = broadcast(m.bias ? m.bias[first + o] : 0.0f);
        for (int k = 0; k < m.inputs; k++) {
            Vector value[GROUPS];
            for (int g = 0; g < GROUPS; g++) value[g] = load(b.in + g * b.in_group + ptrdiff_t(k) * GROUP + lane);
            for (int o = 0; o < COUNT; o++) {
                const Vector factor = broadcast(weight[ptrdiff_t(o) * m.inputs + k]);
                for (int g = 0; g < GROUPS; g++) sum[o][g] += factor * value[g];
            }
        }
        for (int o = 0; o < COUNT; o++)
            for (int g = 0; g < GROUPS; g++)
                store(b.out + g * b.out_group + ptrdiff_t(first + o) * GROUP + lane, sum[o][g]);
    }
}

template <int COUNT, int GROUPS>
void input_block(const Matrix& m, const Buffers& b, int first) {
    for (int lane = 0; lane < GROUP; lane += LANES) {
        Vector sum[COUNT][GROUPS] = {};
        for (int o = 0; o < m.outputs; o++) {
            const float* weight = m.weight + ptrdiff_t(o) * m.inputs + first;
            Vector gradient[GROUPS];
            for (int g = 0; g < GROUPS; g++)
                gradient[g] = load(b.out_gradient + g * b.out_gradient_group + ptrdiff_t(o) * GROUP + lane);
            for (int k = 0; k < COUNT; k++) {
                const Vector factor = broadcast(weight[k]);
                for (int g = 0; g < GROUPS; g++) sum[k][g] += factor * gradient[g];
            }
        }
        for (int k = 0; k < COUNT; k++)
            for (int g = 0; g < GROUPS; g++)
                store(b.in_gradient + g * b.in_gradient_group + ptrdiff_t(first + k) * GROUP + lane, sum[k][g]);
    }
}

// to[o][k …] += Σ over images of gradient[o][image] · turned[image][k …]: vectors along the inputs, so no lanes to add.
template <int COUNT, int WIDTH>
void weight_block(const Matrix& m, const Buffers& b, const float* turned, ptrdiff_t stride, int first, int vector) {
    Vector sum[COUNT][WIDTH] = {};
    for (int g = 0; g < b.groups; g++) {
        const float* gradient = b.out_gradient + g * b.out_gradient_group + ptrdiff_t(first) * GROUP;
        const float* row = turned + g * GROUP * stride + ptrdiff_t(vector) * LANES;
        for (int image = 0; image < GROUP; image++, row += stride) {
            Vector value[WIDTH];
            for (int v = 0; v < WIDTH; v++) value[v] = load(row + v * LANES);
            for (int o = 0; o < COUNT; o++) {
                const Vector factor = broadcast(gradient[o * GROUP + image]);
                for (int v = 0; v < WIDTH; v++) sum[o][v] += factor * value[v];
            }
        }
    }
    for (int o = 0; o < COUNT; o++) {
        for (int v = 0; v < WIDTH; v++) {
            const int k = (vector + v) * LANES, rest = m.inputs - k;
            float* to = b.weight_gradient + ptrdiff_t(first + o) * m.inputs + k;
            if (rest >= LANES) {
                store_unaligned(to, b.fresh ? sum[o][v] : load_unaligned(to) + sum[o][v]);
            } else {
                alignas(64) float last[LANES];
                store(last, sum[o][v]);
                for (int i = 0; i < rest; i++) to[i] = b.fresh ? last[i] : to[i] + last[i];
            }
        }
    }
}

// Kernel<n, groups> for a block of n ≤ COUNT that is known only when the program runs.
static_assert(TILE_GROUPS == 2, "a kernel is written out for each number of groups that go through together");
#define STRIATE_BLOCKS(NAME, KERNEL)                                                                              \
    template <int COUNT>                                                                                          \
    void NAME(int count, const Matrix& m, const Buffers& b, int first) {                                          \
        if (count == COUNT) return b.groups == 2 ? KERNEL<COUNT, 2>(m, b, first) : KERNEL<COUNT, 1>(m, b, first); \
        if constexpr (COUNT > 1) NAME<COUNT - 1>(count, m, b, first);                                             \
    }
STRIATE_BLOCKS(forward_blocks, forward_block)
STRIATE_BLOCKS(input_blocks, input_block)
#undef STRIATE_BLOCKS

template <int COUNT, int WIDTH>
void weight_blocks(int count, int width, const Matrix& m, const Buffers& b, const float* turned, ptrdiff_t stride,
                   int first, int vector) {
    if (count < COUNT) {
        if constexpr (COUNT > 1) weight_blocks<COUNT - 1, WIDTH>(count, width, m, b, turned, stride, first, vector);
    } else if (width < WIDTH) {
        if constexpr (WIDTH > 1) weight_blocks<COUNT, WIDTH - 1>(count, width, m, b, turned, stride, first, vector);
    } else {
        weight_block<COUNT, WIDTH>(m, b, turned, stride, first, vector);
    }
}

// Of n things in blocks of at most `most`: each(first, count) for the blocks of a part.
template <class Each>
void own_blocks(int n, int most, const Buffers& b, Each each) {
    const std::vector<int> sizes = split(n, most);
    const Range own = share(int(sizes.size()), b);
    for (int i = 0, first = 0; i < own.end; first += sizes[i++])
        if (i >= own.first) each(first, sizes[i]);
}

int vectors_of(int inputs) { return (inputs + LANES - 1) / LANES; }

// turned[image][k] = values[k][image].
void turn(const float* values, int inputs, float* turned, ptrdiff_t stride) {
    for (int v = 0; v < vectors_of(inputs); v++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector square[LANES];
            for (int k = 0; k < LANES; k++)
                square[k] =
                    v * LANES + k < inputs ? load(values + (ptrdiff_t(v) * LANES + k) * GROUP + lane) : Vector{};
            transpose(square);
            for (int image = 0; image < LANES; image++)
                store(turned + (lane + image) * stride + v * LANES, square[image]);
        }
    }
}

class Linear final : public Operation {
public:
    Linear(const StriateLayer& layer, bool input_gradient) : Operation(layer) {
        wants_input_gradient = input_gradient;
        matrix = {layer.weight, layer.bias, layer.input[0] * layer.input[1] * layer.input[2], layer.output[0]};
    }

    ptrdiff_t scratch_size(int groups) const override {
        return GROUP * std::max(groups * stride(), ptrdiff_t(matrix.outputs));
    }

    int64_t work() const override { return int64_t(matrix.inputs) * matrix.outputs; }

    void forward(const Buffers& b) override {
        own_blocks(matrix.outputs, OUTPUTS, b, [&](int first, int count) {
            forward_blocks<OUTPUTS>(count, matrix, b, first);
            for (int g = 0; g < b.groups; g++)
                activate(layer.function, b.out + g * b.out_group + ptrdiff_t(first) * GROUP, count);
        });
    }

    void backward(const Buffers& b) override {
        if (b.weight_gradient) weight_gradient(b);
        if (b.bias_gradient) bias_gradient(b);
        if (!b.in_gradient) return;
        own_blocks(matrix.inputs, INPUTS, b, [&](int first, int count) {
            input_blocks<INPUTS>(count, matrix, b, first);
            for (int g = 0; g < b.groups; g++)
                multiply_by_derivative(input_function, b.in + g * b.in_group + ptrdiff_t(first) * GROUP,
                                       b.in_gradient + g * b.in_gradient_group + ptrdiff_t(first) * GROUP, count);
        });
    }

private:
    ptrdiff_t stride() const { return ptrdiff_t(vectors_of(matrix.inputs)) * LANES; }

    void weight_gradient(const Buffers& b) const {
        for (int g = 0; g < b.groups; g++)
            turn(b.in + g * b.in_group, matrix.inputs, b.scratch + g * GROUP * stride(), stride());
        const std::vector<int> widths = split(vectors_of(matrix.inputs), VECTORS);
        own_blocks(matrix.outputs, ROWS, b, [&](int first, int count) {
            int vector = 0;
            for (int width : widths) {
                weight_blocks<ROWS, VECTORS>(count, width, matrix, b, b.scratch, stride(), first, vector);
                vector += width;
            }
        });
    }

    void bias_gradient(const Buffers& b) const {
        const Range own = share(matrix.outputs, b);
        float* const sums = b.scratch;
        for (ptrdiff_t i = 0; i < ptrdiff_t(own.end - own.first) * GROUP; i += LANES) {
            const float* gradient = b.out_gradient + ptrdiff_t(own.first) * GROUP + i;
            Vector sum = load(gradient);
            for (int g = 1; g < b.groups; g++) sum += load(gradient + g * b.out_gradient_group);
            store(sums + i, sum);
        }
        add_lanes(sums, sums, own.end - own.first);
        for (int o = own.first; o < own.end; o++)
            b.bias_gradient[o] = b.fresh ? sums[o - own.first] : b.bias_gradient[o] + sums[o - own.first];
    }

    Matrix matrix;
};

// The squared distance of the features to each fixed centre.
class Radial final : public Operation {
public:
    explicit Radial(const StriateLayer& layer)
        : Operation(layer), inputs(layer.input[0] * layer.input[1] * layer.input[2]), outputs(layer.output[0]) {}

    void forward(const Buffers& b) override {
        for (int g = 0; g < b.groups; g++) {
            const float* in_values = b.in + g * b.in_group;
            for (int u = 0; u < outputs; u++) {
                const float* centre = layer.weight + ptrdiff_t(u) * inputs;
                for (int lane = 0; lane < GROUP; lane += LANES) {
                    Vector sum{};
                    for (int k = 0; k < inputs; k++) {
                        const Vector apart = load(in_values + ptrdiff_t(k) * GROUP + lane) - centre[k];
                        sum += apart * apart;
                    }
                    store(b.out + g * b.out_group + ptrdiff_t(u) * GROUP + lane, sum);
                }
            }
            activate(layer.function, b.out + g * b.out_group, outputs);
        }
    }

    void backward(const Buffers& b) override {
        if (!b.in_gradient) return;
        for (int g = 0; g < b.groups; g++) {
            const float* in_values = b.in + g * b.in_group;
            float* to = b.in_gradient + g * b.in_gradient_group;
            for (int k = 0; k < inputs; k++) {
                for (int lane = 0; lane < GROUP; lane += LANES) {
                    const Vector value = load(in_values + ptrdiff_t(k) * GROUP + lane);
                    Vector sum{};
                    for (int u = 0; u < outputs; u++)
                        sum += load(b.out_gradient + g * b.out_gradient_group + ptrdiff_t(u) * GROUP + lane) *
                               (value - layer.weight[ptrdiff_t(u) * inputs + k]);
                    store(to + ptrdiff_t(k) * GROUP + lane, 2.0f * sum);
                }
            }
            multiply_by_derivative(input_function, in_values, to, inputs);
        }
    }

private:
    int inputs, outputs;
};

}  // namespace

std::unique_ptr<Operation> linear(const StriateLayer& layer, bool wants_input_gradient) {
    return std::make_unique<Linear>(layer, wants_input_gradient);
}
std::unique_ptr<Operation> radial(const StriateLayer& layer) { return std::make_unique<Radial>(layer); }

}  // namespace striate
