// One layer over all images of a batch, for networks that cannot go through as a whole: those with batch normalisation,
// which needs every image's values before any can go on.
#pragma once

#include <memory>
#include <vector>

#include "engine/shared.hpp"
#include "layers/operation.hpp"

namespace striate {

class Alone {
public:
    Alone(const StriateLayer& layer, int input_function);

    void forward(const StriatePass& pass, int threads);
    void backward(const StriatePass& pass, int threads);

private:
    // A thread's copies with margins: of a group's input, and of its output's gradient.
    const float* input(const StriatePass& pass, int64_t group, float* memory) const;
    const float* gradient(const StriatePass& pass, int64_t group, float* memory) const;
    void run_backward(const StriatePass& pass, int64_t group, float* memory, float* shard, bool fresh) const;
    void pack(const StriatePass& pass, int first, int end, int threads);

    std::unique_ptr<Operation> layer;
    Maps in, out;  // as a pass has them: without margins
    ptrdiff_t gradient_start = 0, scratch_start = 0, memory_size = 0, weights = 0;
};

}  // namespace striate
