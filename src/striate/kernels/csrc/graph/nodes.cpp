#include "graph/nodes.hpp"

#include <stdexcept>

#include "engine/parameters.hpp"
#include "one_image/channel_blocks.hpp"
#include "one_image/one_image_layers.hpp"

namespace striate {
namespace {

// The layout of a value as an operation sees it: a flat vector may be maps of another shape in the same memory.
Maps seen_as(const Maps& own, const Maps& value) {
    if (same_shape(own, value)) return value;
    if (has_margins(value) || bare(own).size() != value.size())
        throw std::invalid_argument("an operation of another shape than its value");
    return bare(own);
}

void check(const Plan& plan, const PlannedNode& node, int number) {
    const auto bad = [&](int value) { return value < 0 || value > number; };
    bool wrong = !node.joins && bad(node.input);
    for (const Term& term : node.terms) {
        wrong = wrong || bad(term.value) || term.first < 0 || term.first + term.channels > node.output[0];
        if (wrong) break;
        const int* shape = term.value ? plan.nodes[term.value - 1].output : plan.input;
        wrong = shape[0] != term.channels || shape[1] != node.output[1] || shape[2] != node.output[2];
    }
    if (node.factor >= 0 && !wrong) {
        wrong = bad(node.factor);
        const int* shape = wrong ? nullptr : node.factor ? plan.nodes[node.factor - 1].output : plan.input;
        const bool one_each = shape && shape[1] == 1 && shape[2] == 1;
        wrong = wrong || shape[0] != node.output[0] ||
                (!one_each && (shape[1] != node.output[1] || shape[2] != node.output[2]));
    }
    if (wrong) throw std::invalid_argument("a node that does not fit the values that it reads");
}

}  // namespace

Nodes::Nodes(const Plan& given_plan, Lanes lanes) : values(given_plan.values()) {
    std::copy(given_plan.nodes.back().output, given_plan.nodes.back().output + 3, answer);
    const Plan plan = lanes == Lanes::CHANNELS ? in_channel_blocks(given_plan, answer) : given_plan;
    values[0].maps = {plan.input[0], plan.input[1], plan.input[2]};
    for (int i = 0; i < int(plan.nodes.size()); i++) {
        const PlannedNode& given = plan.nodes[i];
        check(plan, given, i);
        Node node{nullptr, given.input, given.terms, given.factor, given.function};
        Value& made = values[i + 1];
        made.maps = {given.output[0], given.output[1], given.output[2]};
        if (!given.joins) {
            made.trains = values[given.input].trains || trains(given.layer);
            node.operation = lanes == Lanes::CHANNELS ? one_image_operation(given.layer)
                                                      : operation(given.layer, values[given.input].trains);
            values[given.input].readers.push_back({i, -1});
        }
        for (int t = 0; t < int(given.terms.size()); t++) {
            const Term& term = given.terms[t];
            made.trains = made.trains || values[term.value].trains || term.norm >= 0;
            values[term.value].readers.push_back({i, t});
        }
        if (given.factor >= 0) values[given.factor].readers.push_back({i, -1});
        all.push_back(std::move(node));
    }
    for (const Node& node : all)
        if (node.operation && same_shape(node.operation->in, values[node.input].maps))
            values[node.input].maps.widen(node.operation->in);
    for (int i = 0; i < int(all.size()); i++) {
        if (!all[i].operation) continue;
        Operation& each = *all[i].operation;
        each.in = seen_as(each.in, values[all[i].input].maps);
        each.out = seen_as(each.out, values[i + 1].maps);
        if ((each.layer.kind == LINEAR || each.layer.kind == RADIAL) && (has_margins(each.in) || has_margins(each.out)))
            throw std::invalid_argument("a dense layer beside one that needs margins");
    }
}

}  // namespace striate
