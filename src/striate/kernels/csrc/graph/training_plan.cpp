#include "graph/training_plan.hpp"

#include <algorithm>
#include <stdexcept>

namespace striate {
TrainingPlan::TrainingPlan(const Plan& plan) : nodes(plan) {
    for (const Node& node : nodes.all)
        if (node.factor >= 0) throw std::invalid_argument("a join with a factor does not train");
    choose_phases();
    place_values();
    place_gradients();
    for (const Node& node : nodes.all)
        if (node.operation) node.operation->prepare_offsets();
}

bool TrainingPlan::computed_by_reader(int node) const {
    const std::vector<Reader>& readers = nodes.values[node + 1].readers;
    return !nodes.all[node].operation && readers.size() == 1 && readers[0].term < 0;
}

int TrainingPlan::direct_reader(int value) const {
    const std::vector<Reader>& readers = nodes.values[value].readers;
    if (!value || readers.size() != 1 || readers[0].term >= 0) return -1;
    const Operation *maker = nodes.all[value - 1].operation.get(), *reader = nodes.all[readers[0].node].operation.get();
    if (!maker) return -1;
    const int kind = reader->layer.kind;
    const bool flat = kind == LINEAR || kind == RADIAL || !same_shape(reader->in, maker->out);
    return flat && has_margins(maker->out_gradient) ? -1 : readers[0].node;
}

void TrainingPlan::choose_phases() {
    const int count = int(nodes.all.size());
    phase.resize(count), back_phase.assign(count, -1);
    const auto phase_of = [&](int value) { return value ? phase[value - 1] : 0; };
    for (int i = 0; i < count; i++) {
        const Node& node = nodes.all[i];
        phase[i] = node.operation ? phase_of(node.input) : 0;
        for (const Term& term : node.terms) phase[i] = std::max(phase[i], phase_of(term.value) + (term.norm >= 0));
        phases = std::max(phases, phase[i] + 1);
    }
    for (int i = count - 1; i >= 0; i--) {
        if (!nodes.values[i + 1].trains) continue;
        back_phase[i] = 0;
        for (const Reader& reader : nodes.values[i + 1].readers) {
            const bool normed = reader.term >= 0 && nodes.all[reader.node].terms[reader.term].norm >= 0;
            back_phase[i] = std::max(back_phase[i], back_phase[reader.node] + normed);
        }
        back_phases = std::max(back_phases, back_phase[i] + 1);
    }
}

Place TrainingPlan::in_thread(const Maps& maps) {
    const Place place{Memory::THREAD, maps, thread_size};
    thread_size += rounded(maps.size());
    return place;
}

// One place for all that have the same layout, whose margins stay zero.
Place TrainingPlan::shared_in_thread(const Maps& maps, std::vector<Place>& shared) {
    for (const Place& each : shared)
        if (same_layout(each.maps, maps)) return each;
    shared.push_back(in_thread(maps));
    return shared.back();
}

void TrainingPlan::place_values() {
    std::vector<Place> shared;
    argmax.resize(nodes.all.size());
    for (int v = 0; v < int(nodes.values.size()); v++) {
        const Maps& maps = nodes.values[v].maps;
        if (v && computed_by_reader(v - 1)) {
            values.push_back(shared_in_thread(maps, shared));
            continue;
        }
        values.push_back({Memory::VALUES, maps, values_size});
        values_size += rounded(maps.size());
        if (!v || !nodes.all[v - 1].operation) continue;
        const ptrdiff_t size = nodes.all[v - 1].operation->argmax_size();
        if (size) argmax[v - 1] = {Memory::VALUES, {}, values_size}, values_size += rounded(size);
    }
}

// The last phase in which a node's gradient is read.
int TrainingPlan::last_use(int node) const {
    const Node& each = nodes.all[node];
    int last = back_phase[node];
    const auto read_by = [&](int value) {
        if (value && nodes.values[value].trains)
            last = std::max(last, computed_by_reader(value - 1) ? last_use(value - 1) : back_phase[value - 1]);
    };
    if (each.operation) read_by(each.input);
    for (const Term& term : each.terms) read_by(term.value);
    return last;
}

void TrainingPlan::place_gradients() {
    const int count = int(nodes.all.size());
    gradients.resize(count), gathered.resize(count);
    std::vector<Lifetime> lifetimes;
    std::vector<Place> shared;
    for (int i = 0; i < count; i++) {
        Node& node = nodes.all[i];
        if (back_phase[i] < 0 || (!node.operation && computed_by_reader(i))) continue;
        const Value& input = nodes.values[node.input];
        if (node.operation) {
            const int direct = direct_reader(i + 1);
            if (direct < 0) gathered[i] = shared_in_thread(node.operation->out_gradient, shared);
            if (!input.trains) continue;
            if (direct_reader(node.input) == i) {
                const Operation& maker = *nodes.all[node.input - 1].operation;
                gradients[i] = in_thread(maker.out_gradient);
                node.operation->input_function = nodes.all[node.input - 1].function;
                node.operation->in_gradient =
                    has_margins(maker.out_gradient) ? maker.out_gradient : bare(node.operation->in);
                continue;
            }
            if (node.input && computed_by_reader(node.input - 1))
                node.operation->input_function = nodes.all[node.input - 1].function;
            node.operation->in_gradient = bare(node.operation->in);
        }
        lifetimes.push_back({i, back_phase[i], last_use(i)});
    }
    place_over_phases(lifetimes);
    for (int i = 0; i < count; i++)
        if (!nodes.all[i].operation && back_phase[i] >= 0 && computed_by_reader(i))
            gradients[i] = gradients[nodes.values[i + 1].readers[0].node];
    loss = in_thread(bare(nodes.values.back().maps));
}

// Gradients that last longer than a phase share memory where their phases do not overlap: each takes the first place
// that is free.
void TrainingPlan::place_over_phases(const std::vector<Lifetime>& lifetimes) {
    struct Taken {
        ptrdiff_t start, end;
        Lifetime lifetime;
    };
    std::vector<Taken> taken;
    for (const Lifetime& each : lifetimes) {
        const Node& node = nodes.all[each.node];
        const Maps maps = bare(nodes.values[node.operation ? node.input : each.node + 1].maps);
        if (each.begin == each.end) {
            gradients[each.node] = in_thread(maps);
            continue;
        }
        const ptrdiff_t size = rounded(maps.size());
        ptrdiff_t start = 0;
        std::sort(taken.begin(), taken.end(), [](const Taken& a, const Taken& b) { return a.start < b.start; });
        for (const Taken& other : taken) {
            const bool overlaps = other.lifetime.begin <= each.end && each.begin <= other.lifetime.end;
            if (overlaps && other.start < start + size && start < other.end) start = other.end;
        }
        taken.push_back({start, start + size, each});
        gradients[each.node] = {Memory::GRADIENTS, maps, start};
        gradients_size = std::max(gradients_size, start + size);
    }
}

}  // namespace striate
