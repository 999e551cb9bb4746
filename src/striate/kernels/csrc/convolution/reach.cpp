#include "convolution/reach.hpp"

#include <algorithm>

namespace striate {
namespace {

int floor_division(int a, int b) { return a / b - (a % b < 0); }

}  // namespace

std::pair<int, int> Reach::inside(int m, int count, int size) const {
    int first = -1, last = -2;
    for (int i = 0; i < int(taps.size()); i++) {
        const int low = m * stride + shifts[i], high = low + (count - 1) * stride;
        if (high < 0 || low >= size) continue;
        if (first < 0) first = i;
        last = i;
    }
    return {std::max(first, 0), last - first + 1 > 0 ? last - first + 1 : 0};
}

double Reach::inside_share(int size) const {
    double sum = 0;
    for (int m = 0; m < positions; m++) sum += inside(m, 1, size).second;
    return sum / (double(positions) * taps.size());
}

Reach forward_reach(int output, int kernel, int stride, int dilation, int before) {
    Reach reach{0, 1, stride, output, {}, {}};
    for (int k = 0; k < kernel; k++) reach.taps.push_back(k), reach.shifts.push_back(k * dilation - before);
    return reach;
}

std::vector<Reach> backward_reaches(int input, int kernel, int stride, int dilation, int before) {
    std::vector<Reach> reaches;
    for (int rest = 0; rest < std::min(stride, input); rest++) {
        Reach reach{rest, stride, 1, (input - rest + stride - 1) / stride, {}, {}};
        for (int k = 0; k < kernel; k++) {
            const int at = rest + before - k * dilation;
            if (at % stride == 0) reach.taps.push_back(k), reach.shifts.push_back(floor_division(at, stride));
        }
        reaches.push_back(reach);
    }
    return reaches;
}

bool same_maps(const std::vector<Link>& a, const std::vector<Link>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](Link x, Link y) { return x.map == y.map; });
}

std::vector<int> split_evenly(int n, int max_size) {
    const int parts = (n + max_size - 1) / max_size;
    std::vector<int> sizes;
    for (int i = 0; i < parts; i++) sizes.push_back(n / parts + (i < n % parts));
    return sizes;
}

}  // namespace striate
