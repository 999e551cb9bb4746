// Layers on flat features: linear layers and radial basis functions. They run on both lane groups of a cache tile at
// once, so that each weight that is loaded is used for both.
#include <vector>

#include "convolution/correlator.hpp"
#include "engine/engine.hpp"
#include "layers/operation.hpp"
#include "simd/activations.hpp"
#include "simd/transpose.hpp"

namespace striate {
namespace {

constexpr bool MANY_REGISTERS = REGISTERS >= 32;
constexpr int MAX_OUTPUTS = MANY_REGISTERS ? 8 : 4;  // of a register tile of forward, times the lane groups
constexpr int MAX_INPUTS = MANY_REGISTERS ? 12 : 4;  // of a register tile of the input gradient, times the lane groups
constexpr int MAX_ROWS = MANY_REGISTERS ? 4 : 3;     // of a register tile of the weight gradient,
constexpr int MAX_VECTORS = MANY_REGISTERS ? 6 : 3;  //   times vectors of inputs

// The weights of a layer, as the three kernels below take them; `weight` is outputs × inputs.
struct Matrix {
    const float *weight, *bias;
    int inputs, outputs;
};

template <int COUNT, int GROUPS>
void forward_tile(const Matrix& m, const Buffers& b, int first) {
    const float* weight = m.weight + ptrdiff_t(first) * m.inputs;
    for (int lane = 0; lane < GROUP; lane += LANES) {
        Vector sum[COUNT][GROUPS];
        for (int o = 0; o < COUNT; o++)
            for (int g = 0; g < GROUPS; g++) sum[o][g] = broadcast(m.bias ? m.bias[first + o] : 0.0f);
        for (int k = 0; k < m.inputs; k++) {
            Vector value[GROUPS];
            for (int g = 0; g < GROUPS; g++)
                value[g] = load(b.in + g * b.in_group_stride + ptrdiff_t(k) * GROUP + lane);
            for (int o = 0; o < COUNT; o++) {
                const Vector factor = broadcast(weight[ptrdiff_t(o) * m.inputs + k]);
                for (int g = 0; g < GROUPS; g++) sum[o][g] += factor * value[g];
            }
        }
        for (int o = 0; o < COUNT; o++)
            for (int g = 0; g < GROUPS; g++)
                store(b.out + g * b.out_group_stride + ptrdiff_t(first + o) * GROUP + lane, sum[o][g]);
    }
}

template <int COUNT, int GROUPS>
void input_gradient_tile(const Matrix& m, const Buffers& b, int first) {
    for (int lane = 0; lane < GROUP; lane += LANES) {
        Vector sum[COUNT][GROUPS] = {};
        for (int o = 0; o < m.outputs; o++) {
            const float* weight = m.weight + ptrdiff_t(o) * m.inputs + first;
            Vector gradient[GROUPS];
            for (int g = 0; g < GROUPS; g++)
                gradient[g] = load(b.out_gradient + g * b.out_gradient_group_stride + ptrdiff_t(o) * GROUP + lane);
            for (int k = 0; k < COUNT; k++) {
                const Vector factor = broadcast(weight[k]);
                for (int g = 0; g < GROUPS; g++) sum[k][g] += factor * gradient[g];
            }
        }
        for (int k = 0; k < COUNT; k++)
            for (int g = 0; g < GROUPS; g++)
                store(b.in_gradient + g * b.in_gradient_group_stride + ptrdiff_t(first + k) * GROUP + lane, sum[k][g]);
    }
}

// weight_gradient[o][k …] += Σ over images of gradient[o][image] · transposed[image][k …]. Vectors run along the
// inputs, so no lanes need to be summed.
template <int COUNT, int WIDTH>
void weight_gradient_tile(const Matrix& m, const Buffers& b, const float* transposed, ptrdiff_t stride, int first,
                          int vector) {
    Vector sum[COUNT][WIDTH] = {};
    for (int g = 0; g < b.groups; g++) {
        const float* gradient = b.out_gradient + g * b.out_gradient_group_stride + ptrdiff_t(first) * GROUP;
        const float* row = transposed + g * GROUP * stride + ptrdiff_t(vector) * LANES;
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
                store_unaligned(to, b.overwrite ? sum[o][v] : load_unaligned(to) + sum[o][v]);
            } else {
                alignas(64) float lanes[LANES];
                store(lanes, sum[o][v]);
                for (int i = 0; i < rest; i++) to[i] = b.overwrite ? lanes[i] : to[i] + lanes[i];
            }
        }
    }
}

// `any_tile` functions call the kernel KERNEL<n, groups> for an n ≤ COUNT that is known only at run time.
static_assert(CACHE_TILE_GROUPS == 2, "each number of lane groups in a cache tile has a kernel of its own");
#define STRIATE_ANY_TILE(NAME, KERNEL)                                                                            \
    template <int COUNT>                                                                                          \
    void NAME(int count, const Matrix& m, const Buffers& b, int first) {                                          \
        if (count == COUNT) return b.groups == 2 ? KERNEL<COUNT, 2>(m, b, first) : KERNEL<COUNT, 1>(m, b, first); \
        if constexpr (COUNT > 1) NAME<COUNT - 1>(count, m, b, first);                                             \
    }
STRIATE_ANY_TILE(forward_any_tile, forward_tile)
STRIATE_ANY_TILE(input_gradient_any_tile, input_gradient_tile)
#undef STRIATE_ANY_TILE

template <int COUNT, int WIDTH>
void weight_gradient_any_tile(int count, int width, const Matrix& m, const Buffers& b, const float* transposed,
                              ptrdiff_t stride, int first, int vector) {
    if (count < COUNT) {
        if constexpr (COUNT > 1)
            weight_gradient_any_tile<COUNT - 1, WIDTH>(count, width, m, b, transposed, stride, first, vector);
    } else if (width < WIDTH) {
        if constexpr (WIDTH > 1)
            weight_gradient_any_tile<COUNT, WIDTH - 1>(count, width, m, b, transposed, stride, first, vector);
    } else {
        weight_gradient_tile<COUNT, WIDTH>(m, b, transposed, stride, first, vector);
    }
}

// Cuts n items into tiles of at most `max_size` and calls work(first, count) for each tile of the slice.
template <class Work>
void each_tile_of_slice(int n, int max_size, const Buffers& b, Work work) {
    const std::vector<int> sizes = split_evenly(n, max_size);
    const Range range = slice_range(int(sizes.size()), b);
    for (int i = 0, first = 0; i < range.end; first += sizes[i++])
        if (i >= range.first) work(first, sizes[i]);
}

int vectors_of(int inputs) { return (inputs + LANES - 1) / LANES; }

// transposed[image][k] = values[k][image].
void transpose_images(const float* values, int inputs, float* transposed, ptrdiff_t stride) {
    for (int v = 0; v < vectors_of(inputs); v++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector square[LANES];
            for (int k = 0; k < LANES; k++)
                square[k] =
                    v * LANES + k < inputs ? load(values + (ptrdiff_t(v) * LANES + k) * GROUP + lane) : Vector{};
            transpose(square);
            for (int image = 0; image < LANES; image++)
                store(transposed + (lane + image) * stride + v * LANES, square[image]);
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

    int64_t parallel_products() const override { return int64_t(matrix.inputs) * matrix.outputs; }

    void forward(const Buffers& b) override {
        each_tile_of_slice(matrix.outputs, MAX_OUTPUTS, b, [&](int first, int count) {
            forward_any_tile<MAX_OUTPUTS>(count, matrix, b, first);
            for (int g = 0; g < b.groups; g++)
                activate(layer.function, b.out + g * b.out_group_stride + ptrdiff_t(first) * GROUP, count);
        });
    }

    void backward(const Buffers& b) override {
        if (b.weight_gradient) weight_gradient(b);
        if (b.bias_gradient) bias_gradient(b);
        if (!b.in_gradient) return;
        each_tile_of_slice(matrix.inputs, MAX_INPUTS, b, [&](int first, int count) {
            input_gradient_any_tile<MAX_INPUTS>(count, matrix, b, first);
            for (int g = 0; g < b.groups; g++)
                multiply_by_derivative(input_function, b.in + g * b.in_group_stride + ptrdiff_t(first) * GROUP,
                                       b.in_gradient + g * b.in_gradient_group_stride + ptrdiff_t(first) * GROUP,
                                       count);
        });
    }

private:
    ptrdiff_t stride() const { return ptrdiff_t(vectors_of(matrix.inputs)) * LANES; }

    void weight_gradient(const Buffers& b) const {
        for (int g = 0; g < b.groups; g++)
            transpose_images(b.in + g * b.in_group_stride, matrix.inputs, b.scratch + g * GROUP * stride(), stride());
        const std::vector<int> widths = split_evenly(vectors_of(matrix.inputs), MAX_VECTORS);
        each_tile_of_slice(matrix.outputs, MAX_ROWS, b, [&](int first, int count) {
            int vector = 0;
            for (int width : widths) {
                weight_gradient_any_tile<MAX_ROWS, MAX_VECTORS>(count, width, matrix, b, b.scratch, stride(), first,
                                                                vector);
                vector += width;
            }
        });
    }

    void bias_gradient(const Buffers& b) const {
        const Range range = slice_range(matrix.outputs, b);
        float* const sums = b.scratch;
        for (ptrdiff_t i = 0; i < ptrdiff_t(range.end - range.first) * GROUP; i += LANES) {
            const float* gradient = b.out_gradient + ptrdiff_t(range.first) * GROUP + i;
            Vector sum = load(gradient);
            for (int g = 1; g < b.groups; g++) sum += load(gradient + g * b.out_gradient_group_stride);
            store(sums + i, sum);
        }
        add_lanes(sums, sums, range.end - range.first);
        for (int o = range.first; o < range.end; o++)
            b.bias_gradient[o] = b.overwrite ? sums[o - range.first] : b.bias_gradient[o] + sums[o - range.first];
    }

    Matrix matrix;
};

// Radial basis functions: the squared distance of the features to each fixed centre.
class Radial final : public Operation {
public:
    explicit Radial(const StriateLayer& layer)
        : Operation(layer), inputs(layer.input[0] * layer.input[1] * layer.input[2]), outputs(layer.output[0]) {}

    void forward(const Buffers& b) override {
        for (int g = 0; g < b.groups; g++) {
            const float* in_values = b.in + g * b.in_group_stride;
            for (int u = 0; u < outputs; u++) {
                const float* centre = layer.weight + ptrdiff_t(u) * inputs;
                for (int lane = 0; lane < GROUP; lane += LANES) {
                    Vector sum{};
                    for (int k = 0; k < inputs; k++) {
                        const Vector difference = load(in_values + ptrdiff_t(k) * GROUP + lane) - centre[k];
                        sum += difference * difference;
                    }
                    store(b.out + g * b.out_group_stride + ptrdiff_t(u) * GROUP + lane, sum);
                }
            }
            activate(layer.function, b.out + g * b.out_group_stride, outputs);
        }
    }

    void backward(const Buffers& b) override {
        if (!b.in_gradient) return;
        for (int g = 0; g < b.groups; g++) {
            const float* in_values = b.in + g * b.in_group_stride;
            float* to = b.in_gradient + g * b.in_gradient_group_stride;
            for (int k = 0; k < inputs; k++) {
                for (int lane = 0; lane < GROUP; lane += LANES) {
                    const Vector value = load(in_values + ptrdiff_t(k) * GROUP + lane);
                    Vector sum{};
                    for (int u = 0; u < outputs; u++)
                        sum += load(b.out_gradient + g * b.out_gradient_group_stride + ptrdiff_t(u) * GROUP + lane) *
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
