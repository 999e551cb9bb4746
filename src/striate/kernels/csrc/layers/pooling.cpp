// Maximum, average and trainable subsampling of the windows of each map.
#include <limits>
#include <vector>

#include "convolution/blocks.hpp"
#include "layers/operation.hpp"
#include "simd/activations.hpp"

namespace striate {
namespace {

// The part of a window along one axis that lies on the map, and its whole length on the padded map.
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
        quarters = layer.kernel[0] == 2 && layer.kernel[1] == 2;
        covers = apart = true;
        for (int axis = 0; axis < 2; axis++) {
            int end = 0;
            for (const Span& span : spans[axis]) {
                quarters = quarters && span.end - span.first == 2;
                apart = apart && span.first >= end;
                covers = covers && span.first == end;
                end = std::max(end, span.end);
            }
            covers = covers && end == layer.input[axis + 1];
        }
    }

    ptrdiff_t memory_size() const override {
        return layer.kind == MAXIMUM ? ptrdiff_t(out.channels) * out.rows * out.columns * GROUP : 0;
    }
    void forward(const Buffers& b) override;
    void backward(const Buffers& b) override;
    void forward_rows(const Buffers& b, int first, int count, bool begins) override;
    void backward_rows(const Buffers& b, int first, int count, bool begins) override;

private:
    template <bool REMEMBERS, bool RELU_TOO, bool NANS = false>
    void quarter_row(const float* corner, float* to, int32_t* memory) const;
    void quarter_row_back(const float* gradients, float* corner, const int32_t* memory) const;
    void forward_row(const float* values, float* to, int32_t* memory, int c, int y) const;
    void backward_row(const float* gradients, float* to, const int32_t* memory, int c, int y) const;
    void backward_map(const Buffers& b, int g, int c) const;
    ptrdiff_t memory_at(int c, int y) const { return (ptrdiff_t(c) * out.rows + y) * out.columns * GROUP; }
    float factor(int c, int y, int x) const;
    void maximum(const float* values, int y, int x, int lane, Vector& most, IntVector& place) const;

    std::vector<Span> spans[2];
    bool apart;     // no two windows share a value
    bool covers;    // every value lies in a window, and in one only
    bool quarters;  // every window is 2 × 2 and lies on the map
};

// What a sum is multiplied by.
float Pooling::factor(int c, int y, int x) const {
    if (layer.kind == SUBSAMPLING) return layer.weight[c];
    const Span &rows = spans[0][y], &columns = spans[1][x];
    if (layer.count_padding) return 1.0f / float(rows.padded * columns.padded);
    return 1.0f / float((rows.end - rows.first) * (columns.end - columns.first));
}

// NaN counts as the largest, and the first of equals wins, as in PyTorch. Without `NANS` the value is none.
template <bool NANS = true>
inline void take_larger(Vector value, IntVector number, Vector& most, IntVector& place) {
    const IntVector better = NANS ? (value > most) | (value != value) : value > most;
    most = NANS ? (better ? value : most) : max_of(value, most);
    place = better ? number : place;
}

// The largest of a window and its place there.
inline void Pooling::maximum(const float* values, int y, int x, int lane, Vector& most, IntVector& place) const {
    const Span &rows = spans[0][y], &columns = spans[1][x];
    most = broadcast(-std::numeric_limits<float>::infinity());
    place = IntVector{};
    int32_t number = 0;
    for (int i = rows.first; i < rows.end; i++)
        for (int j = columns.first; j < columns.end; j++, number++)
            take_larger(load(values + i * in.row_stride() + ptrdiff_t(j) * GROUP + lane), broadcast(number), most,
                        place);
}

// The maxima of a row of 2 × 2 windows: of the left and the right value, above and below, and then of both. `RELU_TOO`
// spares the row another pass. NaNs take twice as long: a row is taken to have none, and done again where one was met.
template <bool REMEMBERS, bool RELU_TOO, bool NANS>
void Pooling::quarter_row(const float* corner, float* to, int32_t* memory) const {
    const ptrdiff_t below = in.row_stride(), step = ptrdiff_t(layer.stride[1]) * GROUP, count = out.columns;
    Vector all{};  // a sum: NaN if any of its terms is, and for infinities of both signs, which does no harm
    for (ptrdiff_t x = 0; x < count; x++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            const float* at = corner + x * step + lane;
            const Vector right = load(at + GROUP), low_right = load(at + below + GROUP);
            Vector most = load(at), low = load(at + below);
            if (!NANS) all += (most + right) + (low + low_right);
            IntVector place{}, low_place = broadcast(2);
            take_larger<NANS>(right, broadcast(1), most, place);
            take_larger<NANS>(low_right, broadcast(3), low, low_place);
            take_larger<NANS>(low, low_place, most, place);
            store(to + x * GROUP + lane, RELU_TOO ? relu_of(most) : most);
            if (REMEMBERS) store_ints(memory + x * GROUP + lane, place);
        }
    }
    if (!NANS && any_nan(all)) quarter_row<REMEMBERS, RELU_TOO, true>(corner, to, memory);
}

void Pooling::forward_row(const float* values, float* to, int32_t* memory, int c, int y) const {
    if (quarters && layer.kind == MAXIMUM) {
        const float* corner = values + spans[0][y].first * in.row_stride() + spans[1][0].first * GROUP;
        const bool relu = layer.function == RELU;
        if (memory) relu ? quarter_row<true, true>(corner, to, memory) : quarter_row<true, false>(corner, to, memory);
        else relu ? quarter_row<false, true>(corner, to, memory) : quarter_row<false, false>(corner, to, memory);
        if (!relu) activate(layer.function, to, out.columns);
        return;
    }
    for (int x = 0; x < out.columns; x++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector result;
            if (layer.kind == MAXIMUM) {
                IntVector place{};
                maximum(values, y, x, lane, result, place);
                if (memory) store_ints(memory + x * GROUP + lane, place);
            } else {
                result = Vector{};
                for (int i = spans[0][y].first; i < spans[0][y].end; i++)
                    for (int j = spans[1][x].first; j < spans[1][x].end; j++)
                        result += load(values + i * in.row_stride() + ptrdiff_t(j) * GROUP + lane);
                result = result * factor(c, y, x) + (layer.bias ? layer.bias[c] : 0.0f);
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
                forward_row(b.in + g * b.in_group + in.at(c, 0, 0), b.out + g * b.out_group + out.at(c, y, 0),
                            b.training ? b.memory + g * b.memory_group + memory_at(c, y) : nullptr, c, y);
}

void Pooling::forward_rows(const Buffers& b, int first, int count, bool) {
    const float* values = b.in - spans[0][first].first * in.row_stride();
    for (int c = 0; c < out.channels; c++)
        for (int y = first; y < first + count; y++)
            forward_row(values + in.at(c, 0, 0), b.out + out.at(c, y, 0),
                        b.training ? b.memory + memory_at(c, y) : nullptr, c, y);
}

void Pooling::backward_rows(const Buffers& b, int first, int count, bool) {
    float* to = b.in_gradient - spans[0][first].first * in_gradient.row_stride();
    for (int c = 0; c < out.channels; c++)
        for (int y = first; y < first + count; y++)
            backward_row(b.out_gradient + out_gradient.at(c, y, 0), to + in_gradient.at(c, 0, 0),
                         b.memory + memory_at(c, y), c, y);
}

// Each gradient to the place of its maximum; the other three of its window get zeros.
void Pooling::quarter_row_back(const float* gradients, float* corner, const int32_t* memory) const {
    const ptrdiff_t below = in_gradient.row_stride(), step = ptrdiff_t(layer.stride[1]) * GROUP;
    const ptrdiff_t places[4] = {0, GROUP, below, below + GROUP}, count = out.columns;
    for (ptrdiff_t x = 0; x < count; x++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            const Vector gradient = load(gradients + x * GROUP + lane);
            const IntVector place = load_ints(memory + x * GROUP + lane);
            for (int32_t i = 0; i < 4; i++)
                store(corner + x * step + places[i] + lane, place == i ? gradient : Vector{});
        }
    }
}

// Of one row of windows. Where windows share values or leave some out, the rows they lie on must have been cleared.
void Pooling::backward_row(const float* gradients, float* to, const int32_t* memory, int c, int y) const {
    if (quarters && apart && layer.kind == MAXIMUM) {
        float* corner = to + spans[0][y].first * in_gradient.row_stride() + spans[1][0].first * GROUP;
        return quarter_row_back(gradients, corner, memory);
    }
    for (int x = 0; x < out.columns; x++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector gradient = load(gradients + x * GROUP + lane);
            IntVector place{};
            if (layer.kind == MAXIMUM) place = load_ints(memory + x * GROUP + lane);
            else gradient *= factor(c, y, x);
            int32_t number = 0;
            for (int i = spans[0][y].first; i < spans[0][y].end; i++) {
                for (int j = spans[1][x].first; j < spans[1][x].end; j++, number++) {
                    float* at = to + i * in_gradient.row_stride() + ptrdiff_t(j) * GROUP + lane;
                    const Vector share = layer.kind == MAXIMUM ? (place == number ? gradient : Vector{}) : gradient;
                    store(at, apart ? share : load(at) + share);
                }
            }
        }
    }
}

void Pooling::backward_map(const Buffers& b, int g, int c) const {
    const int rows = layer.input[1], columns = layer.input[2];
    float* to = b.in_gradient + g * b.in_gradient_group + in_gradient.at(c, 0, 0);
    if (!covers)
        for (int y = 0; y < rows; y++)
            std::memset(to + y * in_gradient.row_stride(), 0, sizeof(float) * columns * GROUP);
    for (int y = 0; y < out.rows; y++)
        backward_row(b.out_gradient + g * b.out_gradient_group + out_gradient.at(c, y, 0), to,
                     b.memory + g * b.memory_group + memory_at(c, y), c, y);
    if (input_function == IDENTITY) return;
    const float* values = b.in + g * b.in_group + in.at(c, 0, 0);
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
                const float* gradients = b.out_gradient + g * b.out_gradient_group + out_gradient.at(c, y, 0);
                const float* values = b.in + g * b.in_group + in.at(c, 0, 0);
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
            const bool fresh = b.fresh && g == 0;
            b.weight_gradient[c] = fresh ? sums[0] : b.weight_gradient[c] + sums[0];
            b.bias_gradient[c] = fresh ? sums[1] : b.bias_gradient[c] + sums[1];
        }
    }
}

}  // namespace

std::unique_ptr<Operation> pooling(const StriateLayer& layer) { return std::make_unique<Pooling>(layer); }

}  // namespace striate
