// A correlation of whole maps: the forward pass of a convolution, and its input gradient, which is one too.
#pragma once

#include <vector>

#include "blocks.hpp"
#include "maps.hpp"

namespace striate {

// Which kernel taps reach which positions along one axis: position m of the result lies at first + m · step, and its
// tap i reads position m · stride + shifts[i] of the source. taps[i] numbers the tap in the kernel.
struct Reach {
    int first, step, stride, positions;
    std::vector<int> taps, shifts;

    // The taps that stay inside 0 … size − 1 for at least one of the positions m … m + count − 1: first, and how many.
    std::pair<int, int> inside(int m, int count, int size) const;
};

// The results of a convolution along one axis: one reach.
Reach forward_reach(int output, int kernel, int stride, int dilation, int before);
// The input gradient's: a reach for each remainder of the position by the stride, as only some taps meet it.
std::vector<Reach> backward_reaches(int input, int kernel, int stride, int dilation, int before);

struct Link {
    int map, kernel;  // a source, and the number of its kernel in the weight
};
using Links = std::vector<std::vector<Link>>;  // of each result

class Correlator {
public:
    Correlator(const Maps& from, const Maps& to, std::vector<Reach> rows, std::vector<Reach> columns, Links links,
               int kernel_rows, int kernel_columns);

    // The margins that `from` must have: blocks of columns read over the edge, and what they read there must be zero.
    Maps margins() const;
    void settle(const Maps& from, const Maps& to);

    int packs() const { return int(blocks.size()); }
    void pack(int block, const float* weight);

    // `relu` and `gate` as in Correlation; the gate's values are laid out as `gate_maps`.
    void run(const float* from, float* to, const float* bias, bool relu) const;
    // Some rows of a correlation of one phase.
    void run_rows(const float* from, float* to, const float* bias, bool relu, int first, int count) const;
    void run_gated(const float* from, float* to, const float* gate, const Maps& gate_maps) const;

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
    void run_phase(const Phase& phase, int first, int end, const Correlation& c, const Maps* gate_maps) const;

    Maps from, to;
    std::vector<Phase> phases;
    Links links;
    int kernel_rows, kernel_columns;
    std::vector<Block> blocks;
    std::vector<int32_t> offsets, sources_of_weights;
    std::vector<float> weights;
};

// n in equal parts of at most `most`: the sizes.
std::vector<int> split(int n, int most);

}  // namespace striate
