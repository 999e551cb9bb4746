#include "convolution/correlator.hpp"

#include <limits>

#include "layout/offsets.hpp"

namespace striate {
namespace {

constexpr double TILE_OVERHEAD = 100;  // half cycles for each register tile,
constexpr double RUN_OVERHEAD = 20;    //   and for each run of taps
constexpr int BAND_ROWS = 4;           // rows that one register tile computes in turn, at most,
constexpr ptrdiff_t BAND_FLOATS =
    16384;  //   and fewer if they read more floats than this: the next tile reads them again

}  // namespace

Correlator::Correlator(const Maps& from, const Maps& to, std::vector<Reach> rows, std::vector<Reach> columns,
                       Links links, int kernel_rows, int kernel_columns)
    : from(from), to(to), links(std::move(links)), kernel_rows(kernel_rows), kernel_columns(kernel_columns) {
    for (const Reach& y : rows)
        for (const Reach& x : columns) phases.push_back({y, x, {}});
    int longest_run = 0, run = 0;
    for (size_t i = 0; i < this->links.size(); i++) {
        run = i && same_maps(this->links[i], this->links[i - 1]) ? run + 1 : 1;
        longest_run = std::max(longest_run, run);
    }
    choose_tiles(longest_run);
    if (phases.size() > 1) return;
    double least = 0;
    for (const MapTile& tile : map_tiles) least += tile.count * cost(phases[0], phases[0].column_tiles, tile.count);
    least *= phases[0].rows.inside_share(from.rows);
    winograd = Winograd::of(from, to, phases[0].rows, phases[0].columns, this->links, least);
    if (auto square = SquareWinograd::of(from, to, phases[0].rows, phases[0].columns, this->links, least))
        winograd = std::move(square);
}

// The tile of `count` columns from `first` on, with the taps that contribute to it.
Correlator::ColumnTile Correlator::column_tile(const Reach& columns, int first, int count) const {
    const auto [tap, taps] = columns.inside(first, count, from.columns);
    bool rises = taps == count && count > 1 && count <= MAX_TRIANGLE_COLUMNS, falls = rises;
    for (int i = 0; i < count; i++) {
        const auto [own, own_taps] = columns.inside(first + i, 1, from.columns);
        rises = rises && own == tap && own_taps == i + 1;
        falls = falls && own == tap + i && own_taps == count - i;
    }
    return {first, count, tap, taps, rises ? UPPER_TRIANGLE : falls ? LOWER_TRIANGLE : RECTANGLE};
}

// Cuts all columns into tiles of at most `max_columns`, with tiles of `edge_width` columns at both ends, if not zero.
std::vector<Correlator::ColumnTile> Correlator::cut_columns(const Reach& columns, int max_columns,
                                                            int edge_width) const {
    std::vector<ColumnTile> tiles;
    int first = 0;
    const auto add = [&](int count) { tiles.push_back(column_tile(columns, first, count)), first += count; };
    if (edge_width) add(edge_width);
    for (int count : split_evenly(columns.positions - 2 * edge_width, max_columns)) add(count);
    if (edge_width) add(edge_width);
    return tiles;
}

// The cost of one row in half cycles, divided by the number of results.
double Correlator::cost(const Phase& phase, const std::vector<ColumnTile>& tiles, int results) const {
    double total = 0;
    const double rows = double(phase.rows.taps.size() * links[0].size());
    for (const ColumnTile& each : tiles) {
        const double products_share = each.shape == RECTANGLE ? 1.0 : (each.count + 1) / (2.0 * each.count);
        const double runs = each.taps < int(phase.columns.taps.size()) ? rows : 1;
        total += rows * each.taps * products_share * tile_cost(results, each.count);
        total += TILE_OVERHEAD + RUN_OVERHEAD * runs;
    }
    return total / results;
}

// Chooses the cheapest tile size for each phase. At most `longest_run` successive results read the same sources.
void Correlator::choose_tiles(int longest_run) {
    for (Phase& phase : phases) {
        int results = 1;
        double least = std::numeric_limits<double>::infinity();
        const int positions = phase.columns.positions, edge_width = int(phase.columns.taps.size()) - 1;
        const bool edges = 2 * edge_width < positions && edge_width > 1 && edge_width <= MAX_TRIANGLE_COLUMNS;
        for (int r = 1; r <= std::min(longest_run, MAX_TILE_FILTERS); r++) {
            for (int c = 1; c <= std::min(positions, MAX_TILE_COLUMNS); c++) {
                if (!correlation_kernel(r, c, RECTANGLE)) continue;
                const int map_tile_count =
                    (longest_run + r - 1) / r;  // few left-over results cost nearly as much as a full tile
                for (int width : {0, edges && correlation_kernel(r, edge_width, UPPER_TRIANGLE) ? edge_width : 0}) {
                    auto columns = cut_columns(phase.columns, c, width);
                    const double total = cost(phase, columns, (longest_run + map_tile_count - 1) / map_tile_count);
                    if (total < least) least = total, results = r, phase.column_tiles = std::move(columns);
                }
            }
        }
        const int number = int(&phase - phases.data());
        for (int first = 0; first < int(links.size());) {
            int end = first + 1;
            while (end < int(links.size()) && same_maps(links[end], links[first])) end++;
            for (int size : split_evenly(end - first, results)) {
                map_tiles.push_back({number, first, size, int(links[first].size()), 0, 0});
                first += size;
            }
        }
    }
}

Maps Correlator::margins() const {
    Maps wanted;
    if (winograd) wanted.widen(winograd->margins());
    for (const Phase& phase : phases) {
        for (const ColumnTile& c : phase.column_tiles) {
            for (int i = c.tap; i < c.tap + c.taps; i++) {
                const int low = c.first * phase.columns.stride + phase.columns.shifts[i];
                const int high = low + (c.count - 1) * phase.columns.stride;
                wanted.left = std::max(wanted.left, -low);
                wanted.right = std::max(wanted.right, high - from.columns + 1);
            }
        }
    }
    return wanted;
}

void Correlator::set_layout(const Maps& new_from, const Maps& new_to) {
    require_offsets(new_from);
    from = new_from, to = new_to;
    offsets.clear(), weight_indices.clear();
    for (MapTile& tile : map_tiles) {
        const Phase& phase = phases[tile.phase];
        tile.taps = ptrdiff_t(offsets.size()), tile.weights = ptrdiff_t(weight_indices.size());
        for (int s = 0; s < tile.sources; s++) {
            for (size_t y = 0; y < phase.rows.taps.size(); y++) {
                for (size_t x = 0; x < phase.columns.taps.size(); x++) {
                    const int source = links[tile.first][s].map;
                    offsets.push_back(int32_t(from.at(source, phase.rows.shifts[y], phase.columns.shifts[x])));
                    const int tap = phase.rows.taps[y] * kernel_columns + phase.columns.taps[x];
                    for (int f = 0; f < tile.count; f++)
                        weight_indices.push_back(links[tile.first + f][s].kernel * kernel_rows * kernel_columns + tap);
                }
            }
        }
    }
    weights.assign(weight_indices.size(), 0.0f);
    if (winograd) winograd->set_layout(from, to, links, kernel_rows, kernel_columns);
}

void Correlator::pack(int task, const float* weight) {
    if (task >= int(map_tiles.size())) return winograd->pack(task - int(map_tiles.size()), weight);
    const size_t first = map_tiles[task].weights;
    const size_t end = task + 1 < int(map_tiles.size()) ? size_t(map_tiles[task + 1].weights) : weights.size();
    for (size_t i = first; i < end; i++) weights[i] = weight[weight_indices[i]];
}

// Computes `count` rows from `row` on, for all of which the same rows of the kernel read inside the source.
void Correlator::run_band(const Phase& phase, const MapTile& tile, int row, int count, Correlation c,
                          const Maps* relu_maps) const {
    const Reach &rows = phase.rows, &columns = phase.columns;
    const auto [tap, taps] = rows.inside(row, 1, from.rows);
    const int each_row = int(columns.taps.size()), each_source = int(rows.taps.size()) * each_row;
    const int y = rows.first + row * rows.step;
    const float *in = c.in + row * rows.stride * from.row_stride(), *relu_values = c.relu_values;
    float* out = c.out + to.at(tile.first, y, 0);
    c.start = c.start ? c.start + tile.first : nullptr;
    c.in_step = columns.stride * GROUP, c.out_step = columns.step * GROUP, c.out_channel = to.channel_stride();
    c.rows = count, c.in_row = rows.stride * from.row_stride(), c.out_row = rows.step * to.row_stride();
    if (relu_values) {
        relu_values += relu_maps->at(tile.first, y, 0);
        c.relu_step = c.out_step, c.relu_channel = relu_maps->channel_stride(),
        c.relu_row = rows.step * relu_maps->row_stride();
    }
    for (const ColumnTile& column_tile : phase.column_tiles) {
        const int first = tap * each_row + column_tile.tap;
        c.offsets = offsets.data() + tile.taps + first;
        c.weights = weights.data() + tile.weights + ptrdiff_t(first) * tile.count;
        c.outer_count = tile.sources, c.outer = each_source;
        c.inner_count = taps, c.inner = each_row, c.run = column_tile.taps;
        if (column_tile.shape == RECTANGLE) {
            if (c.run == c.inner) c.run *= taps, c.inner_count = taps > 0;    // rows of taps follow each other: one run
            if (c.run == c.outer) c.run *= c.outer_count, c.outer_count = 1;  // and so do sources
        }
        const int x = columns.first + column_tile.first * columns.step;
        c.in = in + ptrdiff_t(column_tile.first) * columns.stride * GROUP;
        c.out = out + ptrdiff_t(x) * GROUP;
        c.relu_values = relu_values ? relu_values + ptrdiff_t(x) * GROUP : nullptr;
        correlation_kernel(tile.count, column_tile.count, column_tile.shape)(c);
    }
}

// Computes the rows first … end − 1 of a phase in bands, so that what a band reads stays in the cache for all its
// tiles.
void Correlator::run_bands(const Phase& phase, int first, int end, const Correlation& c, const Maps* relu_maps) const {
    const int max_rows =
        int(std::clamp(BAND_FLOATS / (from.channels * from.row_stride()), ptrdiff_t(1), ptrdiff_t(BAND_ROWS)));
    for (int row = first, next; row < end; row = next) {
        const auto reached = phase.rows.inside(row, 1, from.rows);
        next = row + 1;
        while (next < std::min(end, row + max_rows) && phase.rows.inside(next, 1, from.rows) == reached) next++;
        for (const MapTile& tile : map_tiles)
            if (&phases[tile.phase] == &phase) run_band(phase, tile, row, next - row, c, relu_maps);
    }
}

void Correlator::run_phase(const Phase& phase, int first, int end, bool starts_slice, const Correlation& c,
                           const Maps* relu_maps, float* scratch) const {
    if (!winograd) return run_bands(phase, first, end, c, relu_maps);
    for (int row = first, next; row < end; row = next) {
        next = std::min(end, winograd->band_end(row));
        if (!winograd->run(c, relu_maps, row, next, starts_slice && row == first, scratch))
            run_bands(phase, row, next, c, relu_maps);
    }
}

void Correlator::run(const float* source, float* result, const float* bias, bool relu, float* scratch) const {
    Correlation c{};
    c.in = source, c.out = result, c.start = bias, c.relu = relu;
    for (const Phase& phase : phases) run_phase(phase, 0, phase.rows.positions, true, c, nullptr, scratch);
}

void Correlator::run_rows(const float* source, float* result, const float* bias, bool relu, int first, int count,
                          bool starts_slice, float* scratch) const {
    Correlation c{};
    c.in = source, c.out = result, c.start = bias, c.relu = relu;
    run_phase(phases[0], first, first + count, starts_slice, c, nullptr, scratch);
}

void Correlator::run_times_derivative(const float* source, float* result, const float* relu_values,
                                      const Maps& relu_maps, float* scratch) const {
    Correlation c{};
    c.in = source, c.out = result, c.relu_values = relu_values;
    for (const Phase& phase : phases) run_phase(phase, 0, phase.rows.positions, true, c, &relu_maps, scratch);
}

}  // namespace striate
