#include "convolution/correlator.hpp"

#include <limits>

namespace striate {
namespace {

constexpr double BLOCK_OVERHEAD = 100;  // half cycles around a block's steps,
constexpr double RUN_OVERHEAD = 20;     //   and around each run of them
constexpr int BAND_ROWS = 4;            // that a block works out one after another, at most,
constexpr ptrdiff_t BAND_SIZE = 16384;  //   and fewer where they stand on more floats: the next block reads them again

}  // namespace

Correlator::Correlator(const Maps& from, const Maps& to, std::vector<Reach> rows, std::vector<Reach> columns,
                       Links links, int kernel_rows, int kernel_columns)
    : from(from), to(to), links(std::move(links)), kernel_rows(kernel_rows), kernel_columns(kernel_columns) {
    for (const Reach& y : rows)
        for (const Reach& x : columns) phases.push_back({y, x, {}});
    int longest = 0, run = 0;
    for (size_t i = 0; i < this->links.size(); i++) {
        run = i && same_maps(this->links[i], this->links[i - 1]) ? run + 1 : 1;
        longest = std::max(longest, run);
    }
    choose(longest);
    if (phases.size() > 1) return;
    double direct = 0;
    for (const Block& block : blocks) direct += block.count * cost(phases[0], phases[0].blocks, block.count);
    direct *= phases[0].rows.share(from.rows);
    fewer = Winograd::of(from, to, phases[0].rows, phases[0].columns, this->links, direct);
}

// Some columns side by side, and the taps that reach them.
Correlator::Columns Correlator::part(const Reach& columns, int first, int count) const {
    const auto [tap, taps] = columns.inside(first, count, from.columns);
    bool rises = taps == count && count > 1 && count <= TRIANGLE_COLUMNS, falls = rises;
    for (int i = 0; i < count; i++) {
        const auto [own, own_taps] = columns.inside(first + i, 1, from.columns);
        rises = rises && own == tap && own_taps == i + 1;
        falls = falls && own == tap + i && own_taps == count - i;
    }
    return {first, count, tap, taps, rises ? FROM : falls ? UP_TO : WHOLE};
}

// All columns in parts of at most `most`, but for those of `edge` columns at both ends.
std::vector<Correlator::Columns> Correlator::cut(const Reach& columns, int most, int edge) const {
    std::vector<Columns> parts;
    int first = 0;
    const auto add = [&](int count) { parts.push_back(part(columns, first, count)), first += count; };
    if (edge) add(edge);
    for (int count : split(columns.positions - 2 * edge, most)) add(count);
    if (edge) add(edge);
    return parts;
}

// Half cycles of one row, for each result.
double Correlator::cost(const Phase& phase, const std::vector<Columns>& parts, int results) const {
    double total = 0;
    const double rows = double(phase.rows.taps.size() * links[0].size());
    for (const Columns& each : parts) {
        const double share = each.shape == WHOLE ? 1.0 : (each.count + 1) / (2.0 * each.count);
        const double runs = each.taps < int(phase.columns.taps.size()) ? rows : 1;
        total += rows * each.taps * share * block_cost(results, each.count);
        total += BLOCK_OVERHEAD + RUN_OVERHEAD * runs;
    }
    return total / results;
}

// The cheapest size of a block for each phase; `longest` results in a row see the same sources.
void Correlator::choose(int longest) {
    for (Phase& phase : phases) {
        int results = 1;
        double least = std::numeric_limits<double>::infinity();
        const int positions = phase.columns.positions, edge = int(phase.columns.taps.size()) - 1;
        const bool edges = 2 * edge < positions && edge > 1 && edge <= TRIANGLE_COLUMNS;
        for (int r = 1; r <= std::min(longest, BLOCK_FILTERS); r++) {
            for (int c = 1; c <= std::min(positions, BLOCK_COLUMNS); c++) {
                if (!correlation(r, c, WHOLE)) continue;
                const int parts = (longest + r - 1) / r;  // a rest of few results costs nearly as much as a full block
                for (int width : {0, edges && correlation(r, edge, FROM) ? edge : 0}) {
                    auto columns = cut(phase.columns, c, width);
                    const double total = cost(phase, columns, (longest + parts - 1) / parts);
                    if (total < least) least = total, results = r, phase.blocks = std::move(columns);
                }
            }
        }
        const int number = int(&phase - phases.data());
        for (int first = 0; first < int(links.size());) {
            int end = first + 1;
            while (end < int(links.size()) && same_maps(links[end], links[first])) end++;
            for (int size : split(end - first, results)) {
                blocks.push_back({number, first, size, int(links[first].size()), 0, 0});
                first += size;
            }
        }
    }
}

Maps Correlator::margins() const {
    Maps wanted;
    if (fewer) wanted.widen(fewer->margins());
    for (const Phase& phase : phases) {
        for (const Columns& c : phase.blocks) {
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

void Correlator::settle(const Maps& settled_from, const Maps& settled_to) {
    from = settled_from, to = settled_to;
    offsets.clear(), sources_of_weights.clear();
    for (Block& block : blocks) {
        const Phase& phase = phases[block.phase];
        block.taps = ptrdiff_t(offsets.size()), block.weights = ptrdiff_t(sources_of_weights.size());
        for (int s = 0; s < block.sources; s++) {
            for (size_t y = 0; y < phase.rows.taps.size(); y++) {
                for (size_t x = 0; x < phase.columns.taps.size(); x++) {
                    const int source = links[block.first][s].map;
                    offsets.push_back(int32_t(from.at(source, phase.rows.shifts[y], phase.columns.shifts[x])));
                    const int tap = phase.rows.taps[y] * kernel_columns + phase.columns.taps[x];
                    for (int f = 0; f < block.count; f++)
                        sources_of_weights.push_back(links[block.first + f][s].kernel * kernel_rows * kernel_columns +
                                                     tap);
                }
            }
        }
    }
    weights.assign(sources_of_weights.size(), 0.0f);
    if (fewer) fewer->settle(from, to, links, kernel_rows, kernel_columns);
}

void Correlator::pack(int block, const float* weight) {
    if (block >= int(blocks.size())) return fewer->pack(block - int(blocks.size()), weight);
    const size_t first = blocks[block].weights;
    const size_t end = block + 1 < int(blocks.size()) ? size_t(blocks[block + 1].weights) : weights.size();
    for (size_t i = first; i < end; i++) weights[i] = weight[sources_of_weights[i]];
}

// `count` rows from m on, from all of which the same rows of the kernel reach the source.
void Correlator::band(const Phase& phase, const Block& block, int m, int count, Correlation c,
                      const Maps* gate_maps) const {
    const Reach &rows = phase.rows, &columns = phase.columns;
    const auto [tap, taps] = rows.inside(m, 1, from.rows);
    const int each_row = int(columns.taps.size()), each_source = int(rows.taps.size()) * each_row;
    const int y = rows.first + m * rows.step;
    const float *in = c.in + m * rows.stride * from.row_stride(), *gate = c.gate;
    float* out = c.out + to.at(block.first, y, 0);
    c.start = c.start ? c.start + block.first : nullptr;
    c.in_step = columns.stride * GROUP, c.out_step = columns.step * GROUP, c.out_channel = to.channel_stride();
    c.rows = count, c.in_row = rows.stride * from.row_stride(), c.out_row = rows.step * to.row_stride();
    if (gate) {
        gate += gate_maps->at(block.first, y, 0);
        c.gate_step = c.out_step, c.gate_channel = gate_maps->channel_stride(),
        c.gate_row = rows.step * gate_maps->row_stride();
    }
    for (const Columns& part : phase.blocks) {
        const int first = tap * each_row + part.tap;
        c.offsets = offsets.data() + block.taps + first;
        c.weights = weights.data() + block.weights + ptrdiff_t(first) * block.count;
        c.outer_count = block.sources, c.outer = each_source;
        c.inner_count = taps, c.inner = each_row, c.run = part.taps;
        if (part.shape == WHOLE) {
            if (c.run == c.inner) c.run *= taps, c.inner_count = taps > 0;    // rows follow each other
            if (c.run == c.outer) c.run *= c.outer_count, c.outer_count = 1;  // and sources
        }
        const int x = columns.first + part.first * columns.step;
        c.in = in + ptrdiff_t(part.first) * columns.stride * GROUP;
        c.out = out + ptrdiff_t(x) * GROUP;
        c.gate = gate ? gate + ptrdiff_t(x) * GROUP : nullptr;
        correlation(block.count, part.count, part.shape)(c);
    }
}

// The rows first … end − 1 of a phase's results, band after band: what a band reads is meant to stay in the cache.
void Correlator::run_bands(const Phase& phase, int first, int end, const Correlation& c, const Maps* gate_maps) const {
    const int most =
        int(std::clamp(BAND_SIZE / (from.channels * from.row_stride()), ptrdiff_t(1), ptrdiff_t(BAND_ROWS)));
    for (int m = first, next; m < end; m = next) {
        const auto reached = phase.rows.inside(m, 1, from.rows);
        next = m + 1;
        while (next < std::min(end, m + most) && phase.rows.inside(next, 1, from.rows) == reached) next++;
        for (const Block& block : blocks)
            if (&phases[block.phase] == &phase) band(phase, block, m, next - m, c, gate_maps);
    }
}

void Correlator::run_phase(const Phase& phase, int first, int end, bool begins, const Correlation& c,
                           const Maps* gate_maps, float* scratch) const {
    if (!fewer) return run_bands(phase, first, end, c, gate_maps);
    for (int m = first, next; m < end; m = next) {
        next = std::min(end, fewer->band_end(m));
        if (!fewer->run(c, gate_maps, m, next, begins && m == first, scratch)) run_bands(phase, m, next, c, gate_maps);
    }
}

void Correlator::run(const float* source, float* result, const float* bias, bool relu, float* scratch) const {
    Correlation c{};
    c.in = source, c.out = result, c.start = bias, c.relu = relu;
    for (const Phase& phase : phases) run_phase(phase, 0, phase.rows.positions, true, c, nullptr, scratch);
}

void Correlator::run_rows(const float* source, float* result, const float* bias, bool relu, int first, int count,
                          bool begins, float* scratch) const {
    Correlation c{};
    c.in = source, c.out = result, c.start = bias, c.relu = relu;
    run_phase(phases[0], first, first + count, begins, c, nullptr, scratch);
}

void Correlator::run_gated(const float* source, float* result, const float* gate, const Maps& gate_maps,
                           float* scratch) const {
    Correlation c{};
    c.in = source, c.out = result, c.gate = gate;
    for (const Phase& phase : phases) run_phase(phase, 0, phase.rows.positions, true, c, &gate_maps, scratch);
}

}  // namespace striate
