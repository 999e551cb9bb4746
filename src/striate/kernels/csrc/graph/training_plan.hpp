// In which phase each node of a graph runs, and where its values and gradients lie in memory during a training step.
#pragma once

#include <vector>

#include "graph/nodes.hpp"

namespace striate {

// VALUES and GRADIENTS are memory of each lane group of the batch; VALUES are kept for the whole step. THREAD is memory
// of the thread that runs the lane group, and lasts until the end of the phase.
enum class Memory { NONE, VALUES, GRADIENTS, THREAD };

struct Place {  // memory for maps, or for numbers without a layout
    Memory memory = Memory::NONE;
    Maps maps;
    ptrdiff_t start = 0;  // in floats, from the lane group's or the thread's memory
};

// Sizes are in floats.
struct TrainingPlan {
    explicit TrainingPlan(const Plan& plan);

    // A join is `computed_by_reader` where one operation alone reads it: the operation computes it again whenever it
    // needs it, so that it need not be kept.
    bool computed_by_reader(int node) const;
    // The only reader of a value, if it is an operation that writes its input's gradient as the operation that makes
    // the value reads it.
    int direct_reader(int value) const;

    Nodes nodes;
    int phases = 0, back_phases = 0;
    std::vector<int> phase, back_phase;  // of each node; back_phase is negative where there is nothing to do
    std::vector<Place> values;           // of each value; of a join computed by its reader: the thread's own
    std::vector<Place> argmax;           // of each node
    std::vector<Place> gradients;  // of each node: an operation's input gradient; a join's, before its function. A join
                                   // computed by its reader has the reader's.
    std::vector<Place> gathered;   // of each node: its output's gradient, if its readers do not write it themselves
    Place loss;                    // the gradient of the last value
    ptrdiff_t values_size = 0, gradients_size = 0, thread_size = 0;  // of a lane group, and of a thread

private:
    struct Lifetime {
        int node, begin, end;
    };

    void choose_phases();
    void place_values();
    void place_gradients();
    void place_over_phases(const std::vector<Lifetime>& lifetimes);
    int last_use(int node) const;
    Place in_thread(const Maps& maps);
    Place shared_in_thread(const Maps& maps, std::vector<Place>& shared);
};

}  // namespace striate
