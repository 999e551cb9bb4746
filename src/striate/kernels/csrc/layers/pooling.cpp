// Pooling over the windows of each map: maximum, average, and LeNet's trainable subsampling.
#include <limits>
#include <vector>

#include "convolution/register_tiles.hpp"
#include "layers/operation.hpp"
#include "simd/activations.hpp"

namespace striate {
namespace {

// One window along one axis: the part inside the map, and its length on the padded map.
struct Span {
    int first, end, padded;
};

class Pooling final : public Operation {
public:
    explicit Pooling(const StriateLayer& layer) : Operation(layer) {
        for (int axis = 0; axis < 2; axis++) {
            const int size = layer.input[axis + 1], before = layer.padding[2 * axis];
            for (int i = 0; i < layer.output[axis + 1]; i++) {
                const int start = i * layer.stride[axis] - before, end = start + layer.kernel[axis];
                const int edge = size + std::max(0, layer.padding[2 * axis + 1]);
                spans[axis].push_back(
                    {std::max(start, 0), std::min(end, size), std::min(end, edge) - std::max(start, -before)});
            }
        }
        all_2x2 = layer.kernel[0] == 2 && layer.kernel[1] == 2;
        partition = disjoint = true;
        for (int axis = 0; axis < 2; axis++) {
            int end = 0;
            for (const Span& span : spans[axis]) {
                all_2x2 = all_2x2 && span.end - span.first == 2;
                disjoint = disjoint && span.first >= end;
                partition = partition && span.first == end;
                end = std::max(end, span.end);
            }
            partition = partition && end == layer.input[axis + 1];
        }
    }

    ptrdiff_t argmax_size() const override {
        return layer.kind == MAXIMUM ? ptrdiff_t(out.channels) * out.rows * out.columns * GROUP : 0;
    }
    void forward(const Buffers& b) override;
    void backward(const Buffers& b) override;
    void forward_rows(const Buffers& b, int first, int count, bool starts_slice) override;
    void backward_rows(const Buffers& b, int first, int count, bool starts_slice) override;

private:
    template <bool KEEPS_ARGMAX, bool WITH_RELU, bool HANDLES_NAN = false>
    void max_row_2x2(const float* corner, float* to, int32_t* argmax) const;
    void backward_row_2x2(const float* gradients, float* corner, const int32_t* argmax) const;
    void forward_row(const float* values, float* to, int32_t* argmax, int c, int y) const;
    void backward_row(const float* gradients, float* to, const int32_t* argmax, int c, int y) const;
    void backward_map(const Buffers& b, int g, int c) const;
    ptrdiff_t argmax_at(int c, int y) const { return (ptrdiff_t(c) * out.rows + y) * out.columns * GROUP; }
    float window_factor(int c, int y, int x) const;
    void find_maximum(const float* values, int y, int x, int lane, Vector& largest, IntVector& largest_index) const;

    std::vector<Span> spans[2];
    bool disjoint;   // no two windows overlap
    bool partition;  // every value lies in exactly one window
    bool all_2x2;    // every window is 2 × 2 and inside the map
};

// The factor of a window's sum: a weight for subsampling, one over the number of values for an average.
float Pooling::window_factor(int c, int y, int x) const {
    if (layer.kind == SUBSAMPLING) return layer.weight[c];
    const Span &rows = spans[0][y], &columns = spans[1][x];
    if (layer.count_padding) return 1.0f / float(rows.padded * columns.padded);
    return 1.0f / float((rows.end - rows.first) * (columns.end - columns.first));
}

// NaN counts as the largest, and the first of equal values wins, as in PyTorch. Without HANDLES_NAN, values are not
// NaN.
template <bool HANDLES_NAN = true>
inline void update_maximum(Vector value, IntVector index, Vector& largest, IntVector& largest_index) {
    const IntVector is_larger = HANDLES_NAN ? (value > largest) | (value != value) : value > largest;
    largest = HANDLES_NAN ? (is_larger ? value : largest) : max_of(value, largest);
    largest_index = is_larger ? index : largest_index;
}

// The largest value of a window and its index in the window.
inline void Pooling::find_maximum(const float* values, int y, int x, int lane, Vector& largest,
                                  IntVector& largest_index) const {
    const Span &rows = spans[0][y], &columns = spans[1][x];
    largest = broadcast(-std::numeric_limits<float>::infinity());
    largest_index = IntVector{};
    int32_t index = 0;
    for (int i = rows.first; i < rows.end; i++)
        for (int j = columns.first; j < columns.end; j++, index++)
            update_maximum(load(values + i * in.row_stride() + ptrdiff_t(j) * GROUP + lane), broadcast(index), largest,
                           largest_index);
}

// The maxima of a row of 2 × 2 windows: first of left and right, above and below, then of the two. WITH_RELU applies
// the ReLU in the same pass. Handling NaN takes twice as long, so a row is first computed as if it had none, and again
// if it had.
template <bool KEEPS_ARGMAX, bool WITH_RELU, bool HANDLES_NAN>
void Pooling::max_row_2x2(const float* corner, float* to, int32_t* argmax) const {
    const ptrdiff_t below = in.row_stride(), step = ptrdiff_t(layer.stride[1]) * GROUP, count = out.columns;
    Vector nan_check{};  // sum of all inputs: NaN if one of them is (or, harmlessly, for +∞ and −∞)
    for (ptrdiff_t x = 0; x < count; x++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            const float* at = corner + x * step + lane;
            const Vector right = load(at + GROUP), lower_right = load(at + below + GROUP);
            Vector largest = load(at), lower = load(at + below);
            if (!HANDLES_NAN) nan_check += (largest + right) + (lower + lower_right);
            IntVector largest_index{}, lower_index = broadcast(2);
            update_maximum<HANDLES_NAN>(right, broadcast(1), largest, largest_index);
            update_maximum<HANDLES_NAN>(lower_right, broadcast(3), lower, lower_index);
            update_maximum<HANDLES_NAN>(lower, lower_index, largest, largest_index);
            store(to + x * GROUP + lane, WITH_RELU ? relu_of(largest) : largest);
            if (KEEPS_ARGMAX) store_ints(argmax + x * GROUP + lane, largest_index);
        }
    }
    if (!HANDLES_NAN && any_nan(nan_check)) max_row_2x2<KEEPS_ARGMAX, WITH_RELU, true>(corner, to, argmax);
}

void Pooling::forward_row(const float* values, float* to, int32_t* argmax, int c, int y) const {
    if (all_2x2 && layer.kind == MAXIMUM) {
        const float* corner = values + spans[0][y].first * in.row_stride() + spans[1][0].first * GROUP;
        const bool with_relu = layer.function == RELU;
        if (argmax)
            with_relu ? max_row_2x2<true, true>(corner, to, argmax) : max_row_2x2<true, false>(corner, to, argmax);
        else with_relu ? max_row_2x2<false, true>(corner, to, argmax) : max_row_2x2<false, false>(corner, to, argmax);
        if (!with_relu) activate(layer.function, to, out.columns);
        return;
    }
    for (int x = 0; x < out.columns; x++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector result;
            if (layer.kind == MAXIMUM) {
                IntVector largest_index{};
                find_maximum(values, y, x, lane, result, largest_index);
                if (argmax) store_ints(argmax + x * GROUP + lane, largest_index);
            } else {
                result = Vector{};
                for (int i = spans[0][y].first; i < spans[0][y].end; i++)
                    for (int j = spans[1][x].first; j < spans[1][x].end; j++)
                        result += load(values + i * in.row_stride() + ptrdiff_t(j) * GROUP + lane);
                result = result * window_factor(c, y, x) + (layer.bias ? layer.bias[c] : 0.0f);
            }
            store(to + x * GROUP + lane, result);
        }
    }
    activate(layer.function, to, out.columns);
}

void Pooling::forward(const Buffers& b) {
    for (int g = 0; g < b.groups; g++)
        for (int c = 0; c < out.channels; c++)
            for (int y = 0; y < out.rows; y++)
                forward_row(b.in + g * b.in_group_stride + in.at(c, 0, 0),
                            b.out + g * b.out_group_stride + out.at(c, y, 0),
                            b.training ? b.argmax + g * b.argmax_group_stride + argmax_at(c, y) : nullptr, c, y);
}

void Pooling::forward_rows(const Buffers& b, int first, int count, bool) {
    const float* values = b.in - spans[0][first].first * in.row_stride();
    for (int c = 0; c < out.channels; c++)
        for (int y = first; y < first + count; y++)
            forward_row(values + in.at(c, 0, 0), b.out + out.at(c, y, 0),
                        b.training ? b.argmax + argmax_at(c, y) : nullptr, c, y);
}

void Pooling::backward_rows(const Buffers& b, int first, int count, bool) {
    float* to = b.in_gradient - spans[0][first].first * in_gradient.row_stride();
    for (int c = 0; c < out.channels; c++)
        for (int y = first; y < first + count; y++)
            backward_row(b.out_gradient + out_gradient.at(c, y, 0), to + in_gradient.at(c, 0, 0),
                         b.argmax + argmax_at(c, y), c, y);
}

// Writes each gradient to the position of its window's maximum, and zeros to the other three positions.
void Pooling::backward_row_2x2(const float* gradients, float* corner, const int32_t* argmax) const {
    const ptrdiff_t below = in_gradient.row_stride(), step = ptrdiff_t(layer.stride[1]) * GROUP;
    const ptrdiff_t offsets[4] = {0, GROUP, below, below + GROUP}, count = out.columns;
    for (ptrdiff_t x = 0; x < count; x++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            const Vector gradient = load(gradients + x * GROUP + lane);
            const IntVector largest_index = load_ints(argmax + x * GROUP + lane);
            for (int32_t i = 0; i < 4; i++)
                store(corner + x * step + offsets[i] + lane, largest_index == i ? gradient : Vector{});
        }
    }
}

// Backward for one row of windows. Where windows overlap or leave values out, `to` must have been cleared.
void Pooling::backward_row(const float* gradients, float* to, const int32_t* argmax, int c, int y) const {
    if (all_2x2 && disjoint && layer.kind == MAXIMUM) {
        float* corner = to + spans[0][y].first * in_gradient.row_stride() + spans[1][0].first * GROUP;
        return backward_row_2x2(gradients, corner, argmax);
    }
    for (int x = 0; x < out.columns; x++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector gradient = load(gradients + x * GROUP + lane);
            IntVector largest_index{};
            if (layer.kind == MAXIMUM) largest_index = load_ints(argmax + x * GROUP + lane);
            else gradient *= window_factor(c, y, x);
            int32_t index = 0;
            for (int i = spans[0][y].first; i < spans[0][y].end; i++) {
                for (int j = spans[1][x].first; j < spans[1][x].end; j++, index++) {
                    float* at = to + i * in_gradient.row_stride() + ptrdiff_t(j) * GROUP + lane;
                    const Vector share =
                        layer.kind == MAXIMUM ? (largest_index == index ? gradient : Vector{}) : gradient;
                    store(at, disjoint ? share : load(at) + share);
                }
            }
        }
    }
}

void Pooling::backward_map(const Buffers& b, int g, int c) const {
    const int rows = layer.input[1], columns = layer.input[2];
    float* to = b.in_gradient + g * b.in_gradient_group_stride + in_gradient.at(c, 0, 0);
    if (!partition)
        for (int y = 0; y < rows; y++)
            std::memset(to + y * in_gradient.row_stride(), 0, sizeof(float) * columns * GROUP);
    for (int y = 0; y < out.rows; y++)
        backward_row(b.out_gradient + g * b.out_gradient_group_stride + out_gradient.at(c, y, 0), to,
                     b.argmax + g * b.argmax_group_stride + argmax_at(c, y), c, y);
    if (input_function == IDENTITY) return;
    const float* values = b.in + g * b.in_group_stride + in.at(c, 0, 0);
    for (int y = 0; y < rows; y++)
        multiply_by_derivative(input_function, values + y * in.row_stride(), to + y * in_gradient.row_stride(),
                               columns);
}

void Pooling::backward(const Buffers& b) {
    for (int g = 0; g < b.groups; g++) {
        for (int c = 0; c < out.channels; c++) {
            if (b.in_gradient) backward_map(b, g, c);
            if (layer.kind != SUBSAMPLING || !b.weight_gradient) continue;
            alignas(64) float lanes[2 * GROUP] = {};
            for (int y = 0; y < out.rows; y++) {
                const float* gradients = b.out_gradient + g * b.out_gradient_group_stride + out_gradient.at(c, y, 0);
                const float* values = b.in + g * b.in_group_stride + in.at(c, 0, 0);
                for (int x = 0; x < out.columns; x++) {
                    for (int lane = 0; lane < GROUP; lane += LANES) {
                        const Vector gradient = load(gradients + x * GROUP + lane);
                        Vector sum{};
                        for (int i = spans[0][y].first; i < spans[0][y].end; i++)
                            for (int j = spans[1][x].first; j < spans[1][x].end; j++)
                                sum += load(values + i * in.row_stride() + ptrdiff_t(j) * GROUP + lane);
                        store(lanes + lane, load(lanes + lane) + gradient * sum);
                        store(lanes + GROUP + lane, load(lanes + GROUP + lane) + gradient);
                    }
                }
            }
            float sums[2];
            add_lanes(lanes, sums, 2);
            const bool overwrite = b.overwrite && g == 0;
            b.weight_gradient[c] = overwrite ? sums[0] : b.weight_gradient[c] + sums[0];
            b.bias_gradient[c] = overwrite ? sums[1] : b.bias_gradient[c] + sums[1];
        }
    }
}

}  // namespace

std::unique_ptr<Operation> pooling(const StriateLayer& layer) { return std::make_unique<Pooling>(layer); }

}  // namespace striate
