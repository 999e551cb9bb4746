#include "convolution/winograd.hpp"

#include <algorithm>
#include <limits>

#include "simd/activations.hpp"

namespace striate {
namespace {

constexpr int POINTS[] = {0, 1, -1, 2, -2};  // and infinity, the last
constexpr int MOST_RESULTS = 4;              // m: rounding errors grow with it
constexpr int MOST_TAPS = 5;                 // as n is at most 6 and m at least 2
constexpr ptrdiff_t BAND_BYTES = 768 * 1024, TURN_BYTES = 24 * 1024;
// Half cycles, fitted to measurements: around a block; for each vector of values, which come from the second-level
// cache; around the transform of n values; and of n products to m results.
constexpr double BLOCK = 150, VALUE = 5, TRANSFORM = 11, PRODUCT = 3, RESULT = 8;
constexpr double WORTH = 0.95;  // of the other way's time: these are estimates

// n rows of G, r columns: the powers of a point, over the product of its distances to the others.
std::vector<float> factors_of(int n, int r) {
    std::vector<float> made(size_t(n) * r, 0.0f);
    for (int i = 0; i < n - 1; i++) {
        double power = 1;
        for (int j = 0; j < n - 1; j++)
            if (j != i) power /= POINTS[i] - POINTS[j];
        for (int k = 0; k < r; k++, power *= POINTS[i]) made[size_t(i) * r + k] = float(power);
    }
    made.back() = 1;
    return made;
}

// Bᵀ d: the coefficients of the products of x − point, over the other points; for infinity, over all of them.
template <int N>
inline void transformed(const Vector (&d)[N], Vector (&v)[N]) {
    if constexpr (N == 4) {
        v[0] = d[2] - d[0], v[1] = d[2] + d[1], v[2] = d[2] - d[1], v[3] = d[3] - d[1];
    } else {
        const Vector even = d[4] - 4.0f * d[2], odd = d[3] - 4.0f * d[1];
        const Vector far_even = d[4] - d[2], far_odd = 2.0f * (d[3] - d[1]);
        v[0] = 4.0f * d[0] - 5.0f * d[2] + d[4], v[1] = even + odd, v[2] = even - odd;
        v[3] = far_even + far_odd, v[4] = far_even - far_odd, v[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
    }
}

// A row of tiles. The sum of zeros it returns is NaN if a value was not finite.
template <int N>
Vector transform_row(const float* in, ptrdiff_t step, int tiles, float* to, ptrdiff_t slab) {
    Vector zero{};
    for (int t = 0; t < tiles; t++, in += step, to += GROUP) {
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector d[N], v[N];
            for (int i = 0; i < N; i++) d[i] = load(in + i * GROUP + lane);
            transformed(d, v);
            zero += 0.0f * (v[0] + v[N - 1]);  // the even values are in the one, the odd ones in the other
            for (int i = 0; i < N; i++) store(to + i * slab + lane, v[i]);
        }
    }
    return zero;
}

// Aᵀ q: result j is the sum of the products, each times its point to the power of j.
template <int M, int N>
inline void summed(const Vector (&q)[N], Vector (&y)[M]) {
    const Vector ones[2] = {q[1] + q[2], q[1] - q[2]};
    Vector twos[2]{};
    if constexpr (N == 6) twos[0] = q[3] + q[4], twos[1] = q[3] - q[4];
    for (int j = 0; j < M; j++) {
        y[j] = ones[j % 2];
        if constexpr (N == 6) y[j] += float(1 << j) * twos[j % 2];
    }
    y[0] += q[0], y[M - 1] += q[N - 1];
}

struct Finish {
    const float* products;
    ptrdiff_t slab;
    int columns;  // results of the row
    float start;
    bool relu;
    float* out;
    const float* gate;
};

template <int M, int N>
void finish_row(const Finish& f) {
    for (int x = 0; x < f.columns; x += M) {
        const int count = std::min(M, f.columns - x);
        for (int lane = 0; lane < GROUP; lane += LANES) {
            Vector q[N], y[M];
            for (int i = 0; i < N; i++) q[i] = load(f.products + i * f.slab + x / M * GROUP + lane);
            summed(q, y);
            for (int j = 0; j < M; j++) {
                if (j >= count) break;
                Vector result = y[j] + f.start;
                if (f.relu) result = relu_of(result);
                if (f.gate) result = times_derivative(RELU, load(f.gate + (x + j) * GROUP + lane), result);
                store(f.out + (x + j) * GROUP + lane, result);
            }
        }
    }
}

using FinishRow = void (*)(const Finish&);
FinishRow finish_of(int m, int n) {
    if (n == 4) return m == 2 ? finish_row<2, 4> : finish_row<3, 4>;
    return m == 2 ? finish_row<2, 6> : m == 3 ? finish_row<3, 6> : finish_row<4, 6>;
}

}  // namespace

std::unique_ptr<Winograd> Winograd::of(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns,
                                       const Links& links, double direct) {
    for (const auto& each : links)
        if (int(each.size()) != from.channels || !same_maps(each, links[0])) return nullptr;
    const int taps = int(columns.shifts.size());
    const auto [least, most] = std::minmax_element(columns.shifts.begin(), columns.shifts.end());
    const bool steps = columns.stride == 1 && columns.step == 1 && rows.stride == 1 && rows.step == 1;
    if (!steps || *most - *least != taps - 1) return nullptr;
    std::unique_ptr<Winograd> best;
    for (int n : {4, 6}) {
        const int m = n - taps + 1;
        if (m < 2 || m > MOST_RESULTS) continue;
        std::unique_ptr<Winograd> one(new Winograd(from, to, rows, columns, m));
        const double cost = one->choose();
        if (cost < WORTH * direct) direct = cost / WORTH, best = std::move(one);
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
      tiles((columns.positions + m - 1) / m),
      factors(factors_of(n, r)) {
    const bool rises = columns.shifts.back() > columns.shifts.front();
    for (int k = 0; k < r; k++) order.push_back(columns.taps[rises ? k : r - 1 - k]);
    left = *std::min_element(columns.shifts.begin(), columns.shifts.end());
    const auto [least, most] = std::minmax_element(rows.shifts.begin(), rows.shifts.end());
    lowest = *least, highest = *most;
    const ptrdiff_t bytes = ptrdiff_t(n) * from.channels * row() * 4;
    while (band < rows.positions && bytes * (band_rows() + 1) <= BAND_BYTES) band++;
    const int bands = (rows.positions + band - 1) / band;
    band = (rows.positions + bands - 1) / bands;
}

// The cheapest size of a block; half cycles of a row of all results.
double Winograd::choose() {
    const double steps = double(from.channels) * rows.taps.size() * rows.share(from.rows);
    double least = std::numeric_limits<double>::infinity();
    for (int f = 1; f <= std::min(to.channels, BLOCK_FILTERS); f++) {
        const std::vector<int> counts = split(to.channels, f);
        const ptrdiff_t bytes = ptrdiff_t(n) * counts[0] * row() * 4;
        const int together = int(std::clamp(TURN_BYTES / bytes, ptrdiff_t(1), ptrdiff_t(band)));
        for (int t = 1; t <= std::min(together * tiles, BLOCK_COLUMNS); t++) {
            if (!correlation(f, t, WHOLE)) continue;
            double cost = 0;
            for (int count : counts)
                for (int each : split(together * tiles, t))
                    cost += BLOCK + steps * std::max(block_cost(count, each), VALUE * each);
            if (cost / together >= least) continue;
            least = cost / together, width = t, turn = together, filters.clear();
            int first = 0;
            for (int count : counts) filters.push_back({first, count, 0}), first += count;
        }
    }
    most_filters = filters[0].count;
    return n * least + tiles * (to.channels * (n * PRODUCT + m * RESULT) +
                                from.channels * n * TRANSFORM * std::min(band_rows(), from.rows) / double(band));
}

Maps Winograd::margins() const {
    Maps wanted;
    wanted.left = std::max(0, -left);
    wanted.right = std::max(0, (tiles - 1) * m + n - 1 + left - (from.columns - 1));
    return wanted;
}

void Winograd::settle(const Maps& settled_from, const Maps& settled_to, const Links& links, int kernel_rows,
                      int kernel_columns) {
    from = settled_from, to = settled_to;
    offsets.clear(), sources.clear();
    for (const Link& link : links[0])
        for (int shift : rows.shifts) offsets.push_back(int32_t((link.map * band_rows() + shift - lowest) * row()));
    for (Filters& block : filters) {
        block.weights = n * ptrdiff_t(sources.size());
        for (int s = 0; s < from.channels; s++)
            for (int tap : rows.taps)
                for (int f = block.first; f < block.first + block.count; f++)
                    sources.push_back((links[f][s].kernel * kernel_rows + tap) * kernel_columns);
    }
    weights.assign(n * sources.size(), 0.0f);
    finite.assign(filters.size(), true);
}

// G g, for each row of each kernel.
void Winograd::pack(int part, const float* weight) {
    const Filters& block = filters[part];
    const ptrdiff_t count = ptrdiff_t(from.channels) * rows.taps.size() * block.count;
    const int32_t* source = sources.data() + block.weights / n;
    float* to_weights = weights.data() + block.weights;
    Vector zero{};
    for (ptrdiff_t first = 0; first < count; first += LANES) {
        const int live = int(std::min<ptrdiff_t>(LANES, count - first));
        alignas(64) float taps[MOST_TAPS][LANES] = {}, sums[LANES];
        for (int i = 0; i < live; i++)
            for (int k = 0; k < r; k++) taps[k][i] = weight[source[first + i] + order[k]];
        for (int k = 0; k < r; k++) zero += 0.0f * load(taps[k]);
        for (int p = 0; p < n; p++) {
            Vector sum{};
            for (int k = 0; k < r; k++) sum += factors[size_t(p) * r + k] * load(taps[k]);
            store(sums, sum);
            std::memcpy(to_weights + p * count + first, sums, sizeof(float) * live);
        }
    }
    finite[part] = !any_nan(zero);
}

bool Winograd::transform(const float* in, int first, int count, float* values) const {
    Vector zero{};
    for (int c = 0; c < from.channels; c++) {
        for (int y = std::max(first, 0); y < std::min(first + count, from.rows); y++) {
            const float* source = in + from.at(c, y, left);
            float* row_values = values + (ptrdiff_t(c) * band_rows() + y - first) * row();
            zero += n == 4 ? transform_row<4>(source, m * GROUP, tiles, row_values, slab())
                           : transform_row<6>(source, m * GROUP, tiles, row_values, slab());
        }
    }
    return !any_nan(zero);
}

// The n products of `count` rows from `first` on, from all of which the same rows of the kernel reach the source.
void Winograd::multiply(const Filters& block, int first, int count, int low, const float* values,
                        float* products) const {
    const auto [tap, taps] = rows.inside(first, 1, from.rows);
    const int each = int(rows.taps.size());
    Correlation c{};
    c.outer_count = from.channels, c.outer = each, c.inner_count = taps > 0, c.run = taps;
    if (taps == each) c.run *= from.channels, c.outer_count = 1;
    c.in_step = c.out_step = GROUP, c.out_channel = turn * row(), c.rows = 1;
    c.offsets = offsets.data() + tap;
    for (int p = 0; p < n; p++) {
        c.weights = weights.data() + block.weights + (ptrdiff_t(p) * from.channels * each + tap) * block.count;
        c.in = values + p * slab() + (first + lowest - low) * row();
        c.out = products + p * block.count * turn * row();
        const int total = count * tiles, parts = (total + width - 1) / width;
        for (int part = 0; part < parts; part++) {
            const int own = total / parts + (part < total % parts);
            correlation(block.count, own, WHOLE)(c);
            c.in += own * GROUP, c.out += own * GROUP;
        }
    }
}

void Winograd::finish(const Filters& block, const Correlation& c, const Maps* gate_maps, int first, int count,
                      const float* products) const {
    const FinishRow run_row = finish_of(m, n);
    Finish f{};
    f.slab = block.count * turn * row(), f.columns = columns.positions, f.relu = c.relu;
    for (int i = 0; i < block.count; i++) {
        const int channel = block.first + i;
        f.start = c.start ? c.start[channel] : 0.0f;
        for (int y = 0; y < count; y++) {
            f.products = products + (ptrdiff_t(i) * turn + y) * row();
            f.out = c.out + to.at(channel, first + y, 0);
            f.gate = c.gate ? c.gate + gate_maps->at(channel, first + y, 0) : nullptr;
            run_row(f);
        }
    }
}

bool Winograd::run(const Correlation& c, const Maps* gate_maps, int first, int end, bool begins, float* scratch) const {
    const int low = first / band * band + lowest;
    float *values = scratch + GROUP, *products = values + values_size();
    if (begins || first % band == 0) scratch[0] = transform(c.in, low, band_rows(), values);
    if (!scratch[0] || std::find(finite.begin(), finite.end(), false) != finite.end()) return false;
    for (const Filters& block : filters) {
        for (int y = first, next; y < end; y = next) {
            const auto reached = rows.inside(y, 1, from.rows);
            next = y + 1;
            while (next < std::min(end, y + turn) && rows.inside(next, 1, from.rows) == reached) next++;
            multiply(block, y, next - y, low, values, products);
            finish(block, c, gate_maps, y, next - y, products);
        }
    }
    return true;
}

}  // namespace striate
