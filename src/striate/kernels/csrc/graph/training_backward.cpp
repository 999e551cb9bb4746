// The backward pass of a training step.
#include "graph/training.hpp"

namespace striate {

Score Training::run_loss(const StriateImages& images, const StriateTarget& target, const Pass& pass) {
    const double started = pass.timed ? now() : 0.0;
    int64_t labels[GROUP];
    for (int i = 0; i < pass.live_lanes; i++) {
        const int64_t image = pass.group * GROUP + i;
        labels[i] = target.labels[images.indices ? images.indices[image] : image];
    }
    const Place& outputs = plan.values.back();
    const Score result = score(target, at(outputs, pass), at(plan.loss, pass),
                               outputs.maps.channels * outputs.maps.rows * outputs.maps.columns, labels,
                               pass.live_lanes, pass.group * GROUP, images.count);
    if (pass.timed) seconds[1] += now() - started;
    return result;
}

void Training::run_backward(const Pass& pass, int back_phase) {
    const int count = int(plan.nodes.all.size());
    for (int i = count - 1; i >= 0; i--) {
        if (plan.back_phase[i] != back_phase) continue;
        const double started = pass.timed ? now() : 0.0;
        if (plan.nodes.all[i].operation) operation_backward(i, pass);
        else join_backward(i, pass);
        if (pass.timed) seconds[3 + count + i] += now() - started;
    }
}

void Training::end_gradients(int back_phase, int64_t images) {
    for (int i = 0; i < int(norms.size()); i++)
        if (plan.back_phase[node_of_norm[i]] == back_phase) norms[i].end_gradients(values_of_channel(i, images));
}

void Training::operation_backward(int i, const Pass& pass) {
    Operation& operation = *plan.nodes.all[i].operation;
    Buffers b = buffers(i, pass);
    const Place& gathered = plan.gathered[i];
    if (gathered.memory == Memory::NONE) {
        b.out_gradient = at(plan.gradients[plan.direct_reader(i + 1)], pass);
    } else {
        float* const to = at(gathered, pass);
        gather(i + 1, to, gathered.maps, pass);
        b.out_gradient = to;
    }
    b.in_gradient = at(plan.gradients[i], pass);
    operation.backward(b);
}

// The gradient of what a join makes, before its function; and the sums that its batch normalisations need.
void Training::join_backward(int i, const Pass& pass) {
    const Node& node = plan.nodes.all[i];
    const Place& place = plan.gradients[i];
    float* const gradient = at(place, pass);
    if (!plan.computed_by_reader(i)) gather(i + 1, gradient, place.maps, pass);
    for (const Term& term : node.terms) {
        if (term.norm < 0) continue;
        const Place& from = plan.values[term.value];
        for (int c = 0; c < term.channels; c++)
            norms[term.norm].add_gradients(pass.group, c, gradient + place.maps.at(term.first + c, 0, 0), place.maps,
                                           at(from, pass), from.maps, pass.live_lanes);
    }
}

// The gradient of a value from all its readers, times the derivative of the function that made it.
void Training::gather(int value, float* to, const Maps& to_maps, const Pass& pass) {
    const Place& made = plan.values[value];
    // A copy of maps into a flat vector has the gradient of maps in the same memory.
    const Maps& layout = same_shape(to_maps, made.maps) ? to_maps : made.maps;
    const std::vector<Reader>& readers = plan.nodes.values[value].readers;
    const bool last = value + 1 == int(plan.values.size());
    std::vector<GradientRows> parts(readers.size() + 1);
    for (int c = 0; c < made.maps.channels; c++) {
        const float* const values = at(made, pass) + made.maps.at(c, 0, 0);
        int count = 0;
        const auto add = [&](const Place& from, int channel) -> GradientRows& {
            parts[count] = {
                at(from, pass) + from.maps.at(channel, 0, 0), from.maps.row_stride(), nullptr, 0, 0, 0, 0, 0};
            return parts[count++];
        };
        if (last) add(plan.loss, c);
        for (const Reader& reader : readers) {
            const Place& from = plan.gradients[reader.node];
            if (reader.term < 0) {
                add(from, c);
                continue;
            }
            const Term& term = plan.nodes.all[reader.node].terms[reader.term];
            GradientRows& part = add(from, term.first + c);
            if (term.norm < 0) continue;
            const Norm& norm = norms[term.norm];
            part.values = values, part.values_stride = made.maps.row_stride();
            part.scale = norm.scale[c], part.of_value = norm.of_value[c];
            part.mean = norm.mean[c], part.constant = norm.constant[c];
        }
        gradient_rows(rows_of(made.maps), to + layout.at(c, 0, 0), layout.row_stride(), parts.data(), count,
                      {plan.nodes.all[value - 1].function, values, made.maps.row_stride()}, pass.live_lanes);
    }
}

}  // namespace striate
