// Forward passes of a graph, lane group by lane group.
#pragma once

#include <vector>

#include "engine/threads.hpp"
#include "graph/nodes.hpp"
#include "graph/rows.hpp"
#include "layout/aligned_floats.hpp"

namespace striate {

class Inference {
public:
    explicit Inference(const Plan& plan) : Inference(plan, {}) {}

    void forward(const StriateImages& images, float* outputs, Threads& threads, int thread_count);

private:
    struct Scaling {  // of a batch normalisation that is not folded
        StriateNorm norm;
        std::vector<float> scale, shift;
    };

    Inference(const Plan& plan, std::vector<FoldedLayer> memory);
    void place_values();
    void prepare(Threads& threads, int thread_count);
    void run(const StriateImages& images, int64_t group, float* buffer);
    void join(const Node& node, int value, float* buffer);

    std::vector<FoldedLayer> folded;
    Nodes nodes;
    std::vector<Scaling> scalings;
    std::vector<ptrdiff_t> starts;  // of each value, in a thread's buffer
    ptrdiff_t scratch_start = 0, buffer_size = 0;
    std::vector<AlignedFloats> buffers;
};

}  // namespace striate
