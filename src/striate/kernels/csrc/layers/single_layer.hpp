// One layer over all images of a batch, for networks that the engine cannot run cache tile by cache tile: those with
// batch normalisation, which needs the values of all images before any image can go on.
#pragma once

#include <memory>
#include <vector>

#include "engine/shared_pool.hpp"
#include "layers/operation.hpp"

namespace striate {

class SingleLayer {
public:
    SingleLayer(const StriateLayer& layer, int input_function);

    void forward(const StriatePass& pass, int threads);
    void backward(const StriatePass& pass, int threads);

private:
    // The input, and the output's gradient, of one lane group as the layer reads them: the batch's own memory where
    // that will do, or a copy in the thread's buffer, with margins, activated, and with the gradients of the sums
    // added.
    const float* input_with_margins(const StriatePass& pass, int64_t group, float* buffer) const;
    const float* gradient_with_margins(const StriatePass& pass, int64_t group, float* buffer) const;
    void run_backward(const StriatePass& pass, int64_t group, float* buffer, float* shard, bool overwrite) const;
    void pack(const StriatePass& pass, int first, int end, int threads);

    std::unique_ptr<Operation> layer;
    Maps in, out;  // the layout of a batch's memory: without margins
    ptrdiff_t gradient_start = 0, scratch_start = 0, buffer_size = 0, weight_count = 0;
};

}  // namespace striate
