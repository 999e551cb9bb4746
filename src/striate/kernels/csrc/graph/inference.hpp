// Forward passes of a graph, lane group by lane group or image by image.
#pragma once

#include <utility>
#include <vector>

#include "engine/threads.hpp"
#include "graph/nodes.hpp"
#include "graph/rows.hpp"
#include "layout/aligned_floats.hpp"

namespace striate {

class Inference {
public:
    // Throws std::invalid_argument where the lanes cannot hold channels: see `in_channel_blocks`.
    Inference(const Plan& plan, Lanes lanes) : Inference(plan, lanes, {}) {}

    void forward(const StriateImages& images, float* outputs, Threads& threads, int thread_count);

private:
    struct Scaling {  // of a batch normalisation that is not folded
        StriateNorm norm;
        std::vector<float> scale, shift;
    };

    Inference(const Plan& plan, Lanes lanes, std::vector<FoldedLayer> memory);
    void place_values();
    void list_parameters();
    void prepare(Threads& threads, int thread_count);
    bool parameters_changed();
    void forward_groups(const StriateImages& images, float* outputs, Threads& threads, int thread_count);
    void forward_one(const StriateImages& images, int64_t image, Threads& threads, int thread_count);
    void run(int node, float* buffer, int slice = 0, int slices = 1);
    void join(int node, float* buffer, int slice, int slices);

    const Lanes lanes;
    int image[3];  // the shape of an image
    std::vector<FoldedLayer> folded;
    Nodes nodes;
    std::vector<Scaling> scalings;
    std::vector<ptrdiff_t> starts;  // of each value, in a thread's buffer
    ptrdiff_t scratch_start = 0, buffer_size = 0;
    std::vector<AlignedFloats> buffers;
    std::vector<std::pair<const float*, ptrdiff_t>> parameters;  // those that packing and folding read
    std::vector<float> packed;                                   // their values when they were last read
    bool is_packed = false;                                      // whether what was made of these values is complete
};

}  // namespace striate
