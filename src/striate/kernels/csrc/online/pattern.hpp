// A network that learns from one image at a time: forward, backward and a change of every parameter, image after image.
// The lanes hold sixteen filters, or units, of a layer; what a layer reads it reads number by number.
#pragma once

#include <memory>
#include <vector>

#include "api/interface.hpp"
#include "engine/loss.hpp"
#include "layout/aligned_floats.hpp"
#include "simd/vector.hpp"

namespace striate {

// How one image's maps lie: `width` channels side by side, block after block, with a margin of zeros left and right.
struct Planes {
    int channels, rows, columns, width = GROUP, margin = 0;

    int blocks() const { return (channels + width - 1) / width; }
    ptrdiff_t row_stride() const { return ptrdiff_t(columns + 2 * margin) * width; }
    ptrdiff_t block_stride() const { return rows * row_stride(); }
    ptrdiff_t size() const { return blocks() * block_stride(); }
    ptrdiff_t at(int c, int y, int x) const {
        return c / width * block_stride() + y * row_stride() + ptrdiff_t(margin + x) * width + c % width;
    }
};

// What a backward pass does with a layer's parameters: `weights` lead the gradient on; each parameter's own gradient,
// times its rate, is taken from its number in `weights_changed` and `biases_changed`. To learn, `weights` are changed.
struct Change {
    const float* weights;
    float *weights_changed, *biases_changed;
    const float *weight_rates, *bias_rates;
};

// A layer with parameters. What goes in and comes out lies as `in` and `out` say, the gradients as theirs do.
class PatternLayer {
public:
    PatternLayer(const StriateLayer& layer, Planes in);
    virtual ~PatternLayer() = default;

    // `to` is before the activation.
    virtual void forward(const float* from, float* to, const float* weights, const float* biases) const = 0;
    // `gradient` is that of what `forward` gave; `to`, the gradient of what it was given, may be null.
    virtual void backward(const float* from, const float* gradient, float* to, const Change& change) const = 0;
    // The columns of zeros that it wants beside its gradient, so that windows may hang over.
    virtual int margin() const { return 0; }
    // Called once the gradients' layouts are known.
    virtual void prepare_offsets() {}

    const StriateLayer layer;
    const Planes in, out;
    Planes out_gradient, in_gradient;
    ptrdiff_t weight_count = 0, bias_count;
    std::vector<ptrdiff_t> places;  // where each weight lies; a bias lies at its filter's number
};

std::unique_ptr<PatternLayer> pattern_convolution(const StriateLayer& layer, Planes in);
std::unique_ptr<PatternLayer> pattern_subsampling(const StriateLayer& layer, Planes in);
std::unique_ptr<PatternLayer> pattern_dense(const StriateLayer& layer, Planes in);

// Convolutions (stride 1, no padding), subsampling (windows side by side) and dense layers, the last of them before RBF
// units.
class Pattern {
public:
    Pattern(const StriateLayer* layers, int count);

    // One image after another; after each, every parameter loses its rate times its gradient.
    StriateResult learn(const StriateImages& images, const StriateTarget& target, const float* const* rates);
    // The Gauss-Newton diagonal of LeNet-5's appendix C, summed over images and over each parameter's connections.
    void curvature(const StriateImages& images, const StriateTarget& target, float* const* sums);

private:
    using Memories = std::vector<AlignedFloats>;

    // The parameters, or numbers of theirs, as the layers want them: two memories a layer.
    Memories parameters(const float* const* numbers) const;
    void give_back(Memories& from, float* const* numbers) const;
    std::vector<Change> changes(Memories& lead, Memories& changed, Memories& rates) const;

    Score show(const StriateImages& images, const StriateTarget& target, int64_t place, Memories& parameters);
    void radial();
    void radial_gradient();
    void radial_curvature(int64_t label);
    void backward(Memories& inputs, const std::vector<Change>& changes, int times);
    void lead_through(size_t layer, int times);

    std::vector<std::unique_ptr<PatternLayer>> layers;
    std::vector<float*> own;     // the module's parameters, a weight and a bias for each layer
    Memories values, gradients;  // values[i] goes into layer i, whose output's gradient is gradients[i]
    int classes;
    ptrdiff_t features;
    AlignedFloats centres, distances, distance_gradient;
};

}  // namespace striate
