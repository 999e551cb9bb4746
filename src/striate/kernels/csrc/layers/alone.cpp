#include "layers/alone.hpp"

#include "simd/activations.hpp"
#include "simd/sums.hpp"

namespace striate {
namespace {

constexpr int MOST_PARTS = 8;  // of a batch, with gradients of their own

ptrdiff_t rounded(ptrdiff_t floats) { return (floats + 15) / 16 * 16; }
bool has_margins(const Maps& maps) { return maps.top || maps.bottom || maps.left || maps.right; }
int live_lanes(const StriatePass& pass, int64_t group) {
    return int(std::min<int64_t>(GROUP, pass.images - group * GROUP));
}

}  // namespace

Shared& shared() {
    static Shared* all = new Shared;
    return *all;
}

Alone::Alone(const StriateLayer& given, int input_function) : layer(operation(given, true)) {
    in = layer->in_gradient, out = layer->out;
    layer->input_function = input_function;
    layer->settled();
    gradient_start = rounded(layer->in.size());
    scratch_start = gradient_start + rounded(layer->out_gradient.size());
    memory_size = scratch_start + rounded(layer->scratch_size(1));
    const ptrdiff_t kernel = ptrdiff_t(given.kernel[0]) * given.kernel[1];
    weights = given.kind == CONVOLUTION ? given.links * kernel : given.kind == SUBSAMPLING ? out.channels : 0;
}

void Alone::pack(const StriatePass& pass, int first, int end, int threads) {
    layer->layer.weight = const_cast<float*>(pass.weight), layer->layer.bias = const_cast<float*>(pass.bias);
    shared().threads.run(end - first, threads, [&](int part, int) { layer->pack(first + part); });
}

const float* Alone::input(const StriatePass& pass, int64_t group, float* memory) const {
    const float* from = pass.in + group * in.size();
    if (!has_margins(layer->in) && !pass.scale && layer->input_function == IDENTITY) return from;
    float* const origin = memory + layer->in.origin();
    for (int c = 0; c < in.channels; c++)
        for (int y = 0; y < in.rows; y++, from += in.row_stride()) {
            float* to = origin + layer->in.at(c, y, 0);
            if (!pass.scale) {
                std::memcpy(to, from, sizeof(float) * in.row_stride());
            } else {
                const Vector scale = broadcast(pass.scale[c]), shift = broadcast(pass.shift[c]);
                for (ptrdiff_t i = 0; i < in.row_stride(); i += LANES) store(to + i, load(from + i) * scale + shift);
            }
            activate(layer->input_function, to, in.columns);
        }
    return origin;
}

const float* Alone::gradient(const StriatePass& pass, int64_t group, float* memory) const {
    const float* from = pass.out_gradient + group * out.size();
    const int function = layer->layer.function;
    if (!has_margins(layer->out_gradient) && !pass.sums_gradient && function == IDENTITY) return from;
    const float* values = pass.out ? pass.out + group * out.size() : nullptr;
    float* const origin = memory + gradient_start + layer->out_gradient.origin();
    alignas(64) float live[GROUP];
    for (int i = 0; i < GROUP; i++) live[i] = i < live_lanes(pass, group) ? 1.0f : 0.0f;
    for (int c = 0; c < out.channels; c++)
        for (int y = 0; y < out.rows; y++, from += out.row_stride()) {
            float* to = origin + layer->out_gradient.at(c, y, 0);
            if (!pass.sums_gradient) {
                std::memcpy(to, from, sizeof(float) * out.row_stride());
            } else {
                const float of_sum = float(pass.sums_gradient[c]);
                const float of_square = float(2.0 * pass.sums_gradient[out.channels + c]);
                for (ptrdiff_t i = 0; i < out.row_stride(); i += LANES)
                    store(to + i, load(from + i) + load(live + i % GROUP) * (of_sum + of_square * load(values + i)));
            }
            if (!values) continue;
            multiply_by_derivative(function, values, to, out.columns);
            values += out.row_stride();
        }
    return origin;
}

void Alone::forward(const StriatePass& pass, int threads) {
    Shared& all = shared();
    const std::lock_guard<std::mutex> lock(all.mutex);
    all.prepare(threads, memory_size, 0, 0);
    pack(pass, 0, layer->forward_packs(), threads);
    const int64_t groups = (pass.images + GROUP - 1) / GROUP;
    LaneGroupSums sums(pass.sums ? groups : 0, out.channels);
    std::vector<char> fresh(threads, 1);
    all.threads.run(int(groups), threads, [&](int g, int thread) {
        float* memory = all.memories[thread].data();
        if (fresh[thread]) clear_margins(layer->in, memory), fresh[thread] = 0;
        Buffers b{};
        b.groups = 1, b.in = input(pass, g, memory), b.scratch = memory + scratch_start;
        b.out = pass.out + g * out.size();
        b.training = pass.memory, b.memory = pass.memory ? pass.memory + g * out.size() : nullptr;
        layer->forward(b);
        for (int c = 0; pass.sums && c < out.channels; c++)
            sums.add(g, c, b.out + c * out.channel_stride(), b.out + c * out.channel_stride(),
                     ptrdiff_t(out.rows) * out.columns, live_lanes(pass, g));
    });
    if (pass.sums) sums.total(pass.sums, pass.sums + out.channels);
}

void Alone::run_backward(const StriatePass& pass, int64_t g, float* memory, float* shard, bool fresh) const {
    Buffers b{};
    b.groups = 1, b.scratch = memory + scratch_start, b.training = true;
    b.in = input(pass, g, memory), b.out_gradient = gradient(pass, g, memory);
    b.memory = pass.memory ? pass.memory + g * out.size() : nullptr;
    b.in_gradient = pass.in_gradient ? pass.in_gradient + g * in.size() : nullptr;
    b.weight_gradient = pass.weight_gradient ? shard : nullptr;
    b.bias_gradient = pass.bias_gradient ? shard + rounded(weights) : nullptr;
    b.fresh = fresh;
    layer->backward(b);
}

void Alone::backward(const StriatePass& pass, int threads) {
    Shared& all = shared();
    const std::lock_guard<std::mutex> lock(all.mutex);
    const int64_t groups = (pass.images + GROUP - 1) / GROUP;
    // Cut by the batch's size alone, so that gradients are added in one order whatever the number of threads.
    const int shards = int(std::min<int64_t>(groups, MOST_PARTS));
    const ptrdiff_t shard_size = rounded(weights) + rounded(out.channels);
    all.prepare(threads, memory_size, std::max(shards, 1), shard_size);
    pack(pass, layer->forward_packs(), layer->packs(), threads);
    LaneGroupSums sums(pass.scale_gradient ? groups : 0, in.channels);
    std::vector<char> fresh(threads, 1);
    all.threads.run(shards, threads, [&](int number, int thread) {
        float *memory = all.memories[thread].data(), *shard = all.shards[number].data();
        if (fresh[thread])
            clear_margins(layer->in, memory), clear_margins(layer->out_gradient, memory + gradient_start);
        fresh[thread] = 0;
        const int64_t begin = groups * number / shards;
        for (int64_t g = begin; g < groups * (number + 1) / shards; g++) {
            run_backward(pass, g, memory, shard, g == begin);
            for (int c = 0; pass.scale && pass.in_gradient && c < in.channels; c++) {
                float* to = pass.in_gradient + g * in.size() + c * in.channel_stride();
                if (pass.scale_gradient)
                    sums.add(g, c, to, pass.in + g * in.size() + c * in.channel_stride(),
                             ptrdiff_t(in.rows) * in.columns, live_lanes(pass, g));
                const Vector scale = broadcast(pass.scale[c]);
                for (ptrdiff_t i = 0; i < in.channel_stride(); i += LANES) store(to + i, load(to + i) * scale);
            }
        }
    });
    if (pass.scale_gradient) sums.total(pass.shift_gradient, pass.scale_gradient);
    const auto add_up = [&](float* to, ptrdiff_t first, ptrdiff_t count) {
        if (!to) return;
        std::fill(to, to + count, 0.0f);
        for (int s = 0; s < shards; s++) {
            const float* from = all.shards[s].data() + first;
            for (ptrdiff_t i = 0; i < count; i++) to[i] += from[i];
        }
    };
    add_up(pass.weight_gradient, 0, weights);
    add_up(pass.bias_gradient, rounded(weights), out.channels);
}

}  // namespace striate
