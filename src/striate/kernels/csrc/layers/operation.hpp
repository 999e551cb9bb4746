// One layer of an engine: what it needs of the memory around it, and its two passes over some groups of images.
#pragma once

#include <memory>

#include "api/interface.hpp"
#include "layout/maps.hpp"

namespace striate {

// Where a layer reads and writes: the first group's buffers, and how many floats further the next group's lie.
struct Buffers {
    const float* in;
    float* out;
    const float* out_gradient;
    float* in_gradient;  // null: nobody asks for it
    int32_t* memory;     // what forward leaves for backward
    ptrdiff_t in_group, out_group, out_gradient_group, in_gradient_group, memory_group;
    int groups;
    float* weight_gradient;  // of the shard; null: nobody asks for them
    float* bias_gradient;
    bool fresh;  // these gradients are written, as there is nothing yet that they could be added to
    float* scratch;
    uint64_t seed;  // of dropout: of the step, the layer and the first image
    bool training;
    int part = 0, parts = 1;  // of a layer with `work`: which part of its pass is to be made, of how many
};

struct Range {
    int first, end;
};

// Which of n things are a part's own.
inline Range share(int n, const Buffers& b) {
    return {int(int64_t(n) * b.part / b.parts), int(int64_t(n) * (b.part + 1) / b.parts)};
}

class Operation {
public:
    explicit Operation(const StriateLayer& layer) : layer(layer) {
        in = in_gradient = {layer.input[0], layer.input[1], layer.input[2]};
        out = out_gradient = {layer.output[0], layer.output[1], layer.output[2]};
    }
    virtual ~Operation() = default;

    // Memory layouts. A constructor asks for margins; the engine settles them and then calls `settled`.
    Maps in, out, in_gradient, out_gradient;
    int input_function = IDENTITY;  // the activation whose value `in` is
    bool wants_input_gradient = true;

    virtual void settled() {}
    // Numbers of floats.
    virtual ptrdiff_t scratch_size(int /*groups*/) const { return 0; }
    virtual ptrdiff_t memory_size() const { return 0; }
    // Parts of the weights' packed copies, to be made anew after each change of the weights.
    virtual int packs() const { return 0; }
    virtual int forward_packs() const { return packs(); }  // the first of them; the others are for backward
    virtual void pack(int /*part*/) {}

    // About how many products a pass makes for an image, where its parts can be made by several threads; else zero. The
    // results are the same, bit for bit, whatever the number of parts.
    virtual int64_t work() const { return 0; }

    virtual void forward(const Buffers& b) = 0;
    // Adds the parameters' gradients and writes the input's, already taken through the derivative of `input_function`.
    virtual void backward(const Buffers& b) = 0;

    // The same for the rows first … first + count − 1 of the result, of one group. A convolution and the pooling after
    // it go row by row, hand in hand: what lies between them is then `band` rows, which stay in the first-level cache.
    // The first of those rows lies where the first row of whole maps would.
    // `begins`: these are the first rows of their part, and the others follow one after another. When the rows of all
    // parts are done, `backward_end` adds up what a convolution's parts have summed.
    virtual void forward_rows(const Buffers& /*b*/, int /*first*/, int /*count*/, bool /*begins*/) {}
    virtual void backward_rows(const Buffers& /*b*/, int /*first*/, int /*count*/, bool /*begins*/) {}
    virtual void backward_end(const Buffers& /*b*/) {}
    int band = 0;  // of a convolution whose gradient comes in bands

    StriateLayer layer;  // whose parameters may move
};

std::unique_ptr<Operation> convolution(const StriateLayer& layer, bool wants_input_gradient);
std::unique_ptr<Operation> pooling(const StriateLayer& layer);
std::unique_ptr<Operation> linear(const StriateLayer& layer, bool wants_input_gradient);
std::unique_ptr<Operation> radial(const StriateLayer& layer);
std::unique_ptr<Operation> elementwise(const StriateLayer& layer);
std::unique_ptr<Operation> dropout(const StriateLayer& layer);
std::unique_ptr<Operation> response(const StriateLayer& layer);
// The one of a layer's kind.
std::unique_ptr<Operation> operation(const StriateLayer& layer, bool wants_input_gradient);

}  // namespace striate
