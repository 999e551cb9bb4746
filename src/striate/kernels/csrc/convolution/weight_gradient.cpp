// A convolution's weight and bias gradients.
#include <limits>

#include "convolution/convolution.hpp"
#include "layout/offsets.hpp"

namespace striate {
namespace {

// The weight gradient is computed strip by strip: rows of a map and its gradient that fit in the first-level cache.
constexpr ptrdiff_t STRIP_BYTES = 40 * 1024;
// Sums of the weight gradient that are collected before their lanes are added.
constexpr int PENDING_SUMS = 240;

// The cost model, in half cycles fitted to measurements: for each register tile, and to add up the lanes of one sum.
constexpr double TILE_OVERHEAD = 60, LANE_SUM = 6;

void write_or_add(float& to, float sum, bool overwrite) { to = overwrite ? sum : to + sum; }

}  // namespace

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

// The cost of a lane group's weight gradient, in half cycles per vector. Only dense convolutions compare it.
double Convolution::weight_gradient_cost() const {
    const int taps = in.channels * layer.kernel[0] * layer.kernel[1];
    const auto [most_filters, most_taps] = choose_weight_tile(out.channels, taps);
    double cost = 0;
    for (int a : split_evenly(out.channels, most_filters))
        for (int b : split_evenly(taps, most_taps)) cost += tile_cost(a, b) * double(positions()) + TILE_OVERHEAD;
    return cost + double(out.channels) * taps * LANE_SUM;
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

// Cuts the weight gradient into register tiles and strips.
void Convolution::prepare_weight_gradient() {
    require_offsets(in), require_offsets(out_gradient);
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

// Runs strip by strip, so that the data that every tile reads stay in the cache. The last strip adds up the lanes.
void Convolution::weight_gradient(const Buffers& b, const float* values, const float* gradient, bool overwrite) const {
    if (weight_winograd) {
        const Range blocks = slice_range(weight_winograd->filter_blocks(), b);
        if (weight_winograd->run({values, gradient, b.weight_gradient, overwrite}, blocks, b.scratch)) return;
    }
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

}  // namespace striate
