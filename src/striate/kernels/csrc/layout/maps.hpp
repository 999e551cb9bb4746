// How the maps of one group of images lie in memory: channel × row × column × 16 images, with margins of zeros.
#pragma once

#include <algorithm>

#include "simd/vector.hpp"

namespace striate {

struct Maps {
    int channels = 0, rows = 0, columns = 0;
    int top = 0, bottom = 0, left = 0, right = 0;

    // Distances in floats.
    ptrdiff_t row() const { return ptrdiff_t(left + columns + right) * GROUP; }
    ptrdiff_t channel() const { return (top + rows + bottom) * row(); }
    ptrdiff_t size() const { return channels * channel(); }
    // Where pixel (0, 0) of the first channel lies.
    ptrdiff_t origin() const { return top * row() + left * GROUP; }
    ptrdiff_t at(int c, int y, int x) const { return c * channel() + y * row() + ptrdiff_t(x) * GROUP; }

    void widen(const Maps& other) {
        top = std::max(top, other.top), bottom = std::max(bottom, other.bottom);
        left = std::max(left, other.left), right = std::max(right, other.right);
    }
};

// Zeros in the margins of every channel of maps that begin at `memory`.
inline void clear_margins(const Maps& maps, float* memory) {
    for (int c = 0; c < maps.channels; c++, memory += maps.channel()) {
        std::fill(memory, memory + maps.top * maps.row(), 0.0f);
        for (int y = maps.top; y < maps.top + maps.rows; y++) {
            float* row = memory + y * maps.row();
            std::fill(row, row + maps.left * GROUP, 0.0f);
            std::fill(row + (maps.left + maps.columns) * GROUP, row + maps.row(), 0.0f);
        }
        std::fill(memory + (maps.top + maps.rows) * maps.row(), memory + maps.channel(), 0.0f);
    }
}

}  // namespace striate
