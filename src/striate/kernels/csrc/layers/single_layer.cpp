#include "layers/single_layer.hpp"

#include "engine/parameters.hpp"
#include "simd/activations.hpp"
#include "simd/sums.hpp"

namespace striate {
namespace {

int live_lanes(const StriatePass& pass, int64_t group) {
    return int(std::min<int64_t>(GROUP, pass.images - group * GROUP));
}

}  // namespace

SharedPool& shared_pool() {
    static SharedPool* pool = new SharedPool;
    return *pool;
}

SingleLayer::SingleLayer(const StriateLayer& given, int input_function) : layer(operation(given, true)) {
    in = layer->in_gradient, out = layer->out;
    layer->input_function = input_function;
    layer->prepare_offsets();
    gradient_start = rounded(layer->in.size());
    scratch_start = gradient_start + rounded(layer->out_gradient.size());
    buffer_size = scratch_start + rounded(layer->scratch_size(1));
    const ptrdiff_t kernel = ptrdiff_t(given.kernel[0]) * given.kernel[1];
    weight_count = given.kind == CONVOLUTION ? given.links * kernel : given.kind == SUBSAMPLING ? out.channels : 0;
}

void SingleLayer::pack(const StriatePass& pass, int first, int end, int threads) {
    layer->layer.weight = const_cast<float*>(pass.weight), layer->layer.bias = const_cast<float*>(pass.bias);
    shared_pool().threads.run(end - first, threads, [&](int task, int) { layer->pack(first + task); });
}

const float* SingleLayer::input_with_margins(const StriatePass& pass, int64_t group, float* buffer) const {
    const float* from = pass.in + group * in.size();
    if (!has_margins(layer->in) && !pass.scale && layer->input_function == IDENTITY) return from;
    float* const origin = buffer + layer->in.origin();
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

const float* SingleLayer::gradient_with_margins(const StriatePass& pass, int64_t group, float* buffer) const {
    const float* from = pass.out_gradient + group * out.size();
    const int function = layer->layer.function;
    if (!has_margins(layer->out_gradient) && !pass.sums_gradient && function == IDENTITY) return from;
    const float* values = pass.out ? pass.out + group * out.size() : nullptr;
    float* const origin = buffer + gradient_start + layer->out_gradient.origin();
    alignas(64) float is_live[GROUP];
    for (int i = 0; i < GROUP; i++) is_live[i] = i < live_lanes(pass, group) ? 1.0f : 0.0f;
    for (int c = 0; c < out.channels; c++)
        for (int y = 0; y < out.rows; y++, from += out.row_stride()) {
            float* to = origin + layer->out_gradient.at(c, y, 0);
            if (!pass.sums_gradient) {
                std::memcpy(to, from, sizeof(float) * out.row_stride());
            } else {
                const float of_sum = float(pass.sums_gradient[c]);
                const float of_square = float(2.0 * pass.sums_gradient[out.channels + c]);
                for (ptrdiff_t i = 0; i < out.row_stride(); i += LANES)
                    store(to + i, load(from + i) + load(is_live + i % GROUP) * (of_sum + of_square * load(values + i)));
            }
            if (!values) continue;
            multiply_by_derivative(function, values, to, out.columns);
            values += out.row_stride();
        }
    return origin;
}

void SingleLayer::forward(const StriatePass& pass, int threads) {
    SharedPool& pool = shared_pool();
    const std::lock_guard<std::mutex> lock(pool.mutex);
    pool.prepare(threads, buffer_size, 0, 0);
    pack(pass, 0, layer->forward_pack_tasks(), threads);
    const int64_t groups = (pass.images + GROUP - 1) / GROUP;
    LaneGroupSums sums(pass.sums ? groups : 0, out.channels);
    std::vector<char> margins_unset(threads, 1);
    pool.threads.run(int(groups), threads, [&](int g, int thread) {
        float* buffer = pool.thread_buffers[thread].data();
        if (margins_unset[thread]) clear_margins(layer->in, buffer), margins_unset[thread] = 0;
        Buffers b{};
        b.groups = 1, b.in = input_with_margins(pass, g, buffer), b.scratch = buffer + scratch_start;
        b.out = pass.out + g * out.size();
        b.training = pass.argmax, b.argmax = pass.argmax ? pass.argmax + g * out.size() : nullptr;
        layer->forward(b);
        for (int c = 0; pass.sums && c < out.channels; c++)
            sums.add(g, c, b.out + c * out.channel_stride(), b.out + c * out.channel_stride(),
                     ptrdiff_t(out.rows) * out.columns, live_lanes(pass, g));
    });
    if (pass.sums) sums.total(pass.sums, pass.sums + out.channels);
}

void SingleLayer::run_backward(const StriatePass& pass, int64_t g, float* buffer, float* shard, bool overwrite) const {
    Buffers b{};
    b.groups = 1, b.scratch = buffer + scratch_start, b.training = true;
    b.in = input_with_margins(pass, g, buffer), b.out_gradient = gradient_with_margins(pass, g, buffer);
    b.argmax = pass.argmax ? pass.argmax + g * out.size() : nullptr;
    b.in_gradient = pass.in_gradient ? pass.in_gradient + g * in.size() : nullptr;
    b.weight_gradient = pass.weight_gradient ? shard : nullptr;
    b.bias_gradient = pass.bias_gradient ? shard + rounded(weight_count) : nullptr;
    b.overwrite = overwrite;
    layer->backward(b);
}

void SingleLayer::backward(const StriatePass& pass, int threads) {
    SharedPool& pool = shared_pool();
    const std::lock_guard<std::mutex> lock(pool.mutex);
    const int64_t groups = (pass.images + GROUP - 1) / GROUP;
    // The number of shards depends on the batch's size alone, so the order in which gradients are added does not depend
    // on the number of threads.
    const int shards = int(std::min<int64_t>(groups, MAX_SHARDS));
    const ptrdiff_t shard_size = rounded(weight_count) + rounded(out.channels);
    pool.prepare(threads, buffer_size, std::max(shards, 1), shard_size);
    pack(pass, layer->forward_pack_tasks(), layer->pack_tasks(), threads);
    LaneGroupSums sums(pass.scale_gradient ? groups : 0, in.channels);
    std::vector<char> margins_unset(threads, 1);
    pool.threads.run(shards, threads, [&](int number, int thread) {
        float *buffer = pool.thread_buffers[thread].data(), *shard = pool.shards[number].data();
        if (margins_unset[thread])
            clear_margins(layer->in, buffer), clear_margins(layer->out_gradient, buffer + gradient_start);
        margins_unset[thread] = 0;
        const int64_t begin = groups * number / shards;
        for (int64_t g = begin; g < groups * (number + 1) / shards; g++) {
            run_backward(pass, g, buffer, shard, g == begin);
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
    const auto add_shards = [&](float* to, ptrdiff_t first, ptrdiff_t count) {
        if (!to) return;
        std::fill(to, to + count, 0.0f);
        for (int s = 0; s < shards; s++) {
            const float* from = pool.shards[s].data() + first;
            for (ptrdiff_t i = 0; i < count; i++) to[i] += from[i];
        }
    };
    add_shards(pass.weight_gradient, 0, weight_count);
    add_shards(pass.bias_gradient, rounded(weight_count), out.channels);
}

}  // namespace striate
