// A training step of a graph.
#pragma once

#include <vector>

#include "engine/loss.hpp"
#include "engine/parameters.hpp"
#include "graph/norms.hpp"
#include "graph/rows.hpp"
#include "graph/training_plan.hpp"

namespace striate {

class Training {
public:
    // `seconds` as in Engine::profile; `now` is a clock.
    Training(const Plan& plan, std::vector<double>& seconds, double (*now)());

    StriateResult step(const StriateImages& images, const StriateTarget& target, const StriateUpdate& update,
                       Threads& threads, int thread_count);

private:
    struct Pass {  // of one lane group through the nodes of a phase
        int64_t group;
        int live_lanes;
        float* buffer;  // of the thread
        float* shard;   // of the parameters' gradients; null in forward
        bool overwrite;
        uint64_t seed;
        bool timed;
    };

    void prepare(int64_t groups, int thread_count);
    void poison();
    void pack(Threads& threads, int thread_count);
    void run_forward(const Pass& pass, int phase);
    void run_backward(const Pass& pass, int back_phase);
    Score run_loss(const StriateImages& images, const StriateTarget& target, const Pass& pass);
    void end_values(int phase, int64_t images);
    void end_gradients(int back_phase, int64_t images);
    int64_t values_of_channel(int norm, int64_t images) const;

    float* at(const Place& place, const Pass& pass);
    const float* input_of(int node, const Pass& pass);
    void join(int node, const Pass& pass);
    Buffers buffers(int node, const Pass& pass);
    void operation_backward(int node, const Pass& pass);
    void join_backward(int node, const Pass& pass);
    void gather(int value, float* to, const Maps& to_maps, const Pass& pass);

    TrainingPlan plan;
    Parameters parameters;
    std::vector<int> first_parameter;  // of each node with an operation: index in `parameters`
    std::vector<Norm> norms;
    std::vector<std::vector<int>> norms_of_value;
    std::vector<int> value_of_norm, node_of_norm;
    std::vector<AlignedFloats> values, gradients, thread_buffers;
    ptrdiff_t scratch_start = 0, thread_size = 0;
    std::vector<double>& seconds;
    double (*now)();
};

}  // namespace striate
