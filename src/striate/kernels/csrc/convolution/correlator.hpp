// Correlates whole maps: the forward pass of a convolution, and its input gradient, which is a correlation too. The
// work is cut into register tiles once, when the network is built; a cost model chooses their size, and Winograd where
// it is faster.
#pragma once

#include "convolution/reach.hpp"
#include "convolution/register_tiles.hpp"
#include "convolution/square_winograd.hpp"
#include "convolution/winograd.hpp"
#include "layout/maps.hpp"

namespace striate {

class Correlator {
public:
    Correlator(const Maps& from, const Maps& to, std::vector<Reach> rows, std::vector<Reach> columns, Links links,
               int kernel_rows, int kernel_columns);

    // The margins that `from` must have: tiles read columns beyond the edges, which must hold zeros.
    Maps margins() const;
    void set_layout(const Maps& from, const Maps& to);

    int pack_tasks() const { return int(map_tiles.size()) + (winograd ? winograd->pack_tasks() : 0); }
    void pack(int task, const float* weight);
    ptrdiff_t scratch_size() const { return winograd ? winograd->scratch_size() : 0; }

    // `relu` as in Correlation.
    void run(const float* from, float* to, const float* bias, bool relu, float* scratch) const;
    // Some rows of a correlation that has one phase. `starts_slice`: the first rows with this scratch buffer; other
    // calls continue where the last one ended.
    void run_rows(const float* from, float* to, const float* bias, bool relu, int first, int count, bool starts_slice,
                  float* scratch) const;
    // Multiplies the result by the derivative of a ReLU, whose values `relu_values` lie as `relu_maps`.
    void run_times_derivative(const float* from, float* to, const float* relu_values, const Maps& relu_maps,
                              float* scratch) const;

private:
    struct MapTile {  // successive results of one phase that read the same sources: one side of register tiles
        int phase, first, count, sources;
        ptrdiff_t taps, weights;  // where its offsets and packed weights begin
    };
    struct ColumnTile {  // successive columns, and the taps that contribute to them: the other side of register tiles
        int first, count, tap, taps;
        TapShape shape;
    };
    struct
        Phase {  // the results with one remainder of their row and column by the stride; forward passes have one phase
        Reach rows, columns;
        std::vector<ColumnTile> column_tiles;
    };

    void choose_tiles(int longest_run);
    ColumnTile column_tile(const Reach& columns, int first, int count) const;
    std::vector<ColumnTile> cut_columns(const Reach& columns, int max_columns, int edge_width) const;
    double cost(const Phase& phase, const std::vector<ColumnTile>& tiles, int results) const;
    void run_band(const Phase& phase, const MapTile& tile, int row, int count, Correlation c,
                  const Maps* relu_maps) const;
    void run_bands(const Phase& phase, int first, int end, const Correlation& c, const Maps* relu_maps) const;
    void run_phase(const Phase& phase, int first, int end, bool starts_slice, const Correlation& c,
                   const Maps* relu_maps, float* scratch) const;

    Maps from, to;
    std::vector<Phase> phases;
    Links links;
    int kernel_rows, kernel_columns;
    std::vector<MapTile> map_tiles;
    std::unique_ptr<TransformedCorrelation> winograd;  // where it is faster; else null
    std::vector<int32_t> offsets, weight_indices;
    std::vector<float> weights;
};

}  // namespace striate
