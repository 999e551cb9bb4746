// Images of bytes moved and distorted: each pixel of the result is interpolated from where it comes from.
#pragma once

#include <vector>

#include "api/interface.hpp"
#include "layout/aligned_floats.hpp"

namespace striate {

// One thread's memory for warping images of one shape, one after another.
class Warper {
public:
    explicit Warper(const StriateWarp& warp);
    // Image number `image` of the batch, as floats.
    void run(const StriateImages& images, int64_t image, float* to);

private:
    void aim(const StriateMove& move);
    void push(const float* noise);
    void find(int row);
    void surround(const uint8_t* pixels);
    void interpolate(const StriateImages& images, float* to);

    const StriateWarp& warp;
    int rows, columns;
    int span, wide, tall;         // in whole vectors: columns, those with the frame, and rows
    float matrix[2][3];           // from (x, y, 1) in the result to (x, y) in the image, in pixels from the middle
    AlignedFloats down, across;   // the warp's, their rows `tall` and `span` apart
    AlignedFloats pushes;         // of both axes: noise · down, `ranks[1]` rows each, which are `tall` apart
    AlignedFloats places;         // in `squares`, of each pixel of the result; rows are `span` apart
    AlignedFloats shares;         // of the right neighbours, then of the lower ones, laid out as `places`
    AlignedFloats pairs;          // each pixel of the row before, and its right neighbour
    AlignedFloats squares;        // of each pixel and frame: itself, its right, lower, and lower right neighbour
    std::vector<uint8_t> framed;  // a row of the image with zeros around it: one before, two and more behind
};

}  // namespace striate
