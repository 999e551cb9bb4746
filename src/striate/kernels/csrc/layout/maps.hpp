// layout/: how feature maps lie in memory. Start with this file.
//   images           images of a batch into lanes, and back
//   aligned_floats   the buffers that maps lie in; offsets: whether places in them fit into 32 bits
// This file describes the maps of one lane group: channel × row × column × 16 images, with margins of zeros.
#pragma once

#include <algorithm>

#include "simd/vector.hpp"

namespace striate {

struct Maps {
    int channels = 0, rows = 0, columns = 0;
    int top = 0, bottom = 0, left = 0, right = 0;

    // Distances in floats, margins included.
    ptrdiff_t row_stride() const { return ptrdiff_t(left + columns + right) * GROUP; }
    ptrdiff_t channel_stride() const { return (top + rows + bottom) * row_stride(); }
    ptrdiff_t size() const { return channels * channel_stride(); }
    // Offset of pixel (0, 0) of the first channel from the start of the buffer.
    ptrdiff_t origin() const { return top * row_stride() + left * GROUP; }
    // Offset of pixel (y, x) of channel c from the origin.
    ptrdiff_t at(int c, int y, int x) const { return c * channel_stride() + y * row_stride() + ptrdiff_t(x) * GROUP; }

    // Makes each margin at least as wide as in `other`.
    void widen(const Maps& other) {
        top = std::max(top, other.top), bottom = std::max(bottom, other.bottom);
        left = std::max(left, other.left), right = std::max(right, other.right);
    }
};

inline bool has_margins(const Maps& maps) { return maps.top || maps.bottom || maps.left || maps.right; }

// The same maps without margins.
inline Maps bare(const Maps& maps) { return {maps.channels, maps.rows, maps.columns}; }

inline bool same_shape(const Maps& a, const Maps& b) {
    return a.channels == b.channels && a.rows == b.rows && a.columns == b.columns;
}

inline bool same_layout(const Maps& a, const Maps& b) {
    return same_shape(a, b) && a.top == b.top && a.bottom == b.bottom && a.left == b.left && a.right == b.right;
}

// A number of floats rounded up to whole cache lines, at which buffers begin.
inline ptrdiff_t rounded(ptrdiff_t floats) { return (floats + 15) / 16 * 16; }

// Writes zeros into the margins of every channel of the maps that begin at `memory`.
inline void clear_margins(const Maps& maps, float* memory) {
    for (int c = 0; c < maps.channels; c++, memory += maps.channel_stride()) {
        std::fill(memory, memory + maps.top * maps.row_stride(), 0.0f);
        for (int y = maps.top; y < maps.top + maps.rows; y++) {
            float* row = memory + y * maps.row_stride();
            std::fill(row, row + maps.left * GROUP, 0.0f);
            std::fill(row + (maps.left + maps.columns) * GROUP, row + maps.row_stride(), 0.0f);
        }
        std::fill(memory + (maps.top + maps.rows) * maps.row_stride(), memory + maps.channel_stride(), 0.0f);
    }
}

}  // namespace striate
