// Correlations with 3 × 3 kernels by Winograd's F(4 × 4, 3 × 3): 36 products for 4 × 4 results instead of 144.
//
//     y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A        d: 6 × 6 values, g: the 3 × 3 taps, y: 4 × 4 results
//
// The products are summed over the sources before Aᵀ is applied, so each of the 36 is a correlation of maps of one pixel
// for each square, on the usual register tiles.
#pragma once

#include <memory>

#include "convolution/transformed_correlation.hpp"

namespace striate {

class SquareWinograd final : public TransformedCorrelation {
public:
    // Null where it does not apply (not all results read all sources, another kernel, a stride), or is not faster than
    // `other`, the cost of a row of all results in half cycles.
    static std::unique_ptr<SquareWinograd> of(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns,
                                              const Links& links, double other);

    Maps margins() const override;
    void set_layout(const Maps& from, const Maps& to, const Links& links, int kernel_rows, int kernel_columns) override;
    ptrdiff_t scratch_size() const override;
    int pack_tasks() const override { return int(filter_tiles.size()); }
    void pack(int task, const float* weight) override;
    int band_end(int row) const override { return (row / band_rows() + 1) * band_rows(); }
    bool run(const Correlation& c, const Maps* relu_maps, int first, int end, bool starts_slice,
             float* scratch) const override;

private:
    struct FilterTile {  // successive results: one side of register tiles
        int first, count;
        ptrdiff_t weights;
    };
    struct Output {  // where results go: maps, or the buffer for the rows of one row of squares
        Correlation c;
        Maps to, relu_maps;
        int first_row;  // of `to`
    };

    SquareWinograd(const Maps& from, const Maps& to, const Reach& rows, const Reach& columns);
    double choose_tiles();
    int band_rows() const;
    int positions_of_band() const { return band_squares * squares_across; }
    // Distances in floats. One more line than needed is left between points, which would compete for places in the cache.
    ptrdiff_t map_size() const { return ptrdiff_t(positions_of_band()) * GROUP; }
    ptrdiff_t value_stride() const { return from.channels * map_size() + GROUP; }
    ptrdiff_t product_stride() const { return max_tile_filters * map_size() + GROUP; }
    Maps row_buffer() const;

    bool transform(const float* in, int band, float* values) const;
    void compute(const float* values, int square_row, int count, const Output& output, float* products) const;
    void multiply(const FilterTile& tile, const float* values, int squares, float* products) const;
    void finish(const FilterTile& tile, int square_row, int count, const Output& output, const float* products) const;
    void copy_rows(const Correlation& c, int first, int end, const float* buffer) const;

    Maps from, to;
    Reach rows, columns;
    int squares_down, squares_across;
    int band_squares = 1;  // rows of squares in a band
    int max_tile_filters = 1, tile_width = 1;
    std::vector<FilterTile> filter_tiles;
    std::vector<int32_t> offsets, kernels;  // of the sources' transformed values; where each kernel begins
    int kernel_columns = 0;
    std::vector<int> row_order, column_order;  // the taps in the order of their shifts
    std::vector<float> weights;
    std::vector<char> finite;  // for each filter tile: whether its weights are finite
};

}  // namespace striate
