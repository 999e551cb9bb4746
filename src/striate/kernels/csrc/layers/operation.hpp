// layers/: the kinds of layers. Start with this file: `Operation` is what a layer of each kind implements.
//   pooling, dense, response, elementwise, position_bias   one file for each kind, or for kinds that share their loops;
//                                           convolutions have a folder of their own
//   single_layer                            one layer over a whole batch, for PyTorch operators
//   join                                    sums of maps, and maps in and out of lanes, for PyTorch operators
#pragma once

#include <memory>

#include "api/interface.hpp"
#include "layout/maps.hpp"

namespace striate {

// The memory of one pass of a layer over some lane groups: buffers of the first lane group, and in the
// `..._group_stride` members the distance in floats to the buffers of the next lane group.
struct Buffers {
    const float* in;
    float* out;
    const float* out_gradient;
    float* in_gradient;  // null: not wanted
    int32_t* argmax;     // max pooling: position of each maximum in its window, written by forward for backward
    ptrdiff_t in_group_stride, out_group_stride;
    ptrdiff_t out_gradient_group_stride, in_gradient_group_stride, argmax_group_stride;
    int groups;
    float* weight_gradient;  // of the shard; null: not wanted
    float* bias_gradient;
    bool overwrite;  // write the parameters' gradients instead of adding to them: the shard holds none yet
    float* scratch;
    uint64_t seed;  // of dropout: differs for each step, layer and lane group
    bool training;
    int slice = 0, slices = 1;  // which slice of the pass to compute, where several threads share it
};

struct Range {
    int first, end;
};

// Which of n items belong to a slice.
inline Range slice_range(int n, const Buffers& b) {
    return {int(int64_t(n) * b.slice / b.slices), int(int64_t(n) * (b.slice + 1) / b.slices)};
}

// One layer of a network: its memory layout and its two passes.
class Operation {
public:
    explicit Operation(const StriateLayer& layer) : layer(layer) {
        in = in_gradient = {layer.input[0], layer.input[1], layer.input[2]};
        out = out_gradient = {layer.output[0], layer.output[1], layer.output[2]};
    }
    virtual ~Operation() = default;

    // Memory layouts. The constructor sets the margins that the layer needs; the engine widens them to what the
    // neighbours need as well, and then calls `prepare_offsets`.
    Maps in, out, in_gradient, out_gradient;
    int input_function = IDENTITY;  // the activation function that produced `in`
    bool wants_input_gradient = true;

    virtual void prepare_offsets() {}
    // Sizes in floats.
    virtual ptrdiff_t scratch_size(int /*groups*/) const { return 0; }
    virtual ptrdiff_t argmax_size() const { return 0; }
    // Packing: the layer's copy of the weights in the order of its inner loop, renewed after each change of the weights
    // in independent tasks. The first `forward_pack_tasks` are for forward, the others for backward.
    virtual int pack_tasks() const { return 0; }
    virtual int forward_pack_tasks() const { return pack_tasks(); }
    virtual void pack(int /*task*/) {}

    // About how many multiplications a pass makes per image, if it can be cut into slices for several threads; else
    // zero. The results are the same, bit for bit, whatever the number of slices.
    virtual int64_t parallel_products() const { return 0; }

    virtual void forward(const Buffers& b) = 0;
    // Adds to the parameters' gradients and writes the input's, already multiplied by the derivative of
    // `input_function`.
    virtual void backward(const Buffers& b) = 0;

    // The same passes for the rows first … first + count − 1 of the output, of one lane group: a convolution fused with
    // the max pooling after it. Only a band of rows of the maps between them exists, which stays in the first-level
    // cache; the band's first row lies where the first row of whole maps would.
    // `starts_slice`: these are the first rows of their slice; the others follow in order. When all slices are done,
    // `finish_backward_rows` adds up the convolution's parameter gradients of all slices.
    virtual void forward_rows(const Buffers& /*b*/, int /*first*/, int /*count*/, bool /*starts_slice*/) {}
    virtual void backward_rows(const Buffers& /*b*/, int /*first*/, int /*count*/, bool /*starts_slice*/) {}
    virtual void finish_backward_rows(const Buffers& /*b*/) {}
    int gradient_band_rows = 0;  // of a convolution: rows of its output's gradient that exist at a time; 0: all

    StriateLayer layer;  // a copy; `SingleLayer` points it at other parameters for each pass
};

std::unique_ptr<Operation> convolution(const StriateLayer& layer, bool wants_input_gradient);
std::unique_ptr<Operation> pooling(const StriateLayer& layer);
std::unique_ptr<Operation> linear(const StriateLayer& layer, bool wants_input_gradient);
std::unique_ptr<Operation> radial(const StriateLayer& layer);
std::unique_ptr<Operation> elementwise(const StriateLayer& layer);
std::unique_ptr<Operation> dropout(const StriateLayer& layer);
std::unique_ptr<Operation> response(const StriateLayer& layer);
std::unique_ptr<Operation> position_bias(const StriateLayer& layer);
// The operation for a layer, by its kind.
std::unique_ptr<Operation> operation(const StriateLayer& layer, bool wants_input_gradient);

}  // namespace striate
