// The operations of a plan, which node reads which value, and the margins of each value.
#pragma once

#include <memory>
#include <vector>

#include "graph/plan.hpp"
#include "graph/rows.hpp"
#include "layers/operation.hpp"

namespace striate {

struct Reader {
    int node, term;  // term: of the join; negative: the node's operation reads the value, or the value is its factor
};

struct Value {
    Maps maps;  // with the margins that its readers need
    std::vector<Reader> readers;
    bool trains = false;  // whether parameters were used to make it, so that it needs a gradient
};

struct Node {
    std::unique_ptr<Operation> operation;  // null: a join
    int input;
    std::vector<Term> terms;
    int factor;  // of a join; negative: none
    int function;
};

// What the lanes hold: sixteen images, or sixteen channels of one image.
enum class Lanes { IMAGES, CHANNELS };

// Value 0 is the images; value i + 1 is made by node i.
struct Nodes {
    explicit Nodes(const Plan& plan, Lanes lanes = Lanes::IMAGES);

    std::vector<Node> all;
    std::vector<Value> values;
    int answer[3];  // the shape of the last value, in channels whatever the lanes hold
};

inline Rows rows_of(const Maps& maps) { return {maps.rows, ptrdiff_t(maps.columns) * GROUP}; }

}  // namespace striate
