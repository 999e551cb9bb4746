#include "graph/inference.hpp"

#include <cmath>

#include "layout/images.hpp"

namespace striate {
Inference::Inference(const Plan& plan, std::vector<FoldedLayer> memory)
    : folded(std::move(memory)), nodes(folded_plan(plan, folded)) {
    for (const StriateNorm& norm : plan.norms)
        scalings.push_back({norm, std::vector<float>(norm.channels), std::vector<float>(norm.channels)});
    ptrdiff_t scratch_size = 0;
    for (const Node& node : nodes.all) {
        if (!node.operation) continue;
        node.operation->prepare_offsets();
        scratch_size = std::max(scratch_size, rounded(node.operation->scratch_size(1)));
    }
    place_values();
    scratch_start = buffer_size, buffer_size += scratch_size;
}

// The memory of a value that is not read any more is reused by the next value of the same layout, which has the same
// zero margins.
void Inference::place_values() {
    struct Memory {
        Maps maps;
        ptrdiff_t start;
        int free_from;  // the first node that may write to it
    };
    std::vector<Memory> all;
    const int last = int(nodes.values.size()) - 1;
    for (int v = 0; v <= last; v++) {
        const Maps& maps = nodes.values[v].maps;
        int last_reader = v == last ? last + 1 : v - 1;
        for (const Reader& reader : nodes.values[v].readers) last_reader = std::max(last_reader, reader.node);
        Memory* chosen = nullptr;
        for (Memory& each : all)
            if (same_layout(each.maps, maps) && each.free_from <= v - 1) chosen = &each;
        if (!chosen) {
            all.push_back({maps, buffer_size, 0});
            chosen = &all.back();
            buffer_size += rounded(maps.size());
        }
        chosen->free_from = last_reader + 1;
        starts.push_back(chosen->start);
    }
}

void Inference::prepare(Threads& threads, int thread_count) {
    while (int(buffers.size()) < thread_count) buffers.emplace_back(buffer_size);
    if (poison_requested())
        for (AlignedFloats& each : buffers) {
            each.poison();
            for (size_t v = 0; v < starts.size(); v++) clear_margins(nodes.values[v].maps, each.data() + starts[v]);
        }
    for (Scaling& each : scalings)
        for (int c = 0; c < each.norm.channels; c++) {
            const double scale =
                double(each.norm.weight[c]) / std::sqrt(double(each.norm.variance[c]) + each.norm.epsilon);
            each.scale[c] = float(scale);
            each.shift[c] = float(double(each.norm.bias[c]) - scale * double(each.norm.mean[c]));
        }
    for (FoldedLayer& each : folded) each.fold();
    std::vector<std::pair<Operation*, int>> tasks;
    for (const Node& node : nodes.all)
        for (int task = 0; node.operation && task < node.operation->forward_pack_tasks(); task++)
            tasks.emplace_back(node.operation.get(), task);
    threads.run(int(tasks.size()), thread_count,
                [&](int number, int) { tasks[number].first->pack(tasks[number].second); });
}

void Inference::forward(const StriateImages& images, float* outputs, Threads& threads, int thread_count) {
    if (!images.count) return;
    prepare(threads, thread_count);
    const Maps& maps = nodes.values.back().maps;
    const int64_t groups = (images.count + GROUP - 1) / GROUP, features = maps.size() / GROUP;
    threads.run(int(groups), thread_count, [&](int group, int thread) {
        float* const buffer = buffers[thread].data();
        run(images, group, buffer);
        const int64_t first = int64_t(group) * GROUP;
        for (int64_t i = first; i < std::min(first + GROUP, images.count); i++)
            for (int64_t f = 0; f < features; f++)
                outputs[i * features + f] = buffer[starts.back() + f * GROUP + i - first];
    });
}

void Inference::run(const StriateImages& images, int64_t group, float* buffer) {
    const auto at = [&](int value) { return buffer + starts[value] + nodes.values[value].maps.origin(); };
    images_to_lanes(images, group * GROUP, nodes.values[0].maps, at(0));
    for (int i = 0; i < int(nodes.all.size()); i++) {
        const Node& node = nodes.all[i];
        if (!node.operation) {
            join(node, i + 1, buffer);
            continue;
        }
        Buffers b{};
        b.groups = 1, b.in = at(node.input), b.out = at(i + 1), b.scratch = buffer + scratch_start;
        node.operation->forward(b);
    }
}

void Inference::join(const Node& node, int value, float* buffer) {
    const Maps& maps = nodes.values[value].maps;
    float* const to = buffer + starts[value] + maps.origin();
    std::vector<TermRows> rows(node.terms.size());
    for (int c = 0; c < maps.channels; c++) {
        int count = 0;
        for (const Term& term : node.terms) {
            const int channel = c - term.first;
            if (channel < 0 || channel >= term.channels) continue;
            const Maps& from = nodes.values[term.value].maps;
            const Scaling* scaling = term.norm < 0 ? nullptr : &scalings[term.norm];
            rows[count++] = {buffer + starts[term.value] + from.origin() + from.at(channel, 0, 0), from.row_stride(),
                             scaling ? scaling->scale[channel] : 1.0f, scaling ? scaling->shift[channel] : 0.0f};
        }
        const int function = node.factor < 0 ? node.function : int(IDENTITY);
        join_rows(rows_of(maps), to + maps.at(c, 0, 0), maps.row_stride(), rows.data(), count, function);
        if (node.factor < 0) continue;
        const Maps& from = nodes.values[node.factor].maps;
        const float* const factor = buffer + starts[node.factor] + from.origin() + from.at(c, 0, 0);
        const bool one_each = from.rows == 1 && from.columns == 1;
        gate_rows(rows_of(maps), to + maps.at(c, 0, 0), maps.row_stride(),
                  {factor, one_each ? 0 : from.row_stride(), one_each ? 0 : GROUP}, node.function);
    }
}

}  // namespace striate
