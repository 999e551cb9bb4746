// online/: training from one image at a time, as LeNet-5's authors did in 1998. Start with this file.
//   online_trainer                      all layers: a pass over the images, and the curvature of the loss
//   online_convolution, online_dense    the layers
// After each image every parameter changes. The lanes hold sixteen filters, or units, of a layer (a channel block); a
// layer reads its input one number at a time. The paper and the C interface call one training image a pattern.
#pragma once

#include <memory>
#include <vector>

#include "api/interface.hpp"
#include "engine/loss.hpp"
#include "layout/aligned_floats.hpp"
#include "simd/vector.hpp"

namespace striate {

// How one image's maps lie: in channel blocks of `width` channels side by side, with margins of zeros left and right.
struct BlockedMaps {
    int channels, rows, columns, width = GROUP, margin = 0;

    int blocks() const { return (channels + width - 1) / width; }
    ptrdiff_t row_stride() const { return ptrdiff_t(columns + 2 * margin) * width; }
    ptrdiff_t block_stride() const { return rows * row_stride(); }
    ptrdiff_t size() const { return blocks() * block_stride(); }
    ptrdiff_t at(int c, int y, int x) const {
        return c / width * block_stride() + y * row_stride() + ptrdiff_t(margin + x) * width + c % width;
    }
};

// What a backward pass does with a layer's parameters. It computes the input's gradient from `weights`, and subtracts
// each parameter's gradient, times its rate, from `weights_to_update` and `biases_to_update`. To train, both are the
// same weights; for the curvature, the second are sums and the rates −1.
struct ParameterUpdate {
    const float* weights;
    float *weights_to_update, *biases_to_update;
    const float *weight_rates, *bias_rates;
};

// A layer with parameters. Its input and output lie as `in` and `out`, their gradients as `in_gradient` and
// `out_gradient`.
class OnlineLayer {
public:
    OnlineLayer(const StriateLayer& layer, BlockedMaps in);
    virtual ~OnlineLayer() = default;

    // Writes the values before the activation to `to`.
    virtual void forward(const float* from, float* to, const float* weights, const float* biases) const = 0;
    // `gradient` is the gradient of forward's output; `to` receives its input's, unless it is null.
    virtual void backward(const float* from, const float* gradient, float* to, const ParameterUpdate& update) const = 0;
    // Columns of zeros beside the output's gradient, for windows that reach over the edge.
    virtual int margin() const { return 0; }
    // Called once, when the gradients' layouts are known.
    virtual void prepare_offsets() {}

    const StriateLayer layer;
    const BlockedMaps in, out;
    BlockedMaps out_gradient, in_gradient;
    ptrdiff_t weight_count = 0, bias_count;
    std::vector<ptrdiff_t> weight_offsets;  // of each weight in the packed weights; a bias lies at its filter's index
};

std::unique_ptr<OnlineLayer> online_convolution(const StriateLayer& layer, BlockedMaps in);
std::unique_ptr<OnlineLayer> online_subsampling(const StriateLayer& layer, BlockedMaps in);
std::unique_ptr<OnlineLayer> online_dense(const StriateLayer& layer, BlockedMaps in);

// A network of convolutions (stride 1, no padding), subsampling (windows that do not overlap) and dense layers, with
// RBF units at the end.
class OnlineTrainer {
public:
    OnlineTrainer(const StriateLayer* layers, int count);

    // Trains on one image after another; after each, w ← w − rate · ∂E/∂w for every parameter.
    StriateResult learn(const StriateImages& images, const StriateTarget& target, const float* const* rates);
    // The Gauss-Newton diagonal of LeNet-5's appendix C, summed over images and over each parameter's connections.
    void curvature(const StriateImages& images, const StriateTarget& target, float* const* sums);

private:
    using FloatBuffers = std::vector<AlignedFloats>;

    // Packs an array for each parameter (its values, or its rates) in the layers' order: weights and biases of each
    // layer.
    FloatBuffers pack_parameters(const float* const* arrays) const;
    void unpack_parameters(FloatBuffers& from, float* const* arrays) const;
    std::vector<ParameterUpdate> parameter_updates(FloatBuffers& weights, FloatBuffers& to_update,
                                                   FloatBuffers& rates) const;

    Score run_forward(const StriateImages& images, const StriateTarget& target, int64_t index, FloatBuffers& packed);
    void compute_distances();
    void compute_distances_gradient();
    void compute_distances_curvature(int64_t label);
    void backward(FloatBuffers& inputs, const std::vector<ParameterUpdate>& updates, int times);
    void multiply_by_derivatives(size_t layer, int times);

    std::vector<std::unique_ptr<OnlineLayer>> layers;
    std::vector<float*> module_parameters;  // a weight and a bias for each layer
    FloatBuffers values, gradients;         // the input of layer i; its output's gradient
    int classes;
    ptrdiff_t features;
    AlignedFloats centres, distances, distance_gradient;
};

}  // namespace striate
