// A convolution: dense, in groups, or with a connection table; they differ only in which links there are.
#include <limits>

#include "convolution/correlator.hpp"
#include "layers/operation.hpp"
#include "simd/activations.hpp"

namespace striate {
namespace {

// What of a map and its gradient is meant to stay in the first-level cache while a weight gradient sweeps over it.
constexpr ptrdiff_t STRIP_BYTES = 40 * 1024;
// How many sums of a weight gradient wait for their lanes to be added together.
constexpr int SUMS = 240;

Links linked(int count, int links, const int32_t* to, const int32_t* from) {
    Links made(count);
    for (int i = 0; i < links; i++) made[to[i]].push_back({from[i], i});
    return made;
}

Links links_to_filters(const StriateLayer& l) { return linked(l.output[0], l.links, l.link_filters, l.link_channels); }
Links links_to_channels(const StriateLayer& l) { return linked(l.input[0], l.links, l.link_channels, l.link_filters); }

void keep(float& to, float sum, bool fresh) { to = fresh ? sum : to + sum; }

class Convolution final : public Operation {
public:
    Convolution(const StriateLayer& layer, bool input_gradient);

    void prepare_offsets() override;
    ptrdiff_t scratch_size(int) const override {
        return sums_size() + std::max(ahead.scratch_size(), back.scratch_size());
    }
    int pack_tasks() const override { return ahead.pack_tasks() + (wants_input_gradient ? back.pack_tasks() : 0); }
    int forward_pack_tasks() const override { return ahead.pack_tasks(); }
    void pack(int part) override;
    int64_t parallel_products() const override {
        return int64_t(layer.links) * layer.kernel[0] * layer.kernel[1] * positions();
    }
    void forward(const Buffers& b) override;
    void backward(const Buffers& b) override;
    void forward_rows(const Buffers& b, int first, int count, bool starts_slice) override;
    void backward_rows(const Buffers& b, int first, int count, bool starts_slice) override;
    void finish_backward_rows(const Buffers& b) override;

private:
    struct Area {  // a block of the weight gradient: some filters × some taps
        int filters, taps;
        ptrdiff_t first_filter, first_tap, weights;
    };

    std::pair<int, int> choose_area(int filters, int taps) const;
    void add_areas(const std::vector<int>& channels, const std::vector<Link>& filters);
    void weight_gradient(const Buffers& b, const float* in, const float* gradient, bool fresh) const;
    void add_strip(Products p, int rows, bool starts_slice, bool ends, const Buffers& b, bool fresh) const;
    void bias_gradient(const float* gradient, int rows, bool starts_slice, bool ends, const Buffers& b,
                       bool fresh) const;
    float* bias_lanes(const Buffers& b) const { return b.scratch + partial_size; }
    ptrdiff_t sums_size() const { return (gradient_band_rows ? 2 : 1) * half_sums(); }
    ptrdiff_t half_sums() const { return partial_size + ptrdiff_t(out.channels) * GROUP; }
    float* correlator_scratch(const Buffers& b) const { return b.scratch + sums_size(); }
    ptrdiff_t positions() const { return ptrdiff_t(layer.output[1]) * out.columns; }

    Correlator ahead, back;
    std::vector<Area> areas;
    std::vector<int32_t> filter_offsets, tap_offsets, weight_places;
    std::vector<int32_t> gradient_places, in_places;  // of a strip's positions, row by row
    int strip_rows = 0;
    bool one_strip = false;
    ptrdiff_t partial_size = 0;
};

Convolution::Convolution(const StriateLayer& layer, bool input_gradient)
    : Operation(layer),
      ahead(in, out, {forward_reach(out.rows, layer.kernel[0], layer.stride[0], layer.dilation[0], layer.padding[0])},
            {forward_reach(out.columns, layer.kernel[1], layer.stride[1], layer.dilation[1], layer.padding[2])},
            links_to_filters(layer), layer.kernel[0], layer.kernel[1]),
      back(out, in, backward_reaches(in.rows, layer.kernel[0], layer.stride[0], layer.dilation[0], layer.padding[0]),
           backward_reaches(in.columns, layer.kernel[1], layer.stride[1], layer.dilation[1], layer.padding[2]),
           links_to_channels(layer), layer.kernel[0], layer.kernel[1]) {
    wants_input_gradient = input_gradient;
    in.widen(ahead.margins());
    // The weight gradient reads every tap of every position, also those in the padding.
    const auto beyond = [](int size, int output, int stride, int kernel, int dilation, int before) {
        return (output - 1) * stride + (kernel - 1) * dilation - before - (size - 1);
    };
    in.widen({0, 0, 0, layer.padding[0],
              beyond(in.rows, out.rows, layer.stride[0], layer.kernel[0], layer.dilation[0], layer.padding[0]),
              layer.padding[2],
              beyond(in.columns, out.columns, layer.stride[1], layer.kernel[1], layer.dilation[1], layer.padding[2])});
    if (wants_input_gradient) out_gradient.widen(back.margins());
}

// The filters and taps of a block for which the products and loads take the least time.
std::pair<int, int> Convolution::choose_area(int filters, int taps) const {
    double least = std::numeric_limits<double>::infinity();
    std::pair<int, int> best{1, 1};
    for (int f = 1; f <= std::min(filters, BLOCK_FILTERS); f++) {
        for (int t = 1; t <= std::min(taps, BLOCK_TAPS); t++) {
            if (!products(f, t)) continue;
            double cost = 0;
            for (int a : split(filters, f))
                for (int b : split(taps, t)) cost += block_cost(a, b);
            if (cost < least) least = cost, best = {f, t};
        }
    }
    return best;
}

// `channels` that the same `filters` see; their first channel's links stand for all.
void Convolution::add_areas(const std::vector<int>& channels, const std::vector<Link>& filters) {
    const Links to_channels = links_to_channels(layer);
    const int kernel = layer.kernel[0] * layer.kernel[1], taps = int(channels.size()) * kernel;
    if (filters.empty()) return;
    const auto [most_filters, most_taps] = choose_area(int(filters.size()), taps);
    int f = 0;
    for (int filter_count : split(int(filters.size()), most_filters)) {
        int t = 0;
        for (int tap_count : split(taps, most_taps)) {
            areas.push_back({filter_count, tap_count, ptrdiff_t(filter_offsets.size()), ptrdiff_t(tap_offsets.size()),
                             ptrdiff_t(weight_places.size())});
            for (int i = f; i < f + filter_count; i++)
                filter_offsets.push_back(int32_t(out_gradient.at(filters[i].map, 0, 0)));
            for (int j = t; j < t + tap_count; j++) {
                const int tap = j % kernel, y = tap / layer.kernel[1], x = tap % layer.kernel[1];
                tap_offsets.push_back(int32_t(in.at(channels[j / kernel], y * layer.dilation[0] - layer.padding[0],
                                                    x * layer.dilation[1] - layer.padding[2])));
            }
            for (int i = f; i < f + filter_count; i++)
                for (int j = t; j < t + tap_count; j++)
                    weight_places.push_back(to_channels[channels[j / kernel]][i].kernel * kernel + j % kernel);
            t += tap_count;
        }
        f += filter_count;
    }
}

void Convolution::prepare_offsets() {
    ahead.settle(in, out);
    if (wants_input_gradient) back.settle(out_gradient, in_gradient);
    const Links to_channels = links_to_channels(layer);
    for (int first = 0; first < in.channels;) {
        std::vector<int> channels{first};
        while (channels.back() + 1 < in.channels && same_maps(to_channels[channels.back() + 1], to_channels[first]))
            channels.push_back(channels.back() + 1);
        add_areas(channels, to_channels[first]);
        first = channels.back() + 1;
    }
    int most_filters = 1;
    for (const Area& area : areas) most_filters = std::max(most_filters, area.filters);
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
            gradient_places.push_back(int32_t(out_gradient.at(0, y, x)));
            in_places.push_back(int32_t(in.at(0, y * layer.stride[0], x * layer.stride[1])));
        }
    }
    for (const Area& area : areas) {
        const ptrdiff_t own = ptrdiff_t(area.filters) * area.taps * GROUP;
        partial_size = one_strip ? (SUMS + BLOCK_FILTERS * BLOCK_TAPS) * GROUP : partial_size + own;
    }
}

void Convolution::pack(int part) {
    if (part < ahead.pack_tasks()) ahead.pack(part, layer.weight);
    else back.pack(part - ahead.pack_tasks(), layer.weight);
}

void Convolution::forward(const Buffers& b) {
    const Range rows = slice_range(layer.output[1], b);
    for (int g = 0; g < b.groups; g++) {
        float* to = b.out + g * b.out_group_stride;
        ahead.run_rows(b.in + g * b.in_group_stride, to, layer.bias, layer.function == RELU, rows.first,
                       rows.end - rows.first, true, correlator_scratch(b));
        if (layer.function == RELU) continue;
        for (int c = 0; c < out.channels; c++)
            for (int y = rows.first; y < rows.end; y++) activate(layer.function, to + out.at(c, y, 0), out.columns);
    }
}

// In parts, the first adds up the weights' gradients, and the second makes the input's.
void Convolution::backward(const Buffers& given) {
    Buffers b = given;
    const bool split = b.in_gradient && b.slices > 1;
    if (split && b.slice != 0) b.weight_gradient = b.bias_gradient = nullptr;
    if (split && b.slice != 1) b.in_gradient = nullptr;
    if (split) b.slice = 0, b.slices = 1;
    for (int g = 0; g < b.groups; g++) {
        const float* in_values = b.in + g * b.in_group_stride;
        const float* gradient = b.out_gradient + g * b.out_gradient_group_stride;
        const bool fresh = b.overwrite && g == 0;
        if (b.weight_gradient) weight_gradient(b, in_values, gradient, fresh);
        if (b.bias_gradient) bias_gradient(gradient, layer.output[1], true, true, b, fresh);
        if (!b.in_gradient) continue;
        float* to = b.in_gradient + g * b.in_gradient_group_stride;
        if (input_function == RELU) {
            back.run_gated(gradient, to, in_values, in, correlator_scratch(b));
            continue;
        }
        back.run(gradient, to, nullptr, false, correlator_scratch(b));
        for (int c = 0; c < in.channels; c++)
            for (int y = 0; y < layer.input[1]; y++)
                multiply_by_derivative(input_function, in_values + in.at(c, y, 0), to + in_gradient.at(c, y, 0),
                                       in.columns);
    }
}

// Strip by strip, so that what the areas sweep over again and again stays in the cache; the lanes are added at the end.
void Convolution::weight_gradient(const Buffers& b, const float* values, const float* gradient, bool fresh) const {
    for (int y = 0; y < layer.output[1]; y += strip_rows) {
        Products p{};
        p.gradient = gradient + y * out_gradient.row_stride(), p.partial = b.scratch;
        p.in = values + y * layer.stride[0] * in.row_stride();
        add_strip(p, std::min(strip_rows, layer.output[1] - y), y == 0, y + strip_rows >= layer.output[1], b, fresh);
    }
}

void Convolution::add_strip(Products p, int rows, bool starts_slice, bool ends, const Buffers& b, bool fresh) const {
    p.gradient_places = gradient_places.data(), p.in_places = in_places.data();
    p.places = rows * out.columns, p.fresh = starts_slice;
    float* const scratch = p.partial;
    float sums[SUMS + BLOCK_FILTERS * BLOCK_TAPS];
    int waiting = 0;
    const float* first = p.partial;
    const Range own = slice_range(int(areas.size()), b);
    for (int i = own.first; i < own.end; i++) {
        const Area& area = areas[i];
        p.filters = filter_offsets.data() + area.first_filter, p.taps = tap_offsets.data() + area.first_tap;
        products(area.filters, area.taps)(p);
        p.partial += area.filters * area.taps * GROUP, waiting += area.filters * area.taps;
        if (!ends || (waiting < SUMS && i + 1 < own.end)) continue;
        add_lanes(first, sums, waiting);
        const ptrdiff_t place = area.weights + area.filters * area.taps - waiting;
        for (int k = 0; k < waiting; k++) keep(b.weight_gradient[weight_places[place + k]], sums[k], fresh);
        waiting = 0;
        first = p.partial = one_strip ? scratch : p.partial;
    }
}

void Convolution::forward_rows(const Buffers& b, int first, int count, bool starts_slice) {
    float* const to = b.out - first * out.row_stride();
    ahead.run_rows(b.in, to, layer.bias, layer.function == RELU, first, count, starts_slice, correlator_scratch(b));
}

void Convolution::backward_rows(const Buffers& given, int first, int count, bool starts_slice) {
    Buffers b = given;
    b.scratch += b.slice * half_sums(), b.slice = 0, b.slices = 1;  // each has its own sums
    Products p{};
    p.gradient = b.out_gradient, p.partial = b.scratch, p.in = b.in + first * layer.stride[0] * in.row_stride();
    add_strip(p, count, starts_slice, false, b, false);
    if (layer.bias) bias_gradient(b.out_gradient, count, starts_slice, false, b, false);
}

void Convolution::finish_backward_rows(const Buffers& b) {
    const int weights = int(weight_places.size()), biases = layer.bias ? out.channels : 0;
    float* const sums = b.scratch;  // of the weights, and then of the biases
    for (int part = 1; part < b.slices; part++)
        for (ptrdiff_t i = 0; i < ptrdiff_t(weights + biases) * GROUP; i += LANES)
            store(sums + i, load(sums + i) + load(sums + part * half_sums() + i));
    add_lanes(sums, sums, weights + biases);
    for (int i = 0; i < weights; i++) keep(b.weight_gradient[weight_places[i]], sums[i], b.overwrite);
    for (int i = 0; i < biases; i++) keep(b.bias_gradient[i], sums[weights + i], b.overwrite);
}

// Row by row into a vector for each filter, whose lanes are added at the end.
void Convolution::bias_gradient(const float* gradient, int rows, bool starts_slice, bool ends, const Buffers& b,
                                bool fresh) const {
    float* const lanes = bias_lanes(b);
    const Range own = slice_range(out.channels, b);
    for (int f = own.first; f < own.end; f++) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            float* const sum = lanes + f * GROUP + lane;
            Vector even = starts_slice ? Vector{} : load(sum), odd{};
            for (int y = 0; y < rows; y++) {
                const float* row = gradient + out_gradient.at(f, y, 0) + lane;
                int x = 0;
                for (; x + 1 < out.columns; x += 2) even += load(row + x * GROUP), odd += load(row + (x + 1) * GROUP);
                if (x < out.columns) even += load(row + x * GROUP);
            }
            store(sum, even + odd);
        }
    }
    if (!ends) return;
    add_lanes(lanes + own.first * GROUP, lanes + own.first, own.end - own.first);
    for (int f = own.first; f < own.end; f++) keep(b.bias_gradient[f], lanes[f], fresh);
}

}  // namespace

std::unique_ptr<Operation> convolution(const StriateLayer& layer, bool wants_input_gradient) {
    return std::make_unique<Convolution>(layer, wants_input_gradient);
}

}  // namespace striate
