#include "convolution/winograd.hpp"

#include <algorithm>
#include <limits>

#include "simd/activations.hpp"

namespace striate {
namespace {

constexpr int POINTS[] = {0, 1, -1, 2, -2};  // and infinity, the last one
constexpr int MAX_RESULTS = 4;               // the largest m: rounding errors grow with it
constexpr int MAX_TAPS = 5;                  // since n is at most 6 and m at least 2
constexpr ptrdiff_t CHUNK_BYTES = 24 * 1024;
// The cost model, in half cycles fitted to measurements: for each register tile; to load a vector of transformed
// values, from the second-level cache; to transform one of n values; to transform n products back to m results.
constexpr double TILE_OVERHEAD = 150, VALUE_LOAD = 5, TRANSFORM = 11, PRODUCT = 3, RESULT = 8;

// G, n × r: row i holds the powers of point i, divided by the product of its distances to the other points.
std::vector<float> filter_transform_matrix(int n, int r) {
    std::vector<float> matrix(size_t(n) * r, 0.0f);
    for (int i = 0; i < n - 1; i++) {
        double power = 1;
        for (int j = 0; j < n - 1; j++)
            if (j != i) power /= POINTS[i] - POINTS[j];
        for (int k = 0; k < r; k++, power *= POINTS[i]) matrix[size_t(i) * r + k] = float(power);
    }
    matrix.back() = 1;
    return matrix;
}

// v = Bᵀ d. Row i of Bᵀ holds the coefficients of Π (x − point) over the other points; for infinity, over all points.
template <int N>
inline void input_transform(const Vector (&d)[N], Vector (&v)[N]) {
    if constexpr (N == 4) {
        v[0] = d[2] - d[0], v[1] = d[2] + d[1], v[2] = d[2] - d[1], v[3] = d[3] - d[1];
    } else {
        const Vector even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
        const Vector far_even = d[4] - d[2], far_odd = 2.0f * (d[3] - d[1]);
        v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4], v[1] = even + odd, v[2] = even - odd;
        v[3] = far_even + far_odd, v[4] = far_even - far_odd, v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
    }
}

// Transforms a row of Winograd tiles. Returns 0 times the values: NaN if one of them was not finite.
template <int N>
Vector transform_row(const float* in, ptrdiff_t step, int winograd_tiles, float* to, ptrdiff_t point_stride) {
    Vector zero{};
    for (int t = 0; t < winograd_tiles; t++, in += step, to += GROUP) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector d[N], v[N];
            for (int i = 0; i < N; i++) d[i] = load(in + i * GROUP + lane);
            input_transform(d, v);
            zero += 0.0f * (v[0] + v[N - 1]);  // v[0] has the even values in it, v[N − 1] the odd ones
            for (int i = 0; i < N; i++) store(to + i * point_stride + lane, v[i]);
        }
    }
    return zero;
}

// y = Aᵀ q: result j is the sum of the products, each times its point to the power of j.
template <int M, int N>
inline void output_transform(const Vector (&q)[N], Vector (&y)[M]) {
    const Vector ones[2] = {q[1] + q[2], q[1] - q[2]};
    Vector twos[2]{};
    if constexpr (N == 6) twos[0] = q[3] + q[4], twos[1] = q[3] - q[4];
    for (int j = 0; j < M; j++) {
        y[j] = ones[j % 2];
        if constexpr (N == 6) y[j] += float(1 << j) * twos[j % 2];
    }
    y[0] += q[0], y[M - 1] += q[N - 1];
}

struct OutputRow {
    const float* products;
    ptrdiff_t point_stride;
    int columns;  // results of the row
    float start;
    bool relu;
    float* out;
    const float* relu_values;
};

template <int M, int N>
void finish_row(OutputRow f) {
    for (int x = 0; x < f.columns; x += M) {
        const int count = std::min(M, f.columns - x);
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector q[N], y[M];
            for (int i = 0; i < N; i++) q[i] = load(f.products + i * f.point_stride + x / M * GROUP + lane);
            output_transform(q, y);
            for (int j = 0; j < M; j++) {
                if (j >= count) break;
                Vector result = y[j] + f.start;
                if (f.relu) result = relu_of(result);
                if (f.relu_values)
                    result = times_derivative(RELU, load(f.relu_values + (x + j) * GROUP + lane), result);
                store(f.out + (x + j) * GROUP + lane, result);
            }
        }
    }
}

using FinishRow = void (*)(OutputRow);
FinishRow finish_kernel(int m, int n) {
    if (n == 4) return m == 2 ? finish_row<2, 4> : finish_row<3, 4>;
    return m == 2 ? finish_row<2, 6> : m == 3 ? finish_row<3, 6> : finish_row<4, 6>;
}

}  // namespace

std::unique_ptr<Winograd> Winograd::of(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns,
                                       const Links& links, double& least_cost) {
    for (const auto& each : links)
        if (int(each.size()) != from.channels || !same_maps(each, links[0])) return nullptr;
    const int taps = int(columns.shifts.size());
    const auto [least, most] = std::minmax_element(columns.shifts.begin(), columns.shifts.end());
    const bool steps = columns.stride == 1 && columns.step == 1 && rows.stride == 1 && rows.step == 1;
    if (!steps || *most - *least != taps - 1) return nullptr;
    std::unique_ptr<Winograd> best;
    for (int n : {4, 6}) {
        const int m = n - taps + 1;
        if (m < 2 || m > MAX_RESULTS) continue;
        std::unique_ptr<Winograd> candidate(new Winograd(from, to, rows, columns, m));
        const double cost = candidate->choose_tiles();
        if (cost < (best ? 1 : MAX_TIME_RATIO) * least_cost) least_cost = cost, best = std::move(candidate);
    }
    return best;
}

Winograd::Winograd(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns, int m)
    : from(from),
      to(to),
      rows(rows),
      columns(columns),
      m(m),
      r(int(columns.taps.size())),
      n(m + r - 1),
      winograd_tiles((columns.positions + m - 1) / m),
      filter_transform(filter_transform_matrix(n, r)) {
    const bool rises = columns.shifts.back() > columns.shifts.front();
    for (int k = 0; k < r; k++) tap_order.push_back(columns.taps[rises ? k : r - 1 - k]);
    first_shift = *std::min_element(columns.shifts.begin(), columns.shifts.end());
    const auto [least, most] = std::minmax_element(rows.shifts.begin(), rows.shifts.end());
    lowest_shift = *least, highest_shift = *most;
    const ptrdiff_t bytes = ptrdiff_t(n) * from.channels * row_size() * 4;
    while (band_rows < rows.positions && bytes * (band_input_rows() + 1) <= TRANSFORMED_BAND_BYTES) band_rows++;
    const int bands = (rows.positions + band_rows - 1) / band_rows;
    band_rows = (rows.positions + bands - 1) / bands;
}

// Chooses the cheapest register tiles. Returns the cost of a row of all results, in half cycles.
double Winograd::choose_tiles() {
    const double steps = double(from.channels) * rows.taps.size() * rows.inside_share(from.rows);
    double least = std::numeric_limits<double>::infinity();
    for (int f = 1; f <= std::min(to.channels, MAX_TILE_FILTERS); f++) {
        const std::vector<int> counts = split_evenly(to.channels, f);
        const ptrdiff_t bytes = ptrdiff_t(n) * counts[0] * row_size() * 4;
        const int rows_together = int(std::clamp(CHUNK_BYTES / bytes, ptrdiff_t(1), ptrdiff_t(band_rows)));
        for (int t = 1; t <= std::min(rows_together * winograd_tiles, MAX_TILE_COLUMNS); t++) {
            if (!correlation_kernel(f, t, RECTANGLE)) continue;
            double cost = 0;
            for (int count : counts)
                for (int each : split_evenly(rows_together * winograd_tiles, t))
                    cost += TILE_OVERHEAD + steps * std::max(tile_cost(count, each), VALUE_LOAD * each);
            if (cost / rows_together >= least) continue;
            least = cost / rows_together, tile_width = t, chunk_rows = rows_together, filter_tiles.clear();
            int first = 0;
            for (int count : counts) filter_tiles.push_back({first, count, 0}), first += count;
        }
    }
    max_tile_filters = filter_tiles[0].count;
    return n * least + winograd_tiles *
                           (to.channels * (n * PRODUCT + m * RESULT) +
                            from.channels * n * TRANSFORM * std::min(band_input_rows(), from.rows) / double(band_rows));
}

Maps Winograd::margins() const {
    Maps wanted;
    wanted.left = std::max(0, -first_shift);
    wanted.right = std::max(0, (winograd_tiles - 1) * m + n - 1 + first_shift - (from.columns - 1));
    return wanted;
}

void Winograd::set_layout(const Maps& new_from, const Maps& new_to, const Links& links, int kernel_rows,
                          int kernel_columns) {
    from = new_from, to = new_to;
    offsets.clear(), weight_rows.clear();
    for (const Link& link : links[0])
        for (int shift : rows.shifts)
            offsets.push_back(int32_t((link.map * band_input_rows() + shift - lowest_shift) * row_size()));
    for (FilterTile& tile : filter_tiles) {
        tile.weights = n * ptrdiff_t(weight_rows.size());
        for (int s = 0; s < from.channels; s++)
            for (int tap : rows.taps)
                for (int f = tile.first; f < tile.first + tile.count; f++)
                    weight_rows.push_back((links[f][s].kernel * kernel_rows + tap) * kernel_columns);
    }
    weights.assign(n * weight_rows.size(), 0.0f);
    finite.assign(filter_tiles.size(), true);
}

// Packs G g for each row of each kernel.
void Winograd::pack(int task, const float* weight) {
    const FilterTile& tile = filter_tiles[task];
    const ptrdiff_t count = ptrdiff_t(from.channels) * rows.taps.size() * tile.count;
    const int32_t* source = weight_rows.data() + tile.weights / n;
    float* to_weights = weights.data() + tile.weights;
    Vector zero{};
    for (ptrdiff_t first = 0; first < count; first += LANES) {
        const int live_lanes = int(std::min<ptrdiff_t>(LANES, count - first));
        alignas(64) float taps[MAX_TAPS][LANES] = {}, sums[LANES];
        for (int i = 0; i < live_lanes; i++)
            for (int k = 0; k < r; k++) taps[k][i] = weight[source[first + i] + tap_order[k]];
        for (int k = 0; k < r; k++) zero += 0.0f * load(taps[k]);
        for (int p = 0; p < n; p++) {
            Vector sum{};
            for (int k = 0; k < r; k++) sum += filter_transform[size_t(p) * r + k] * load(taps[k]);
            store(sums, sum);
            std::memcpy(to_weights + p * count + first, sums, sizeof(float) * live_lanes);
        }
    }
    finite[task] = !any_nan(zero);
}

bool Winograd::transform(const float* in, int first, int count, float* values) const {
    Vector zero{};
    for (int c = 0; c < from.channels; c++) {
        for (int y = std::max(first, 0); y < std::min(first + count, from.rows); y++) {
            const float* source = in + from.at(c, y, first_shift);
            float* row_values = values + (ptrdiff_t(c) * band_input_rows() + y - first) * row_size();
            zero += n == 4 ? transform_row<4>(source, m * GROUP, winograd_tiles, row_values, point_stride())
                           : transform_row<6>(source, m * GROUP, winograd_tiles, row_values, point_stride());
        }
    }
    return !any_nan(zero);
}

// Computes the n products of `count` rows from `first` on, for all of which the same rows of the kernel read inside the
// source.
void Winograd::multiply(const FilterTile& tile, int first, int count, int band_start, const float* values,
                        float* products) const {
    const auto [tap, taps] = rows.inside(first, 1, from.rows);
    const int each = int(rows.taps.size());
    Correlation c{};
    c.outer_count = from.channels, c.outer = each, c.inner_count = taps > 0, c.run = taps;
    if (taps == each) c.run *= from.channels, c.outer_count = 1;
    c.in_step = c.out_step = GROUP, c.out_channel = chunk_rows * row_size(), c.rows = 1;
    c.offsets = offsets.data() + tap;
    for (int p = 0; p < n; p++) {
        c.weights = weights.data() + tile.weights + (ptrdiff_t(p) * from.channels * each + tap) * tile.count;
        c.in = values + p * point_stride() + (first + lowest_shift - band_start) * row_size();
        c.out = products + p * tile.count * chunk_rows * row_size();
        const int total = count * winograd_tiles, tile_count = (total + tile_width - 1) / tile_width;
        for (int column_tile = 0; column_tile < tile_count; column_tile++) {
            const int columns_of_tile = total / tile_count + (column_tile < total % tile_count);
            correlation_kernel(tile.count, columns_of_tile, RECTANGLE)(c);
            c.in += columns_of_tile * GROUP, c.out += columns_of_tile * GROUP;
        }
    }
}

void Winograd::finish(const FilterTile& tile, const Correlation& c, const Maps* relu_maps, int first, int count,
                      const float* products) const {
    const FinishRow run_row = finish_kernel(m, n);
    OutputRow f{};
    f.point_stride = tile.count * chunk_rows * row_size(), f.columns = columns.positions, f.relu = c.relu;
    for (int i = 0; i < tile.count; i++) {
        const int channel = tile.first + i;
        f.start = c.start ? c.start[channel] : 0.0f;
        for (int y = 0; y < count; y++) {
            f.products = products + (ptrdiff_t(i) * chunk_rows + y) * row_size();
            f.out = c.out + to.at(channel, first + y, 0);
            f.relu_values = c.relu_values ? c.relu_values + relu_maps->at(channel, first + y, 0) : nullptr;
            run_row(f);
        }
    }
}

bool Winograd::run(const Correlation& c, const Maps* relu_maps, int first, int end, bool starts_slice,
                   float* scratch) const {
    const int band_start = first / band_rows * band_rows + lowest_shift;
    float *values = scratch + GROUP, *products = values + values_size();
    if (starts_slice || first % band_rows == 0) scratch[0] = transform(c.in, band_start, band_input_rows(), values);
    if (!scratch[0] || std::find(finite.begin(), finite.end(), false) != finite.end()) return false;
    for (const FilterTile& tile : filter_tiles) {
        for (int y = first, next; y < end; y = next) {
            const auto reached = rows.inside(y, 1, from.rows);
            next = y + 1;
            while (next < std::min(end, y + chunk_rows) && rows.inside(next, 1, from.rows) == reached) next++;
            multiply(tile, y, next - y, band_start, values, products);
            finish(tile, c, relu_maps, y, next - y, products);
        }
    }
    return true;
}

}  // namespace striate
