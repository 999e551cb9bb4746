#include "convolution/square_winograd.hpp"

#include <algorithm>
#include <limits>

#include "convolution/winograd_points.hpp"
#include "simd/activations.hpp"

namespace striate {
namespace {

constexpr int SIDE = 4, SEEN = 6, KERNEL = 3, POINTS = SEEN * SEEN;
// The cost model, in half cycles fitted to measurements: for each register tile; to load a vector of transformed values,
// from the second-level cache; to transform one of 36 values, and one of 36 products.
constexpr double TILE_OVERHEAD = 150, VALUE_LOAD = 5, TRANSFORM = 10, PRODUCT = 10;

bool is_plain(const Reach& reach) {
    const auto [least, most] = std::minmax_element(reach.shifts.begin(), reach.shifts.end());
    return reach.stride == 1 && reach.step == 1 && reach.taps.size() == KERNEL && *most - *least == KERNEL - 1;
}

std::vector<int> in_order(const Reach& reach) {
    const bool rises = reach.shifts.back() > reach.shifts.front();
    return rises ? reach.taps : std::vector<int>(reach.taps.rbegin(), reach.taps.rend());
}

int lowest(const Reach& reach) { return *std::min_element(reach.shifts.begin(), reach.shifts.end()); }

// G g: the polynomial with the coefficients g at each point, divided by the point's distances to the others.
inline void transform_taps(const Vector (&g)[KERNEL], Vector (&u)[SEEN]) {
    for (int i = 0; i < SEEN - 1; i++) {
        const float at = float(WINOGRAD_AT[i]), scale = float(1 / winograd_distances(i));
        u[i] = scale * (g[0] + at * (g[1] + at * g[2]));
    }
    u[SEEN - 1] = g[2];
}

}  // namespace

std::unique_ptr<SquareWinograd> SquareWinograd::of(const Maps& from, const Maps& to, const Reach& rows,
                                                   const Reach& columns, const Links& links, double other) {
    for (const auto& each : links)
        if (int(each.size()) != from.channels || !same_maps(each, links[0])) return nullptr;
    if (!is_plain(rows) || !is_plain(columns)) return nullptr;
    std::unique_ptr<SquareWinograd> made(new SquareWinograd(from, to, rows, columns));
    return made->choose_tiles() < MAX_TIME_RATIO * other ? std::move(made) : nullptr;
}

SquareWinograd::SquareWinograd(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns)
    : from(from),
      to(to),
      rows(rows),
      columns(columns),
      squares_down((rows.positions + SIDE - 1) / SIDE),
      squares_across((columns.positions + SIDE - 1) / SIDE),
      row_order(in_order(rows)),
      column_order(in_order(columns)) {
    const ptrdiff_t bytes = ptrdiff_t(POINTS) * from.channels * squares_across * GROUP * sizeof(float);
    band_squares = int(std::clamp<ptrdiff_t>(TRANSFORMED_BAND_BYTES / bytes, 1, squares_down));
    const int bands = (squares_down + band_squares - 1) / band_squares;
    band_squares = (squares_down + bands - 1) / bands;
}

int SquareWinograd::band_rows() const { return band_squares * SIDE; }

// Chooses the cheapest register tiles. Returns the cost of a row of all results, in half cycles.
double SquareWinograd::choose_tiles() {
    double least = std::numeric_limits<double>::infinity();
    for (int f = 1; f <= std::min(to.channels, MAX_TILE_FILTERS); f++) {
        const std::vector<int> counts = split_evenly(to.channels, f);
        for (int t = 1; t <= std::min(positions_of_band(), MAX_TILE_COLUMNS); t++) {
            if (!correlation_kernel(f, t, RECTANGLE)) continue;
            double cost = 0;
            for (int count : counts)
                for (int each : split_evenly(positions_of_band(), t))
                    cost += TILE_OVERHEAD + from.channels * std::max(tile_cost(count, each), VALUE_LOAD * each);
            if (cost >= least) continue;
            least = cost, tile_width = t, filter_tiles.clear();
            int first = 0;
            for (int count : counts) filter_tiles.push_back({first, count, 0}), first += count;
        }
    }
    max_tile_filters = filter_tiles[0].count;
    const int bands = (squares_down + band_squares - 1) / band_squares;
    const double transforms = positions_of_band() * (from.channels * TRANSFORM + to.channels * PRODUCT);
    return bands * POINTS * (least + transforms) / rows.positions;
}

Maps SquareWinograd::margins() const {
    Maps wanted;
    wanted.left = std::max(0, -lowest(columns));
    wanted.right = std::max(0, squares_across * SIDE + KERNEL - 1 + lowest(columns) - from.columns);
    return wanted;
}

// The rows of one row of squares, without margins.
Maps SquareWinograd::row_buffer() const { return {to.channels, SIDE, columns.positions}; }

void SquareWinograd::set_layout(const Maps& new_from, const Maps& new_to, const Links& links, int kernel_rows,
                                int new_kernel_columns) {
    from = new_from, to = new_to, kernel_columns = new_kernel_columns;
    offsets.clear(), kernels.clear();
    for (const Link& link : links[0]) offsets.push_back(int32_t(link.map * map_size()));
    for (FilterTile& tile : filter_tiles) {
        tile.weights = POINTS * ptrdiff_t(kernels.size());
        for (int s = 0; s < from.channels; s++)
            for (int f = tile.first; f < tile.first + tile.count; f++)
                kernels.push_back(links[f][s].kernel * kernel_rows * kernel_columns);
    }
    weights.assign(POINTS * kernels.size(), 0.0f);
    finite.assign(filter_tiles.size(), true);
}

ptrdiff_t SquareWinograd::scratch_size() const {
    return GROUP + POINTS * (value_stride() + product_stride()) + row_buffer().size();
}

// Packs G g Gᵀ of each kernel.
void SquareWinograd::pack(int task, const float* weight) {
    const FilterTile& tile = filter_tiles[task];
    const ptrdiff_t count = ptrdiff_t(from.channels) * tile.count;
    const int32_t* source = kernels.data() + tile.weights / POINTS;
    float* const to_weights = weights.data() + tile.weights;
    Vector zero{};
    for (ptrdiff_t first = 0; first < count; first += LANES) {
        const int live_lanes = int(std::min<ptrdiff_t>(LANES, count - first));
        alignas(64) float taps[KERNEL][KERNEL][LANES] = {}, points[LANES];
        for (int i = 0; i < live_lanes; i++)
            for (int y = 0; y < KERNEL; y++)
                for (int x = 0; x < KERNEL; x++)
                    taps[y][x][i] = weight[source[first + i] + row_order[y] * kernel_columns + column_order[x]];
        Vector across[KERNEL][SEEN];
        for (int y = 0; y < KERNEL; y++) {
            const Vector g[KERNEL] = {load(taps[y][0]), load(taps[y][1]), load(taps[y][2])};
            zero += 0.0f * g[0] + 0.0f * g[1] + 0.0f * g[2];
            transform_taps(g, across[y]);
        }
        for (int x = 0; x < SEEN; x++) {
            const Vector g[KERNEL] = {across[0][x], across[1][x], across[2][x]};
            Vector u[SEEN];
            transform_taps(g, u);
            for (int y = 0; y < SEEN; y++) {
                float* const to_point = to_weights + (y * SEEN + x) * count + first;
                if (live_lanes == LANES) {
                    store_unaligned(to_point, u[y]);
                } else {
                    store(points, u[y]);
                    std::memcpy(to_point, points, sizeof(float) * live_lanes);
                }
            }
        }
    }
    finite[task] = !any_nan(zero);
}

// Writes Bᵀ d B of the squares of a band. Rows outside the source are zero. Returns false where a value is not finite.
bool SquareWinograd::transform(const float* in, int band, float* values) const {
    const int first = band * band_squares, end = std::min(first + band_squares, squares_down);
    // Members are read before the loops: a store through a Vector might change them, so compilers would read them again.
    const ptrdiff_t point = value_stride(), row_stride = from.row_stride();
    const int across = squares_across, source_rows = from.rows;
    Vector zero{};
    for (int c = 0; c < from.channels; c++) {
        float* to_values = values + c * map_size();
        for (int square = first * across; square < end * across; square++, to_values += GROUP) {
            const int row = square / across * SIDE + lowest(rows);
            const float* source = in + from.at(c, row, square % across * SIDE + lowest(columns));
            const auto value = [&](int y, int x) {
                const bool inside = row + y >= 0 && row + y < source_rows;
                return inside ? load(source + y * row_stride + x * GROUP) : Vector{};
            };
            for (int lane = 0; lane < GROUP; lane += LANES, source += LANES)
                zero += transform_square(value, to_values + lane, point);
        }
    }
    return !any_nan(zero);
}

// The products of some squares for one filter tile; `values` are those of the first square.
void SquareWinograd::multiply(const FilterTile& tile, const float* values, int squares, float* products) const {
    // Register tiles of one width follow each other as the rows of one call: first the wide ones.
    const int parts = (squares + tile_width - 1) / tile_width, width = squares / parts, wide = squares % parts;
    const CorrelationKernel run_wide = wide ? correlation_kernel(tile.count, width + 1, RECTANGLE) : nullptr;
    const CorrelationKernel run_narrow = correlation_kernel(tile.count, width, RECTANGLE);
    Correlation c{};
    c.outer_count = c.inner_count = 1, c.run = from.channels, c.offsets = offsets.data();
    c.in_step = c.out_step = GROUP, c.out_channel = map_size();
    for (int point = 0; point < POINTS; point++) {
        c.weights = weights.data() + tile.weights + ptrdiff_t(point) * from.channels * tile.count;
        c.in = values + point * value_stride(), c.out = products + point * product_stride();
        if (wide) {
            c.rows = wide, c.in_row = c.out_row = ptrdiff_t(width + 1) * GROUP;
            run_wide(c);
            c.in += wide * c.in_row, c.out += wide * c.out_row;
        }
        c.rows = parts - wide, c.in_row = c.out_row = ptrdiff_t(width) * GROUP;
        run_narrow(c);
    }
}

void SquareWinograd::finish(const FilterTile& tile, int square_row, int count, const Output& output,
                            const float* products) const {
    const Correlation& c = output.c;
    const ptrdiff_t point = product_stride(), out_row = output.to.row_stride();
    const ptrdiff_t relu_row = output.relu_maps.row_stride();
    const int across = squares_across, all_rows = rows.positions, all_columns = columns.positions;
    const bool relu = c.relu;
    for (int i = 0; i < tile.count; i++) {
        const int channel = tile.first + i;
        const float start = c.start ? c.start[channel] : 0.0f;
        for (int square = 0; square < count * across; square++) {
            const int row = (square_row + square / across) * SIDE, column = square % across * SIDE;
            const int live_rows = std::min(SIDE, all_rows - row), live_columns = std::min(SIDE, all_columns - column);
            const float* const from_products = products + i * map_size() + ptrdiff_t(square) * GROUP;
            float* const out = c.out + output.to.at(channel, row - output.first_row, column);
            const float* const relu_values =
                c.relu_values ? c.relu_values + output.relu_maps.at(channel, row, column) : nullptr;
            for (int lane = 0; lane < GROUP; lane += LANES) {
                Vector by_row[SEEN][SIDE];
                for (int y = 0; y < SEEN; y++) {
                    const float* q_row = from_products + y * SEEN * point + lane;
                    Vector q[SEEN];
                    for (int x = 0; x < SEEN; x++, q_row += point) q[x] = load(q_row);
                    sum_powers(q, by_row[y]);
                }
                for (int x = 0; x < live_columns; x++) {
                    Vector q[SEEN], results[SIDE];
                    for (int y = 0; y < SEEN; y++) q[y] = by_row[y][x];
                    sum_powers(q, results);
                    for (int y = 0; y < live_rows; y++) {
                        Vector result = results[y] + start;
                        if (relu) result = relu_of(result);
                        if (relu_values)
                            result =
                                times_derivative(RELU, load(relu_values + y * relu_row + x * GROUP + lane), result);
                        store(out + y * out_row + x * GROUP + lane, result);
                    }
                }
            }
        }
    }
}

// Computes `count` rows of squares from `square_row` on; `values` are those of the first of them.
void SquareWinograd::compute(const float* values, int square_row, int count, const Output& output,
                             float* products) const {
    for (const FilterTile& tile : filter_tiles) {
        multiply(tile, values, count * squares_across, products);
        finish(tile, square_row, count, output, products);
    }
}

// Copies the rows first … end − 1 of one row of squares from the buffer to the results.
void SquareWinograd::copy_rows(const Correlation& c, int first, int end, const float* buffer) const {
    const Maps held = row_buffer();
    for (int channel = 0; channel < to.channels; channel++)
        for (int y = first; y < end; y++)
            std::memcpy(c.out + to.at(channel, y, 0), buffer + held.at(channel, y % SIDE, 0),
                        sizeof(float) * held.row_stride());
}

bool SquareWinograd::run(const Correlation& c, const Maps* relu_maps, int first, int end, bool starts_slice,
                         float* scratch) const {
    const int band = first / band_rows(), band_start = band * band_rows();
    float *values = scratch + GROUP, *products = values + POINTS * value_stride();
    float* buffer = products + POINTS * product_stride();
    if (starts_slice || first == band_start) scratch[0] = transform(c.in, band, values);
    if (!scratch[0] || std::find(finite.begin(), finite.end(), false) != finite.end()) return false;
    const Output whole{c, to, relu_maps ? *relu_maps : Maps{}, 0};
    for (int row = first, next; row < end; row = next) {
        const int square_row = row / SIDE, in_band = square_row - band * band_squares;
        const float* const from_values = values + ptrdiff_t(in_band) * squares_across * GROUP;
        if (row % SIDE == 0 && (end % SIDE == 0 || end == rows.positions)) {
            compute(from_values, square_row, (end - row + SIDE - 1) / SIDE, whole, products);
            return true;
        }
        next = std::min(end, (square_row + 1) * SIDE);
        if (row % SIDE == 0 && next % SIDE == 0) {
            compute(from_values, square_row, 1, whole, products);
            continue;
        }
        if (row % SIDE == 0 || (starts_slice && row == first)) {  // rows that other calls ask for are kept
            Output kept{c, row_buffer(), whole.relu_maps, square_row * SIDE};
            kept.c.out = buffer;
            compute(from_values, square_row, 1, kept, products);
        }
        copy_rows(c, row, next, buffer);
    }
    return true;
}

}  // namespace striate
