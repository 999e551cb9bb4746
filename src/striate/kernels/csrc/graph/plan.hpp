// The nodes of a graph as Python gave them, and the same with batch normalisations folded into the layers before them.
#pragma once

#include <vector>

#include "api/interface.hpp"

namespace striate {

struct Term {
    int value, first, channels;
    int norm;  // index in `norms`; negative: none
};

struct PlannedNode {
    bool joins;
    StriateLayer layer;  // unless it joins
    int input;
    std::vector<Term> terms;  // of a join
    int factor;               // the value that multiplies the sum of a join; negative: none
    int function;             // applied to what the node makes
    int output[3];
};

struct Plan {
    std::vector<PlannedNode> nodes;
    std::vector<StriateNorm> norms;
    int input[3];

    int values() const { return int(nodes.size()) + 1; }
    // How many nodes read each value.
    std::vector<int> reads() const;
};

Plan plan_of(const StriateNode* nodes, int count, const int32_t* input);
// The plan of layers of which each reads what the one before it makes.
Plan plan_of(const StriateLayer* layers, int count);

// A layer with a normalisation folded into its weight and bias, which are computed anew from the current parameters.
struct FoldedLayer {
    StriateLayer layer;
    StriateNorm norm;
    std::vector<float> weight, bias;

    void fold();
};

// The plan for inference: normalisations are folded into convolutions and linear layers before them, and joins of one
// term into the node that makes it. `folded` keeps the memory of the weights to which the layers then point.
Plan folded_plan(const Plan& plan, std::vector<FoldedLayer>& folded);

}  // namespace striate
