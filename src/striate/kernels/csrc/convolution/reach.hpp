// Which sources, and which of their rows and columns, a correlation's results are made of.
#pragma once

#include <utility>
#include <vector>

namespace striate {

// Which kernel taps reach which positions along one axis: position m of the result lies at first + m · step, and its
// tap i reads position m · stride + shifts[i] of the source. taps[i] numbers the tap in the kernel.
struct Reach {
    int first, step, stride, positions;
    std::vector<int> taps, shifts;

    // The taps that stay inside 0 … size − 1 for at least one of the positions m … m + count − 1: first, and how many.
    std::pair<int, int> inside(int m, int count, int size) const;
    // How much of all taps that is, over all positions one by one.
    double share(int size) const;
};

// The results of a convolution along one axis: one reach.
Reach forward_reach(int output, int kernel, int stride, int dilation, int before);
// The input gradient's: a reach for each remainder of the position by the stride, as only some taps meet it.
std::vector<Reach> backward_reaches(int input, int kernel, int stride, int dilation, int before);

struct Link {
    int map, kernel;  // a source, and the number of its kernel in the weight
};
using Links = std::vector<std::vector<Link>>;  // of each result

// Whether two results see the same sources, in the same order.
bool same_maps(const std::vector<Link>& a, const std::vector<Link>& b);

// n in equal parts of at most `most`: the sizes.
std::vector<int> split(int n, int most);

}  // namespace striate
