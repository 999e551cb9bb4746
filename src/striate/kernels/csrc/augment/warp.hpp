// augment/: images of bytes, moved and distorted. Each pixel of the result is interpolated between the four pixels
// around the point of the image that it comes from. Start with `Warper::run`.
#pragma once

#include <vector>

#include "api/interface.hpp"
#include "layout/aligned_floats.hpp"

namespace striate {

// Warps images of one shape, one after another; one for each thread.
class Warper {
public:
    explicit Warper(const StriateWarp& warp);
    // Writes image number `image` of the batch to `to`, as floats.
    void run(const StriateImages& images, int64_t image, float* to);

private:
    void set_matrix(const StriateMove& move);
    void compute_displacements(const float* noise);
    void find_sources(int row);
    void pack_neighbours(const uint8_t* pixels);
    void interpolate(const StriateImages& images, float* to);

    const StriateWarp& warp;
    int rows, columns;
    // Sizes in whole vectors: the columns; the columns of the image in a frame of zeros, one pixel wide; and the rows.
    int padded_columns, framed_columns, padded_rows;
    float matrix[2][3];            // from (x, y, 1) in the result to (x, y) in the image, in pixels from the middle
    AlignedFloats down, across;    // the warp's, in rows of `padded_rows` and `padded_columns`
    AlignedFloats displacements;   // of both axes: noise · down, `ranks[1]` rows each, of `padded_rows`
    AlignedFloats source_offsets;  // of each pixel of the result, in `neighbours`; in rows of `padded_columns`
    AlignedFloats fractions;       // weights of the right neighbours, then of the lower ones, laid out likewise
    AlignedFloats previous_pairs;  // each pixel of the row above, and its right neighbour
    AlignedFloats neighbours;      // of each pixel and the frame: itself, its right, lower, and lower right neighbour
    std::vector<uint8_t> framed_row;  // a row of the image: one zero before it, at least two behind
};

}  // namespace striate
