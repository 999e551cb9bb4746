#include "graph/inference.hpp"

#include <cmath>
#include <cstring>
#include <set>

#include "engine/parameters.hpp"
#include "layout/images.hpp"
#include "one_image/channel_blocks.hpp"
#include "simd/denormals.hpp"

namespace striate {
namespace {

// Networks with more parameters are packed anew for each call: knowing whether they changed takes a copy of them.
constexpr ptrdiff_t MAX_KEPT_PARAMETERS = ptrdiff_t(1) << 24;
// The least work of one thread's slice of a layer on one image, in multiplications.
constexpr int64_t SLICE_PRODUCTS = 80000;

}  // namespace

Inference::Inference(const Plan& plan, Lanes lanes, std::vector<FoldedLayer> memory)
    : lanes(lanes), folded(std::move(memory)), nodes(folded_plan(plan, folded), lanes) {
    std::copy(plan.input, plan.input + 3, image);
    for (const StriateNorm& norm : plan.norms)
        scalings.push_back({norm, std::vector<float>(norm.channels), std::vector<float>(norm.channels)});
    list_parameters();
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

void Inference::list_parameters() {
    const auto list = [&](const float* values, ptrdiff_t count) {
        if (values) parameters.emplace_back(values, count);
    };
    for (const Scaling& each : scalings)
        for (const float* values : {each.norm.weight, each.norm.bias, each.norm.mean, each.norm.variance})
            list(values, each.norm.channels);
    std::set<const float*> made;  // by folding
    for (const FoldedLayer& each : folded) {
        list(each.layer.weight, weights_of(each.layer));
        list(each.layer.bias, each.layer.output[0]);
        made.insert(each.weight.data());
    }
    for (const Node& node : nodes.all) {
        if (!node.operation || !node.operation->forward_pack_tasks()) continue;
        const StriateLayer& layer = node.operation->layer;
        if (!made.count(layer.weight)) list(layer.weight, weights_of(layer));
    }
}

bool Inference::parameters_changed() {
    ptrdiff_t count = 0;
    for (const auto& each : parameters) count += each.second;
    if (count > MAX_KEPT_PARAMETERS) return true;
    packed.resize(count);
    float* known = packed.data();
    for (const auto& [values, size] : parameters) {
        if (std::memcmp(known, values, sizeof(float) * size)) {
            std::memcpy(known, values, sizeof(float) * size);
            is_packed = false;
        }
        known += size;
    }
    return !is_packed;
}

void Inference::prepare(Threads& threads, int thread_count) {
    while (int(buffers.size()) < (lanes == Lanes::IMAGES ? thread_count : 1)) buffers.emplace_back(buffer_size);
    if (poison_requested())
        for (AlignedFloats& each : buffers) {
            each.poison();
            for (size_t v = 0; v < starts.size(); v++) clear_margins(nodes.values[v].maps, each.data() + starts[v]);
        }
    if (!parameters_changed()) return;
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
    is_packed = true;  // only now: what failed is packed anew by the next call
}

void Inference::forward(const StriateImages& images, float* outputs, Threads& threads, int thread_count) {
    if (!images.count) return;
    prepare(threads, thread_count);
    if (lanes == Lanes::IMAGES) return forward_groups(images, outputs, threads, thread_count);
    const Maps& maps = nodes.values.back().maps;
    const int* const answer = nodes.answer;
    const float* const from = buffers[0].data() + starts.back() + maps.origin();
    for (int64_t i = 0; i < images.count; i++, outputs += ptrdiff_t(answer[0]) * answer[1] * answer[2]) {
        forward_one(images, i, threads, thread_count);
        channel_lanes_to_answer(from, maps, answer, outputs);
    }
}

void Inference::forward_groups(const StriateImages& images, float* outputs, Threads& threads, int thread_count) {
    const Maps& maps = nodes.values.back().maps;
    const int64_t groups = (images.count + GROUP - 1) / GROUP, features = maps.size() / GROUP;
    threads.run(int(groups), thread_count, [&](int group, int thread) {
        float* const buffer = buffers[thread].data();
        const Maps& first_maps = nodes.values[0].maps;
        images_to_lanes(images, int64_t(group) * GROUP, first_maps, buffer + starts[0] + first_maps.origin());
        for (int i = 0; i < int(nodes.all.size()); i++) run(i, buffer);
        const int64_t first = int64_t(group) * GROUP;
        for (int64_t i = first; i < std::min(first + GROUP, images.count); i++)
            for (int64_t f = 0; f < features; f++)
                outputs[i * features + f] = buffer[starts.back() + f * GROUP + i - first];
    });
}

// All threads share each layer that is large enough; the first such layer wakes them.
void Inference::forward_one(const StriateImages& images, int64_t number, Threads& threads, int thread_count) {
    const FlushDenormals flush;
    float* const buffer = buffers[0].data();
    const Maps& maps = nodes.values[0].maps;
    image_to_channel_lanes(images, number, image, maps, buffer + starts[0] + maps.origin());
    bool awake = false;
    for (int i = 0; i < int(nodes.all.size()); i++) {
        const Operation* const operation = nodes.all[i].operation.get();
        const Maps& out = nodes.values[i + 1].maps;
        const int64_t products = operation ? operation->parallel_products() : out.size();
        const int most = operation ? thread_count : std::min(thread_count, out.rows);  // a join is cut into rows
        const int slices = int(std::min<int64_t>(most, products / SLICE_PRODUCTS));
        if (slices < 2) {
            run(i, buffer);
            continue;
        }
        threads.run(slices, thread_count, [&](int slice, int) { run(i, buffer, slice, slices); }, !awake);
        awake = true;
    }
}

void Inference::run(int i, float* buffer, int slice, int slices) {
    const Node& node = nodes.all[i];
    if (!node.operation) return join(i, buffer, slice, slices);
    const auto at = [&](int value) { return buffer + starts[value] + nodes.values[value].maps.origin(); };
    Buffers b{};
    b.groups = 1, b.in = at(node.input), b.out = at(i + 1), b.scratch = buffer + scratch_start;
    b.slice = slice, b.slices = slices;
    node.operation->forward(b);
}

void Inference::join(int i, float* buffer, int slice, int slices) {
    const Node& node = nodes.all[i];
    const Maps& maps = nodes.values[i + 1].maps;
    const int first = maps.rows * slice / slices, end = maps.rows * (slice + 1) / slices;
    const Rows some{end - first, rows_of(maps).floats};
    const auto at = [&](int value, int channel) {
        const Maps& from = nodes.values[value].maps;
        return buffer + starts[value] + from.origin() + from.at(channel, from.rows == maps.rows ? first : 0, 0);
    };
    std::vector<TermRows> rows(node.terms.size());
    for (int c = 0; c < maps.channels; c++) {
        int count = 0;
        for (const Term& term : node.terms) {
            const int channel = c - term.first;
            if (channel < 0 || channel >= term.channels) continue;
            const Scaling* scaling = term.norm < 0 ? nullptr : &scalings[term.norm];
            rows[count++] = {at(term.value, channel), nodes.values[term.value].maps.row_stride(),
                             scaling ? scaling->scale[channel] : 1.0f, scaling ? scaling->shift[channel] : 0.0f};
        }
        float* const to = at(i + 1, c);
        const int function = node.factor < 0 ? node.function : int(IDENTITY);
        join_rows(some, to, maps.row_stride(), rows.data(), count, function);
        if (node.factor < 0) continue;
        const Maps& factor = nodes.values[node.factor].maps;
        const bool one_each = factor.rows == 1 && factor.columns == 1;
        gate_rows(some, to, maps.row_stride(),
                  {at(node.factor, c), one_each ? 0 : factor.row_stride(), one_each ? 0 : GROUP}, node.function);
    }
}

}  // namespace striate
