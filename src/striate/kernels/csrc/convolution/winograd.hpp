// Correlations with fewer multiplications: Winograd's F(m, r) along the columns, with Toom and Cook's interpolation
// points (Lavin and Gray, 2015). A Winograd tile of m results of r taps takes n = m + r − 1 products instead of m · r:
//
//     y = Aᵀ [(G g) ⊙ (Bᵀ d)]        d: n values, g: the r taps, y: the m results
//
// with the points 0, 1, −1 (2, −2) and infinity. The products are summed over the kernel's rows and the sources before
// Aᵀ is applied, so each of the n products is a correlation of maps that are m times narrower, on the usual register
// tiles.
#pragma once

#include <memory>

#include "convolution/transformed_correlation.hpp"

namespace striate {

class Winograd final : public TransformedCorrelation {
public:
    // Null where it does not apply (not all results read all sources, or the stride is not 1), or is not faster than
    // `least`, the cost of a row of all results in half cycles; lowers that where it is.
    static std::unique_ptr<Winograd> of(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns,
                                        const Links& links, double& least);

    Maps margins() const override;
    void set_layout(const Maps& from, const Maps& to, const Links& links, int kernel_rows, int kernel_columns) override;
    ptrdiff_t scratch_size() const override { return GROUP + values_size() + products_size(); }

    int pack_tasks() const override { return int(filter_tiles.size()); }
    void pack(int task, const float* weight) override;
    int band_end(int row) const override { return (row / band_rows + 1) * band_rows; }
    bool run(const Correlation& c, const Maps* relu_maps, int first, int end, bool starts_slice,
             float* scratch) const override;

private:
    struct FilterTile {  // successive results: one side of register tiles
        int first, count;
        ptrdiff_t weights;
    };

    Winograd(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns, int m);
    double choose_tiles();
    ptrdiff_t row_size() const { return ptrdiff_t(winograd_tiles) * GROUP; }
    ptrdiff_t point_stride() const { return from.channels * band_input_rows() * row_size(); }
    ptrdiff_t values_size() const { return n * point_stride(); }
    ptrdiff_t products_size() const { return ptrdiff_t(n) * max_tile_filters * chunk_rows * row_size(); }
    int band_input_rows() const { return band_rows + highest_shift - lowest_shift; }
    bool transform(const float* in, int first, int count, float* values) const;
    void multiply(const FilterTile& tile, int first, int count, int band_start, const float* values,
                  float* products) const;
    void finish(const FilterTile& tile, const Correlation& c, const Maps* relu_maps, int first, int count,
                const float* products) const;

    Maps from, to;
    Reach rows, columns;
    int m, r, n, winograd_tiles;
    int first_shift, lowest_shift = 0, highest_shift = 0;  // the smallest shift of a column, and the shifts of the rows
    int band_rows = 1, chunk_rows = 1;  // rows of a band, and rows whose products are computed at a time
    int max_tile_filters = 1;
    int tile_width = 1;  // of a register tile, in Winograd tiles; those of a chunk's rows follow each other
    std::vector<FilterTile> filter_tiles;
    std::vector<int32_t> offsets, weight_rows;  // of transformed values; and of the kernel row behind each weight
    std::vector<int> tap_order;                 // the taps in the order of their shifts
    std::vector<float> filter_transform;        // G
    std::vector<float> weights;
    std::vector<char> finite;  // for each filter tile: whether its weights are finite
};

}  // namespace striate
