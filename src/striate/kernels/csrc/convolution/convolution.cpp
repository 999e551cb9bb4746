// convolution/: convolutions. Start with this file, the layer: forward, input gradient, weight and bias gradients.
//   correlator       a correlation of whole maps (forward and input gradient), cut into register tiles
//   register_tiles   the inner loops
//   winograd         correlations with fewer multiplications
//   reach            which sources, rows and columns a result reads
// Dense convolutions, those with channel groups and those with a connection table differ only in their links.
#include <limits>

#include "convolution/correlator.hpp"
#include "layers/operation.hpp"
#include "simd/activations.hpp"

namespace striate {
namespace {

// The weight gradient is computed strip by strip: rows of a map and its gradient that fit in the first-level cache.
constexpr ptrdiff_t STRIP_BYTES = 40 * 1024;
// Sums of the weight gradient that are collected before their lanes are added.
constexpr int PENDING_SUMS = 240;

Links links_by(int count, int links, const int32_t* to, const int32_t* from) {
    Links result(count);
    for (int i = 0; i < links; i++) result[to[i]].push_back({from[i], i});
    return result;
}

Links links_to_filters(const StriateLayer& l) {
    return links_by(l.output[0], l.links, l.link_filters, l.link_channels);
}
Links links_to_channels(const StriateLayer& l) {
    return links_by(l.input[0], l.links, l.link_channels, l.link_filters);
}

void write_or_add(float& to, float sum, bool overwrite) { to = overwrite ? sum : to + sum; }

class Convolution final : public Operation {
public:
    Convolution(const StriateLayer& layer, bool input_gradient);

    void prepare_offsets() override;
    ptrdiff_t scratch_size(int) const override {
        return sums_size() + std::max(forward_correlator.scratch_size(), backward_correlator.scratch_size());
    }
    int pack_tasks() const override {
        return forward_correlator.pack_tasks() + (wants_input_gradient ? backward_correlator.pack_tasks() : 0);
    }
    int forward_pack_tasks() const override { return forward_correlator.pack_tasks(); }
    void pack(int task) override;
    int64_t parallel_products() const override {
        return int64_t(layer.links) * layer.kernel[0] * layer.kernel[1] * positions();
    }
    void forward(const Buffers& b) override;
    void backward(const Buffers& b) override;
    void forward_rows(const Buffers& b, int first, int count, bool starts_slice) override;
    void backward_rows(const Buffers& b, int first, int count, bool starts_slice) override;
    void finish_backward_rows(const Buffers& b) override;

private:
    struct WeightTile {  // a register tile of the weight gradient
        int filters, taps;
        ptrdiff_t first_filter, first_tap, weights;
    };

    std::pair<int, int> choose_weight_tile(int filters, int taps) const;
    void add_weight_tiles(const std::vector<int>& channels, const std::vector<Link>& filters);
    void weight_gradient(const Buffers& b, const float* in, const float* gradient, bool overwrite) const;
    void add_strip_products(WeightProducts p, int rows, bool first_strip, bool last_strip, const Buffers& b,
                            bool overwrite) const;
    void bias_gradient(const float* gradient, int rows, bool first_strip, bool last_strip, const Buffers& b,
                       bool overwrite) const;
    float* bias_lanes(const Buffers& b) const { return b.scratch + partial_size; }
    ptrdiff_t sums_size() const { return (gradient_band_rows ? 2 : 1) * slice_sums_size(); }
    ptrdiff_t slice_sums_size() const { return partial_size + ptrdiff_t(out.channels) * GROUP; }
    float* correlator_scratch(const Buffers& b) const { return b.scratch + sums_size(); }
    ptrdiff_t positions() const { return ptrdiff_t(layer.output[1]) * out.columns; }

    Correlator forward_correlator, backward_correlator;
    std::vector<WeightTile> weight_tiles;
    std::vector<int32_t> filter_offsets, tap_offsets, weight_indices;
    std::vector<int32_t> gradient_offsets, in_offsets;  // of the positions of a strip, row by row
    int strip_rows = 0;
    bool one_strip = false;
    ptrdiff_t partial_size = 0;
};

Convolution::Convolution(const StriateLayer& layer, bool input_gradient)
    : Operation(layer),
      forward_correlator(
          in, out, {forward_reach(out.rows, layer.kernel[0], layer.stride[0], layer.dilation[0], layer.padding[0])},
          {forward_reach(out.columns, layer.kernel[1], layer.stride[1], layer.dilation[1], layer.padding[2])},
          links_to_filters(layer), layer.kernel[0], layer.kernel[1]),
      backward_correlator(
          out, in, backward_reaches(in.rows, layer.kernel[0], layer.stride[0], layer.dilation[0], layer.padding[0]),
          backward_reaches(in.columns, layer.kernel[1], layer.stride[1], layer.dilation[1], layer.padding[2]),
          links_to_channels(layer), layer.kernel[0], layer.kernel[1]) {
    wants_input_gradient = input_gradient;
    in.widen(forward_correlator.margins());
    // The weight gradient reads every tap of every position, also in the padding.
    const auto beyond = [](int size, int output, int stride, int kernel, int dilation, int before) {
        return (output - 1) * stride + (kernel - 1) * dilation - before - (size - 1);
    };
    in.widen({0, 0, 0, layer.padding[0],
              beyond(in.rows, out.rows, layer.stride[0], layer.kernel[0], layer.dilation[0], layer.padding[0]),
              layer.padding[2],
              beyond(in.columns, out.columns, layer.stride[1], layer.kernel[1], layer.dilation[1], layer.padding[2])});
    if (wants_input_gradient) out_gradient.widen(backward_correlator.margins());
}

// The cheapest tile size, in filters and taps.
std::pair<int, int> Convolution::choose_weight_tile(int filters, int taps) const {
    double least = std::numeric_limits<double>::infinity();
    std::pair<int, int> best_size{1, 1};
    for (int f = 1; f <= std::min(filters, MAX_TILE_FILTERS); f++) {
        for (int t = 1; t <= std::min(taps, MAX_TILE_TAPS); t++) {
            if (!weight_products_kernel(f, t)) continue;
            double cost = 0;
            for (int a : split_evenly(filters, f))
                for (int b : split_evenly(taps, t)) cost += tile_cost(a, b);
            if (cost < least) least = cost, best_size = {f, t};
        }
    }
    return best_size;
}

// Adds the tiles of `channels` that are all read by the same `filters`, which are the links of the first channel.
void Convolution::add_weight_tiles(const std::vector<int>& channels, const std::vector<Link>& filters) {
    const Links to_channels = links_to_channels(layer);
    const int kernel = layer.kernel[0] * layer.kernel[1], taps = int(channels.size()) * kernel;
    if (filters.empty()) return;
    const auto [most_filters, most_taps] = choose_weight_tile(int(filters.size()), taps);
    int f = 0;
    for (int filter_count : split_evenly(int(filters.size()), most_filters)) {
        int t = 0;
        for (int tap_count : split_evenly(taps, most_taps)) {
            weight_tiles.push_back({filter_count, tap_count, ptrdiff_t(filter_offsets.size()),
                                    ptrdiff_t(tap_offsets.size()), ptrdiff_t(weight_indices.size())});
            for (int i = f; i < f + filter_count; i++)
                filter_offsets.push_back(int32_t(out_gradient.at(filters[i].map, 0, 0)));
            for (int j = t; j < t + tap_count; j++) {
                const int tap = j % kernel, y = tap / layer.kernel[1], x = tap % layer.kernel[1];
                tap_offsets.push_back(int32_t(in.at(channels[j / kernel], y * layer.dilation[0] - layer.padding[0],
                                                    x * layer.dilation[1] - layer.padding[2])));
            }
            for (int i = f; i < f + filter_count; i++)
                for (int j = t; j < t + tap_count; j++)
                    weight_indices.push_back(to_channels[channels[j / kernel]][i].kernel * kernel + j % kernel);
            t += tap_count;
        }
        f += filter_count;
    }
}

void Convolution::prepare_offsets() {
    forward_correlator.set_layout(in, out);
    if (wants_input_gradient) backward_correlator.set_layout(out_gradient, in_gradient);
    const Links to_channels = links_to_channels(layer);
    for (int first = 0; first < in.channels;) {
        std::vector<int> channels{first};
        while (channels.back() + 1 < in.channels && same_maps(to_channels[channels.back() + 1], to_channels[first]))
            channels.push_back(channels.back() + 1);
        add_weight_tiles(channels, to_channels[first]);
        first = channels.back() + 1;
    }
    int most_filters = 1;
    for (const WeightTile& tile : weight_tiles) most_filters = std::max(most_filters, tile.filters);
    const int span = (layer.kernel[0] - 1) * layer.dilation[0] + 1;
    strip_rows = layer.output[1];
    const auto bytes = [&](int rows) {
        const ptrdiff_t gradients = rows * ptrdiff_t(most_filters) * out.columns * GROUP;
        return 4 * (gradients + ((rows - 1) * layer.stride[0] + span) * in.row_stride());
    };
    while (strip_rows > 1 && bytes(strip_rows) > STRIP_BYTES) strip_rows--;
    const int strips = (layer.output[1] + strip_rows - 1) / strip_rows;
    strip_rows = (layer.output[1] + strips - 1) / strips;
    one_strip = strips == 1 && !gradient_band_rows;
    for (int y = 0; y < std::max(strip_rows, gradient_band_rows); y++) {
        for (int x = 0; x < out.columns; x++) {
            gradient_offsets.push_back(int32_t(out_gradient.at(0, y, x)));
            in_offsets.push_back(int32_t(in.at(0, y * layer.stride[0], x * layer.stride[1])));
        }
    }
    for (const WeightTile& tile : weight_tiles) {
        const ptrdiff_t tile_sums = ptrdiff_t(tile.filters) * tile.taps * GROUP;
        partial_size = one_strip ? (PENDING_SUMS + MAX_TILE_FILTERS * MAX_TILE_TAPS) * GROUP : partial_size + tile_sums;
    }
}

void Convolution::pack(int task) {
    if (task < forward_correlator.pack_tasks()) forward_correlator.pack(task, layer.weight);
    else backward_correlator.pack(task - forward_correlator.pack_tasks(), layer.weight);
}

void Convolution::forward(const Buffers& b) {
    const Range rows = slice_range(layer.output[1], b);
    for (int g = 0; g < b.groups; g++) {
        float* to = b.out + g * b.out_group_stride;
        forward_correlator.run_rows(b.in + g * b.in_group_stride, to, layer.bias, layer.function == RELU, rows.first,
                                    rows.end - rows.first, true, correlator_scratch(b));
        if (layer.function == RELU) continue;
        for (int c = 0; c < out.channels; c++)
            for (int y = rows.first; y < rows.end; y++) activate(layer.function, to + out.at(c, y, 0), out.columns);
    }
}

// Where there are slices, the first computes the parameters' gradients and the second the input's.
void Convolution::backward(const Buffers& given) {
    Buffers b = given;
    const bool two_slices = b.in_gradient && b.slices > 1;
    if (two_slices && b.slice != 0) b.weight_gradient = b.bias_gradient = nullptr;
    if (two_slices && b.slice != 1) b.in_gradient = nullptr;
    if (two_slices) b.slice = 0, b.slices = 1;
    for (int g = 0; g < b.groups; g++) {
        const float* in_values = b.in + g * b.in_group_stride;
        const float* gradient = b.out_gradient + g * b.out_gradient_group_stride;
        const bool overwrite = b.overwrite && g == 0;
        if (b.weight_gradient) weight_gradient(b, in_values, gradient, overwrite);
        if (b.bias_gradient) bias_gradient(gradient, layer.output[1], true, true, b, overwrite);
        if (!b.in_gradient) continue;
        float* to = b.in_gradient + g * b.in_gradient_group_stride;
        if (input_function == RELU) {
            backward_correlator.run_times_derivative(gradient, to, in_values, in, correlator_scratch(b));
            continue;
        }
        backward_correlator.run(gradient, to, nullptr, false, correlator_scratch(b));
        for (int c = 0; c < in.channels; c++)
            for (int y = 0; y < layer.input[1]; y++)
                multiply_by_derivative(input_function, in_values + in.at(c, y, 0), to + in_gradient.at(c, y, 0),
                                       in.columns);
    }
}

// Strip by strip, so that what each tile reads again stays in the cache. The last strip adds up the lanes.
void Convolution::weight_gradient(const Buffers& b, const float* values, const float* gradient, bool overwrite) const {
    for (int y = 0; y < layer.output[1]; y += strip_rows) {
        WeightProducts p{};
        p.gradient = gradient + y * out_gradient.row_stride(), p.partial = b.scratch;
        p.in = values + y * layer.stride[0] * in.row_stride();
        add_strip_products(p, std::min(strip_rows, layer.output[1] - y), y == 0, y + strip_rows >= layer.output[1], b,
                           overwrite);
    }
}

void Convolution::add_strip_products(WeightProducts p, int rows, bool first_strip, bool last_strip, const Buffers& b,
                                     bool overwrite) const {
    p.gradient_offsets = gradient_offsets.data(), p.in_offsets = in_offsets.data();
    p.positions = rows * out.columns, p.from_zero = first_strip;
    float* const scratch = p.partial;
    float sums[PENDING_SUMS + MAX_TILE_FILTERS * MAX_TILE_TAPS];
    int pending = 0;
    const float* first = p.partial;
    const Range range = slice_range(int(weight_tiles.size()), b);
    for (int i = range.first; i < range.end; i++) {
        const WeightTile& tile = weight_tiles[i];
        p.filters = filter_offsets.data() + tile.first_filter, p.taps = tap_offsets.data() + tile.first_tap;
        weight_products_kernel(tile.filters, tile.taps)(p);
        p.partial += tile.filters * tile.taps * GROUP, pending += tile.filters * tile.taps;
        if (!last_strip || (pending < PENDING_SUMS && i + 1 < range.end)) continue;
        add_lanes(first, sums, pending);
        const ptrdiff_t first_index = tile.weights + tile.filters * tile.taps - pending;
        for (int k = 0; k < pending; k++)
            write_or_add(b.weight_gradient[weight_indices[first_index + k]], sums[k], overwrite);
        pending = 0;
        first = p.partial = one_strip ? scratch : p.partial;
    }
}

void Convolution::forward_rows(const Buffers& b, int first, int count, bool starts_slice) {
    float* const to = b.out - first * out.row_stride();
    forward_correlator.run_rows(b.in, to, layer.bias, layer.function == RELU, first, count, starts_slice,
                                correlator_scratch(b));
}

void Convolution::backward_rows(const Buffers& given, int first, int count, bool starts_slice) {
    Buffers b = given;
    b.scratch += b.slice * slice_sums_size(), b.slice = 0, b.slices = 1;  // each slice has its own sums
    WeightProducts p{};
    p.gradient = b.out_gradient, p.partial = b.scratch, p.in = b.in + first * layer.stride[0] * in.row_stride();
    add_strip_products(p, count, starts_slice, false, b, false);
    if (layer.bias) bias_gradient(b.out_gradient, count, starts_slice, false, b, false);
}

void Convolution::finish_backward_rows(const Buffers& b) {
    const int weights = int(weight_indices.size()), biases = layer.bias ? out.channels : 0;
    float* const sums = b.scratch;  // of the weights, then of the biases
    for (int slice = 1; slice < b.slices; slice++)
        for (ptrdiff_t i = 0; i < ptrdiff_t(weights + biases) * GROUP; i += LANES)
            store(sums + i, load(sums + i) + load(sums + slice * slice_sums_size() + i));
    add_lanes(sums, sums, weights + biases);
    for (int i = 0; i < weights; i++) write_or_add(b.weight_gradient[weight_indices[i]], sums[i], b.overwrite);
    for (int i = 0; i < biases; i++) write_or_add(b.bias_gradient[i], sums[weights + i], b.overwrite);
}

// Sums the rows of each filter into one position of 16 lanes; the last strip adds up the lanes.
void Convolution::bias_gradient(const float* gradient, int rows, bool first_strip, bool last_strip, const Buffers& b,
                                bool overwrite) const {
    float* const lanes = bias_lanes(b);
    const Range range = slice_range(out.channels, b);
    for (int f = range.first; f < range.end; f++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            float* const sum = lanes + f * GROUP + lane;
            Vector even = first_strip ? Vector{} : load(sum), odd{};
            for (int y = 0; y < rows; y++) {
                const float* row = gradient + out_gradient.at(f, y, 0) + lane;
                int x = 0;
                for (; x + 1 < out.columns; x += 2) even += load(row + x * GROUP), odd += load(row + (x + 1) * GROUP);
                if (x < out.columns) even += load(row + x * GROUP);
            }
            store(sum, even + odd);
        }
    }
    if (!last_strip) return;
    add_lanes(lanes + range.first * GROUP, lanes + range.first, range.end - range.first);
    for (int f = range.first; f < range.end; f++) write_or_add(b.bias_gradient[f], lanes[f], overwrite);
}

}  // namespace

std::unique_ptr<Operation> convolution(const StriateLayer& layer, bool wants_input_gradient) {
    return std::make_unique<Convolution>(layer, wants_input_gradient);
}

}  // namespace striate
