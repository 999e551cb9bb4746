// A correlation of whole maps: the forward pass of a convolution, and its input gradient, which is one too.
#pragma once

#include "convolution/blocks.hpp"
#include "convolution/reach.hpp"
#include "convolution/winograd.hpp"
#include "layout/maps.hpp"

namespace striate {

class Correlator {
public:
    Correlator(const Maps& from, const Maps& to, std::vector<Reach> rows, std::vector<Reach> columns, Links links,
               int kernel_rows, int kernel_columns);

    // The margins that `from` must have: blocks of columns read over the edge, and what they read there must be zero.
    Maps margins() const;
    void settle(const Maps& from, const Maps& to);

    int pack_tasks() const { return int(blocks.size()) + (fewer ? fewer->pack_tasks() : 0); }
    void pack(int part, const float* weight);
    ptrdiff_t scratch_size() const { return fewer ? fewer->scratch_size() : 0; }

    // `relu` and `gate` as in Correlation; the gate's values are laid out as `gate_maps`.
    void run(const float* from, float* to, const float* bias, bool relu, float* scratch) const;
    // Some rows of a correlation of one phase: the first with this scratch memory, or those after the last.
    void run_rows(const float* from, float* to, const float* bias, bool relu, int first, int count, bool begins,
                  float* scratch) const;
    void run_gated(const float* from, float* to, const float* gate, const Maps& gate_maps, float* scratch) const;

private:
    struct Block {  // some results side by side that see the same sources, for one phase
        int phase, first, count, sources;
        ptrdiff_t taps, weights;  // where its offsets and its packed weights begin
    };
    struct Columns {
        int first, count, tap, taps;
        Shape shape;
    };
    struct Phase {
        Reach rows, columns;
        std::vector<Columns> blocks;
    };

    void choose(int longest);
    Columns part(const Reach& columns, int first, int count) const;
    std::vector<Columns> cut(const Reach& columns, int most, int edge) const;
    double cost(const Phase& phase, const std::vector<Columns>& parts, int results) const;
    void band(const Phase& phase, const Block& block, int m, int count, Correlation c, const Maps* gate_maps) const;
    void run_bands(const Phase& phase, int first, int end, const Correlation& c, const Maps* gate_maps) const;
    void run_phase(const Phase& phase, int first, int end, bool begins, const Correlation& c, const Maps* gate_maps,
                   float* scratch) const;

    Maps from, to;
    std::vector<Phase> phases;
    Links links;
    int kernel_rows, kernel_columns;
    std::vector<Block> blocks;
    std::unique_ptr<Winograd> fewer;  // multiplications, where that is faster
    std::vector<int32_t> offsets, sources_of_weights;
    std::vector<float> weights;
};

}  // namespace striate
