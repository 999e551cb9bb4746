// Weight gradients of 3 × 3 kernels by Winograd's F(3 × 3, 4 × 4): for each 4 × 4 tile of the output's gradient and the
// 6 × 6 values that it saw, 36 products instead of 144.
//
//     w = Aᵀ [ Σ (Bᵀ d B) ⊙ (G g Gᵀ) ] A        d: 6 × 6 values, g: 4 × 4 gradients, w: 3 × 3 taps
//
// The sum runs over all tiles and images: for each of the 36 points it is a product of matrices, channels × images by
// images × filters. Here sixteen filters lie in the lanes (a filter block), so that no lanes have to be added up.
#pragma once

#include <memory>

#include "convolution/reach.hpp"
#include "layers/operation.hpp"

namespace striate {

// The input and the output's gradient of a lane group, and the gradient to write, or to add to.
struct WeightPass {
    const float *in, *gradient;
    float* weight_gradient;
    bool overwrite;
};

class WeightWinograd {
public:
    // Null where it does not apply (not all filters read all channels, no 3 × 3 kernel, a stride or a dilation), or is
    // not faster than `direct`, the cost of the weight gradient of a lane group in half cycles.
    static std::unique_ptr<WeightWinograd> of(const StriateLayer& layer, const Links& to_channels, double direct);

    // The margins that the input must have.
    Maps margins() const;
    void set_layout(const Maps& in, const Maps& gradient);
    int filter_blocks() const { return (filters + GROUP - 1) / GROUP; }
    ptrdiff_t scratch_size() const;
    // The gradients of a range of filter blocks. Returns false, whatever the range, where a value is not finite, which
    // the transforms would spread to other taps; nothing is written then.
    bool run(const WeightPass& pass, const Range& blocks, float* scratch) const;

private:
    struct Chunk {  // successive tiles, and their transformed values and gradients
        int first, count;
        const float *values, *gradients;
    };

    explicit WeightWinograd(const StriateLayer& layer);
    double cost() const;
    ptrdiff_t positions() const { return ptrdiff_t(chunk_tiles) * GROUP; }  // of a chunk: one for each image of a tile
    // Distances in floats. One more line than needed is left between rows, which would compete for places in the cache.
    ptrdiff_t channel_stride() const { return positions() + GROUP; }
    ptrdiff_t value_stride() const { return channels * channel_stride() + GROUP; }
    ptrdiff_t block_stride() const { return positions() * GROUP; }
    ptrdiff_t gradient_stride() const { return pass_blocks * block_stride() + GROUP; }
    ptrdiff_t sum_stride() const { return ptrdiff_t(pass_blocks) * channels * GROUP + GROUP; }

    void transform_inputs(const float* maps, const Chunk& chunk, float* values) const;
    void transpose_tile(const float* gradients, int block, int tile, float* to) const;
    void transform_gradients(const float* transposed, float* to) const;
    void multiply(const Chunk& chunk, int blocks, float* sums) const;
    void finish(const float* sums, float* taps, float* weight_gradient, int live, bool overwrite) const;

    int channels, filters, top, left;  // the padding above and on the left
    Maps in, gradient;
    int tile_rows, tile_columns;
    int chunk_tiles;  // tiles that are transformed and multiplied at a time
    int pass_blocks;  // filter blocks whose sums are in memory at a time
};

}  // namespace striate
