// Which source maps, and which of their rows and columns, each result of a correlation reads.
#pragma once

#include <utility>
#include <vector>

namespace striate {

// One axis of a correlation. Position m of the results lies at first + m · step in the output; its tap i reads position
// m · stride + shifts[i] of the source. taps[i] is the tap's index in the kernel.
struct Reach {
    int first, step, stride, positions;
    std::vector<int> taps, shifts;

    // The taps that read inside 0 … size − 1 for at least one of the positions m … m + count − 1: the first, and their
    // number.
    std::pair<int, int> inside(int m, int count, int size) const;
    // The fraction of all taps, over all positions, that read inside 0 … size − 1.
    double inside_share(int size) const;
};

// One axis of a convolution's forward pass.
Reach forward_reach(int output, int kernel, int stride, int dilation, int before);
// One axis of its input gradient. Only some taps reach a position, depending on the position modulo the stride, so
// there is one reach for each remainder.
std::vector<Reach> backward_reaches(int input, int kernel, int stride, int dilation, int before);

// A source map that a result is computed from, and the index of the kernel between them in the weight. Dense
// convolutions, those with channel groups and those with a connection table differ only in their links.
struct Link {
    int map, kernel;
};
using Links = std::vector<std::vector<Link>>;  // the links of each result

// Whether two results read the same sources, in the same order.
bool same_maps(const std::vector<Link>& a, const std::vector<Link>& b);

// Cuts n into parts of nearly equal size, each at most `max_size`: their sizes.
std::vector<int> split_evenly(int n, int max_size);

}  // namespace striate
