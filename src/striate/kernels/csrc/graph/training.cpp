// Steps: phases, statistics between them, and the forward pass. training_backward.cpp has the backward pass.
#include "graph/training.hpp"

#include "engine/batch_tiles.hpp"
#include "layout/images.hpp"

namespace striate {

Training::Training(const Plan& given, std::vector<double>& seconds, double (*now)())
    : plan(given), norms_of_value(plan.nodes.values.size()), seconds(seconds), now(now) {
    ptrdiff_t scratch_size = 0;
    for (const StriateNorm& norm : given.norms) norms.emplace_back(norm);
    value_of_norm.resize(norms.size()), node_of_norm.resize(norms.size());
    for (int i = 0; i < int(plan.nodes.all.size()); i++) {
        const Node& node = plan.nodes.all[i];
        first_parameter.push_back(int(parameters.all.size()));
        if (node.operation) {
            parameters.add(node.operation->layer, i);
            scratch_size = std::max(scratch_size, rounded(node.operation->scratch_size(1)));
        }
        for (const Term& term : node.terms) {
            if (term.norm < 0) continue;
            const StriateNorm& norm = norms[term.norm].given;
            parameters.add_complete(norm.weight, norm.weight_gradient, norm.channels, i);
            parameters.add_complete(norm.bias, norm.bias_gradient, norm.channels, i);
            norms_of_value[term.value].push_back(term.norm);
            value_of_norm[term.norm] = term.value, node_of_norm[term.norm] = i;
        }
    }
    parameters.cut_into_chunks();
    scratch_start = plan.thread_size, thread_size = plan.thread_size + scratch_size;
}

void Training::prepare(int64_t groups, int thread_count) {
    while (int64_t(values.size()) < groups) values.emplace_back(plan.values_size);
    while (int64_t(gradients.size()) < groups) gradients.emplace_back(plan.gradients_size);
    while (int(thread_buffers.size()) < thread_count) thread_buffers.emplace_back(thread_size);
    if (poison_requested()) poison();
}

void Training::poison() {
    for (auto* all : {&values, &gradients, &thread_buffers})
        for (AlignedFloats& each : *all) each.poison();
    const auto clear = [](const Place& place, std::vector<AlignedFloats>& all) {
        for (AlignedFloats& each : all) clear_margins(place.maps, each.data() + place.start);
    };
    for (const auto* places : {&plan.values, &plan.gradients, &plan.gathered})
        for (const Place& place : *places) {
            if (place.memory == Memory::VALUES) clear(place, values);
            if (place.memory == Memory::THREAD) clear(place, thread_buffers);
        }
}

void Training::pack(Threads& threads, int thread_count) {
    std::vector<std::pair<Operation*, int>> tasks;
    for (const Node& node : plan.nodes.all)
        for (int task = 0; node.operation && task < node.operation->pack_tasks(); task++)
            tasks.emplace_back(node.operation.get(), task);
    threads.run(int(tasks.size()), thread_count,
                [&](int number, int) { tasks[number].first->pack(tasks[number].second); });
}

StriateResult Training::step(const StriateImages& images, const StriateTarget& target, const StriateUpdate& update,
                             Threads& threads, int thread_count) {
    const int64_t groups = (images.count + GROUP - 1) / GROUP;
    const int shards = parameters.shard_count(groups);
    parameters.prepare(std::max(1, shards));
    prepare(groups, thread_count);
    pack(threads, thread_count);
    const auto pass_of = [&](int64_t group, int thread, float* shard, bool overwrite) {
        const int live = int(std::min<int64_t>(GROUP, images.count - group * GROUP));
        return Pass{group, live, thread_buffers[thread].data(), shard, overwrite, target.seed, thread == 0};
    };
    for (Norm& norm : norms) norm.begin(groups);
    for (int phase = 0; phase < plan.phases; phase++) {
        threads.run(int(groups), thread_count, [&](int number, int thread) {
            // Every second phase runs backwards, beginning with the lane groups that are still in the cache.
            const Pass pass = pass_of(phase % 2 ? groups - 1 - number : number, thread, nullptr, false);
            if (!phase) {
                const double started = now();
                images_to_lanes(images, pass.group * GROUP, plan.values[0].maps, at(plan.values[0], pass));
                if (pass.timed) seconds[0] += now() - started;
                for (int norm : norms_of_value[0])
                    norms[norm].add_values(pass.group, at(plan.values[0], pass), plan.values[0].maps, pass.live_lanes);
            }
            run_forward(pass, phase);
        });
        if (groups) end_values(phase, images.count);
    }
    for (Norm& norm : norms) norm.begin(groups);
    std::vector<Score> scores(std::max(1, shards));
    if (!groups) parameters.clear();
    for (int back_phase = 0; groups && back_phase < plan.back_phases; back_phase++) {
        threads.run(shards, thread_count, [&](int number, int thread) {
            const int shard = (plan.phases + back_phase) % 2 ? shards - 1 - number : number;
            const int64_t begin = groups * shard / shards, end = groups * (shard + 1) / shards;
            for (int64_t group = begin; group < end; group++) {
                const Pass pass = pass_of(group, thread, parameters.shard(shard), group == begin);
                if (!back_phase) {
                    const Score score = run_loss(images, target, pass);
                    scores[shard].loss += score.loss, scores[shard].right += score.right;
                }
                run_backward(pass, back_phase);
            }
        });
        end_gradients(back_phase, images.count);
    }
    const double started = now();
    parameters.reduce_and_update(update, std::max(1, shards), threads, thread_count);
    if (groups)
        for (int i = 0; i < int(norms.size()); i++) norms[i].update_running(values_of_channel(i, images.count));
    seconds[2] += now() - started;
    StriateResult result{0, 0};
    for (const Score& each : scores) result.loss += each.loss, result.right += each.right;
    if (images.count) result.loss /= double(images.count);
    return result;
}

int64_t Training::values_of_channel(int norm, int64_t images) const {
    const Maps& maps = plan.values[value_of_norm[norm]].maps;
    return images * maps.rows * maps.columns;
}

void Training::end_values(int phase, int64_t images) {
    for (int i = 0; i < int(norms.size()); i++) {
        const int value = value_of_norm[i];
        if ((value ? plan.phase[value - 1] : 0) == phase) norms[i].end_values(values_of_channel(i, images));
    }
}

float* Training::at(const Place& place, const Pass& pass) {
    const ptrdiff_t start = place.start + place.maps.origin();
    switch (place.memory) {
        case Memory::VALUES: return values[pass.group].data() + start;
        case Memory::GRADIENTS: return gradients[pass.group].data() + start;
        case Memory::THREAD: return pass.buffer + start;
        case Memory::NONE: break;
    }
    return nullptr;
}

// What a node's operation reads, computed if nothing keeps it.
const float* Training::input_of(int i, const Pass& pass) {
    const int value = plan.nodes.all[i].input;
    if (value && plan.computed_by_reader(value - 1)) join(value - 1, pass);
    return at(plan.values[value], pass);
}

void Training::join(int i, const Pass& pass) {
    const Node& node = plan.nodes.all[i];
    const Place& place = plan.values[i + 1];
    float* const to = at(place, pass);
    std::vector<TermRows> rows(node.terms.size());
    for (int c = 0; c < place.maps.channels; c++) {
        int count = 0;
        for (const Term& term : node.terms) {
            const int channel = c - term.first;
            if (channel < 0 || channel >= term.channels) continue;
            const Place& from = plan.values[term.value];
            const Norm* norm = term.norm < 0 ? nullptr : &norms[term.norm];
            rows[count++] = {at(from, pass) + from.maps.at(channel, 0, 0), from.maps.row_stride(),
                             norm ? norm->scale[channel] : 1.0f, norm ? norm->shift[channel] : 0.0f};
        }
        join_rows(rows_of(place.maps), to + place.maps.at(c, 0, 0), place.maps.row_stride(), rows.data(), count,
                  node.function);
    }
}

Buffers Training::buffers(int i, const Pass& pass) {
    const Node& node = plan.nodes.all[i];
    Buffers b{};
    b.groups = 1, b.training = true;
    b.in = input_of(i, pass);
    b.out = at(plan.values[i + 1], pass);
    b.argmax = reinterpret_cast<int32_t*>(at(plan.argmax[i], pass));
    b.scratch = pass.buffer + scratch_start;
    b.seed = (pass.seed + uint64_t(i) * 0x9e3779b97f4a7c15u) * 0xd1342543de82ef95u + uint64_t(pass.group);
    b.overwrite = pass.overwrite;
    for (size_t p = first_parameter[i]; pass.shard && node.operation && p < parameters.all.size(); p++) {
        const Parameter& parameter = parameters.all[p];
        if (parameter.layer != i) break;
        (parameter.bias ? b.bias_gradient : b.weight_gradient) = pass.shard + parameter.start;
    }
    return b;
}

void Training::run_forward(const Pass& pass, int phase) {
    for (int i = 0; i < int(plan.nodes.all.size()); i++) {
        if (plan.phase[i] != phase || plan.computed_by_reader(i)) continue;
        const double started = pass.timed ? now() : 0.0;
        const Node& node = plan.nodes.all[i];
        if (node.operation) node.operation->forward(buffers(i, pass));
        else join(i, pass);
        const Place& made = plan.values[i + 1];
        for (int norm : norms_of_value[i + 1])
            norms[norm].add_values(pass.group, at(made, pass), made.maps, pass.live_lanes);
        if (pass.timed) seconds[3 + i] += now() - started;
    }
}

}  // namespace striate
