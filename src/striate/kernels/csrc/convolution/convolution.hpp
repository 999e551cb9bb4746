// convolution/: convolutions. Start with this file, the layer.
//   convolution      forward and input gradient
//   weight_gradient  weight and bias gradients
//   weight_winograd  weight gradients with fewer multiplications
//   correlator       a correlation of whole maps (forward and input gradient), cut into register tiles
//   register_tiles   the inner loops
//   winograd         correlations with fewer multiplications
//   winograd_points  the transforms of both
//   reach            which sources, rows and columns a result reads
// Dense convolutions, those with channel groups and those with a connection table differ only in their links.
#pragma once

#include "convolution/correlator.hpp"
#include "convolution/weight_winograd.hpp"
#include "layers/operation.hpp"

namespace striate {

class Convolution final : public Operation {
public:
    Convolution(const StriateLayer& layer, bool input_gradient);

    void prepare_offsets() override;
    ptrdiff_t scratch_size(int) const override {
        return std::max(sums_size() + std::max(forward_correlator.scratch_size(), backward_correlator.scratch_size()),
                        weight_winograd ? weight_winograd->scratch_size() : 0);
    }
    int pack_tasks() const override {
        return forward_correlator.pack_tasks() + (wants_input_gradient ? backward_correlator.pack_tasks() : 0);
    }
    int forward_pack_tasks() const override { return forward_correlator.pack_tasks(); }
    void pack(int task) override;
    int64_t parallel_products() const override {
        return int64_t(layer.links) * layer.kernel[0] * layer.kernel[1] * positions();
    }
    void forward(const Buffers& b) override;
    void backward(const Buffers& b) override;
    void forward_rows(const Buffers& b, int first, int count, bool starts_slice) override;
    void backward_rows(const Buffers& b, int first, int count, bool starts_slice) override;
    void finish_backward_rows(const Buffers& b) override;

private:
    struct WeightTile {  // a register tile of the weight gradient
        int filters, taps;
        ptrdiff_t first_filter, first_tap, weights;
    };

    // weight_gradient.cpp
    double weight_gradient_cost() const;
    void prepare_weight_gradient();
    std::pair<int, int> choose_weight_tile(int filters, int taps) const;
    void add_weight_tiles(const std::vector<int>& channels, const std::vector<Link>& filters);
    void weight_gradient(const Buffers& b, const float* in, const float* gradient, bool overwrite) const;
    void add_strip_products(WeightProducts p, int rows, bool first_strip, bool last_strip, const Buffers& b,
                            bool overwrite) const;
    void bias_gradient(const float* gradient, int rows, bool first_strip, bool last_strip, const Buffers& b,
                       bool overwrite) const;
    float* bias_lanes(const Buffers& b) const { return b.scratch + partial_size; }
    ptrdiff_t sums_size() const { return (gradient_band_rows ? 2 : 1) * slice_sums_size(); }
    ptrdiff_t slice_sums_size() const { return partial_size + ptrdiff_t(out.channels) * GROUP; }
    float* correlator_scratch(const Buffers& b) const { return b.scratch + sums_size(); }
    ptrdiff_t positions() const { return ptrdiff_t(layer.output[1]) * out.columns; }

    Correlator forward_correlator, backward_correlator;
    std::unique_ptr<WeightWinograd> weight_winograd;  // where it is faster; else null
    std::vector<WeightTile> weight_tiles;
    std::vector<int32_t> filter_offsets, tap_offsets, weight_indices;
    std::vector<int32_t> gradient_offsets, in_offsets;  // of the positions of a strip, row by row
    int strip_rows = 0;
    bool one_strip = false;
    ptrdiff_t partial_size = 0;
};

// The filters that read each input channel, and their kernels.
Links links_to_channels(const StriateLayer& layer);

}  // namespace striate
