#include "graph/plan.hpp"

#include <algorithm>
#include <cmath>

#include "engine/parameters.hpp"

namespace striate {
namespace {

bool takes_norm(const PlannedNode& node) {
    return !node.joins && node.function == IDENTITY && (node.layer.kind == CONVOLUTION || node.layer.kind == LINEAR);
}

// Whether a join changes nothing but by its function, which the node that makes its one term can apply.
bool merges(const Plan& plan, const PlannedNode& join, const std::vector<int>& reads) {
    if (!join.joins || join.factor >= 0 || join.terms.size() != 1 || join.terms[0].norm >= 0) return false;
    const Term& term = join.terms[0];
    if (!term.value || reads[term.value] != 1 || term.channels != join.output[0]) return false;
    const PlannedNode& before = plan.nodes[term.value - 1];
    return before.function == IDENTITY && (before.joins || before.layer.kind != DROPOUT);
}

// Removes the nodes that have an entry in `replaced`: the value to read instead.
void remove(Plan& plan, const std::vector<int>& replaced) {
    std::vector<int> number(plan.values());
    std::vector<PlannedNode> left;
    for (int value = 1; value < plan.values(); value++) {
        PlannedNode& node = plan.nodes[value - 1];
        if (replaced[value] >= 0) {
            number[value] = number[replaced[value]];
            continue;
        }
        node.input = number[node.input];
        for (Term& term : node.terms) term.value = number[term.value];
        if (node.factor >= 0) node.factor = number[node.factor];
        left.push_back(std::move(node));
        number[value] = int(left.size());
    }
    plan.nodes = std::move(left);
}

}  // namespace

std::vector<int> Plan::reads() const {
    std::vector<int> result(values(), 0);
    for (const PlannedNode& node : nodes) {
        if (!node.joins) result[node.input]++;
        for (const Term& term : node.terms) result[term.value]++;
        if (node.factor >= 0) result[node.factor]++;
    }
    return result;
}

Plan plan_of(const StriateNode* nodes, int count, const int32_t* input) {
    Plan plan;
    std::copy(input, input + 3, plan.input);
    for (int i = 0; i < count; i++) {
        const StriateNode& given = nodes[i];
        PlannedNode node{};
        node.joins = !given.layer, node.input = given.input, node.function = given.function;
        node.factor = given.layer ? -1 : given.factor;
        if (given.layer) node.layer = *given.layer, node.function = given.layer->function;
        std::copy(given.output, given.output + 3, node.output);
        for (int t = 0; t < given.term_count; t++) {
            const StriateTerm& term = given.terms[t];
            node.terms.push_back({term.value, term.first, term.channels, term.norm ? int(plan.norms.size()) : -1});
            if (term.norm) plan.norms.push_back(*term.norm);
        }
        plan.nodes.push_back(std::move(node));
    }
    return plan;
}

Plan plan_of(const StriateLayer* layers, int count) {
    Plan plan;
    std::copy(layers[0].input, layers[0].input + 3, plan.input);
    for (int i = 0; i < count; i++) {
        PlannedNode node{false, layers[i], i, {}, -1, layers[i].function, {}};
        std::copy(layers[i].output, layers[i].output + 3, node.output);
        plan.nodes.push_back(std::move(node));
    }
    return plan;
}

void FoldedLayer::fold() {
    const int outputs = layer.output[0];
    std::vector<float> factors(outputs);
    for (int o = 0; o < outputs; o++) {
        const double factor = double(norm.weight[o]) / std::sqrt(double(norm.variance[o]) + norm.epsilon);
        factors[o] = float(factor);
        bias[o] = float(norm.bias[o] + factor * ((layer.bias ? layer.bias[o] : 0.0f) - double(norm.mean[o])));
    }
    const ptrdiff_t each =
        layer.kind == CONVOLUTION ? ptrdiff_t(layer.kernel[0]) * layer.kernel[1] : ptrdiff_t(weight.size()) / outputs;
    for (ptrdiff_t row = 0; row < ptrdiff_t(weight.size()) / each; row++) {
        const float factor = factors[layer.kind == CONVOLUTION ? layer.link_filters[row] : row];
        for (ptrdiff_t i = row * each; i < (row + 1) * each; i++) weight[i] = factor * layer.weight[i];
    }
}

Plan folded_plan(const Plan& given, std::vector<FoldedLayer>& folded) {
    Plan plan = given;
    std::vector<int> reads = plan.reads();
    for (PlannedNode& join : plan.nodes) {
        for (Term& term : join.terms) {
            if (term.norm < 0 || !term.value || reads[term.value] != 1) continue;
            PlannedNode& before = plan.nodes[term.value - 1];
            if (!takes_norm(before)) continue;
            folded.push_back({before.layer, plan.norms[term.norm], {}, {}});
            folded.back().weight.resize(weights_of(before.layer)), folded.back().bias.resize(before.output[0]);
            // The vectors' memory stays where it is when `folded` grows.
            before.layer.weight = folded.back().weight.data(), before.layer.bias = folded.back().bias.data();
            term.norm = -1;
        }
    }
    std::vector<int> replaced(plan.values(), -1);
    for (int value = 1; value < plan.values(); value++) {
        PlannedNode& join = plan.nodes[value - 1];
        if (!merges(plan, join, reads)) continue;
        int before = join.terms[0].value;
        while (replaced[before] >= 0) before = replaced[before];
        if (plan.nodes[before - 1].function != IDENTITY) continue;
        plan.nodes[before - 1].function = join.function;
        replaced[value] = before;
    }
    remove(plan, replaced);
    for (PlannedNode& node : plan.nodes) node.layer.function = node.function;
    return plan;
}

}  // namespace striate
