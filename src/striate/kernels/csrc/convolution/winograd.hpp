// Correlations with fewer multiplications along the columns: Winograd's F(m, r), by the points of Toom and Cook, as
// Lavin and Gray brought it to convolutional networks (2015). m results of r taps take n = m + r − 1 products instead
// of m · r:
//
//     y = Aᵀ [(G g) ⊙ (Bᵀ d)]        d: n values, g: the r taps, y: the m results
//
// with the points 0, 1, −1 (2, −2) and infinity. The rows of the kernel and its sources are summed before Aᵀ, so each
// of the n products is a correlation of its own, by the same blocks as any other, of a map that is m times narrower.
#pragma once

#include <memory>

#include "convolution/blocks.hpp"
#include "convolution/reach.hpp"
#include "layout/maps.hpp"

namespace striate {

class Winograd {
public:
    // For results all of which see all sources; null where it does not apply or takes longer than `direct` half cycles
    // a row of all results.
    static std::unique_ptr<Winograd> of(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns,
                                        const Links& links, double direct);

    Maps margins() const;
    void settle(const Maps& from, const Maps& to, const Links& links, int kernel_rows, int kernel_columns);
    ptrdiff_t scratch_size() const { return GROUP + values_size() + products_size(); }

    int pack_tasks() const { return int(filters.size()); }
    void pack(int part, const float* weight);

    // Rows come in bands, whose transformed values are kept in the scratch memory: the rows of a band are run one after
    // another, from its first or from one that `begins` on another memory.
    int band_end(int row) const { return (row / band + 1) * band; }
    // The results of `first` … `end` − 1, of one band, as `c` asks for them. False where a value is not finite: a
    // transform would spread it to other results.
    bool run(const Correlation& c, const Maps* gate_maps, int first, int end, bool begins, float* scratch) const;

private:
    struct Filters {  // some results side by side
        int first, count;
        ptrdiff_t weights;
    };

    Winograd(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns, int m);
    double choose();
    ptrdiff_t row() const { return ptrdiff_t(tiles) * GROUP; }
    ptrdiff_t slab() const { return from.channels * band_rows() * row(); }
    ptrdiff_t values_size() const { return n * slab(); }
    ptrdiff_t products_size() const { return ptrdiff_t(n) * most_filters * turn * row(); }
    int band_rows() const { return band + highest - lowest; }
    bool transform(const float* in, int first, int count, float* values) const;
    void multiply(const Filters& filters, int first, int count, int low, const float* values, float* products) const;
    void finish(const Filters& filters, const Correlation& c, const Maps* gate_maps, int first, int count,
                const float* products) const;

    Maps from, to;
    Reach rows, columns;
    int m, r, n, tiles;
    int left, lowest = 0, highest = 0;  // shifts: of the first column, and of rows
    int band = 1, turn = 1;             // rows of a band, and of a turn of products
    int most_filters = 1;
    int width = 1;  // of a block, in tiles: those of a turn's rows follow each other
    std::vector<Filters> filters;
    std::vector<int32_t> offsets, sources;  // of values; and of the row of taps behind each weight
    std::vector<int> order;                 // of the taps, by their shifts
    std::vector<float> factors;             // G
    std::vector<float> weights;
    std::vector<char> finite;  // of each block's filters
};

}  // namespace striate
