#include "engine/engine.hpp"

#include <chrono>

#include "augment/warp.hpp"
#include "engine/update.hpp"
#include "layout/images.hpp"

namespace striate {
namespace {

// The least work of a slice, in multiplications per image: a few times the time to hand it to another thread.
constexpr int64_t SLICE_PRODUCTS = 5000;
constexpr ptrdiff_t LINE = 16;  // floats in a cache line

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

void Engine::prepare(int thread_count, int shard_count) {
    while (int(thread_buffers.size()) < thread_count) thread_buffers.emplace_back(thread_buffer_size);
    while (int(shards.size()) < shard_count) shards.emplace_back(shard_size);
    if (poison_requested()) poison();
}

void Engine::poison() {
    for (AlignedFloats& each : shards) each.poison();
    for (AlignedFloats& each : thread_buffers) {
        each.poison();
        for (const std::vector<BufferLayout>* all : {&value_buffers, &gradient_buffers})
            for (const BufferLayout& layout : *all)
                for (int g = 0; g < (layout.group_stride ? CACHE_TILE_GROUPS : 1); g++)
                    clear_margins(layout.maps, each.data() + layout.start + g * layout.group_stride);
    }
}

void Engine::pack(int thread_count) {
    std::vector<std::pair<int, int>> tasks;
    for (int i = 0; i < int(layers.size()); i++)
        for (int task = 0; task < layers[i]->pack_tasks(); task++) tasks.emplace_back(i, task);
    threads.run(int(tasks.size()), thread_count,
                [&](int number, int) { layers[tasks[number].first]->pack(tasks[number].second); });
}

// Runs a layer's pass over a tile in at most `max_slices` slices, one for each of the tile's threads if they are large
// enough.
template <class Work>
void Engine::in_slices(const CacheTile& tile, int i, int max_slices, Work work) {
    const int slices =
        int(std::min<int64_t>({tile.threads, max_slices, layers[i]->parallel_products() / SLICE_PRODUCTS}));
    if (slices < 2) return work(Slice{0, 1, tile.buffer});
    const auto run_slice = [&](int number, int thread) { work(Slice{number, slices, thread_buffers[thread].data()}); };
    threads.run(slices, tile.threads, run_slice, false);
}

Buffers Engine::buffers(const CacheTile& tile, const Slice& slice, int i, int group, int groups) const {
    const auto at = [&](const BufferLayout& layout) {
        return (layout.per_thread ? slice.buffer : tile.buffer) + layout.start + layout.maps.origin() +
               group * layout.group_stride;
    };
    Buffers b{};
    b.in = at(value_buffers[i]), b.in_group_stride = value_buffers[i].group_stride;
    b.out = at(value_buffers[i + 1]), b.out_group_stride = value_buffers[i + 1].group_stride;
    b.out_gradient = at(gradient_buffers[i + 1]), b.out_gradient_group_stride = gradient_buffers[i + 1].group_stride;
    b.in_gradient = i > first_trained ? at(gradient_buffers[i]) : nullptr,
    b.in_gradient_group_stride = gradient_buffers[i].group_stride;
    b.argmax = reinterpret_cast<int32_t*>(at(argmax_buffers[i])),
    b.argmax_group_stride = argmax_buffers[i].group_stride;
    b.groups = groups;
    for (size_t p = first_parameter[i]; tile.shard && p < parameters.size() && parameters[p].layer == i; p++)
        (parameters[p].bias ? b.bias_gradient : b.weight_gradient) = tile.shard + parameters[p].start;
    b.scratch = slice.buffer + thread_buffer_size - scratch_size;
    b.seed =
        (tile.seed + uint64_t(i) * 0x9e3779b97f4a7c15u) * 0xd1342543de82ef95u + uint64_t(tile.first / GROUP + group);
    b.training = tile.training;
    b.overwrite = tile.overwrite && group == 0;
    b.slice = slice.number, b.slices = slice.count;
    return b;
}

void Engine::run_layer(const CacheTile& tile, int i, int group, int groups, bool backward) {
    const double started = tile.timed ? now() : 0.0;
    in_slices(tile, i, tile.threads, [&](const Slice& slice) {
        const Buffers b = buffers(tile, slice, i, group, groups);
        backward ? layers[i]->backward(b) : layers[i]->forward(b);
    });
    if (tile.timed) seconds[3 + (backward ? layers.size() : 0) + i] += now() - started;
}

void Engine::forward_fused(const StriateImages& images, const CacheTile& tile, int i, int group) {
    const double started = tile.timed ? now() : 0.0;
    const int step = layers[i + 1]->layer.kernel[0];
    const int rows = layers[i + 1]->layer.output[1];
    in_slices(tile, i, rows, [&](const Slice& slice) {
        const Buffers convolution = buffers(tile, slice, i, group, 1), pooling = buffers(tile, slice, i + 1, group, 1);
        const Range range = slice_range(rows, convolution);
        for (int y = range.first; y < range.end; y++) {
            if (!i)
                prefetch_images(images, group + 1 < tile.groups ? tile.first + GROUP : tile.next, value_buffers[0].maps,
                                y, rows);
            layers[i]->forward_rows(convolution, y * step, step, y == range.first);
            layers[i + 1]->forward_rows(pooling, y, 1, y == range.first);
        }
    });
    if (tile.timed) seconds[3 + i] += now() - started;
}

// A convolution fused with the max pooling after it. Each slice uses its own copy of the gradient between them.
void Engine::backward_fused(const CacheTile& tile, int i, int group) {
    const double started = tile.timed ? now() : 0.0;
    if (layers[i]->gradient_band_rows) backward_fused_bands(tile, i, group);
    else
        in_slices(tile, i, 2, [&](const Slice& slice) {
            layers[i + 1]->backward(buffers(tile, slice, i + 1, group, 1));
            layers[i]->backward(buffers(tile, slice, i, group, 1));
        });
    if (tile.timed) seconds[3 + layers.size() + i] += now() - started;
}

// The upper and the lower half of the rows always have sums of their own, whether one thread computes both or two do,
// so that the bits do not depend on the number of threads.
void Engine::backward_fused_bands(const CacheTile& tile, int i, int group) {
    const int step = layers[i + 1]->layer.kernel[0], rows = layers[i + 1]->layer.output[1],
              half_count = std::min(2, rows);
    const Buffers sums = buffers(tile, Slice{0, half_count, tile.buffer}, i, group, 1);
    in_slices(tile, i, half_count, [&](const Slice& slice) {
        for (int half = slice.number; half < half_count; half += slice.count) {
            const Slice half_slice{half, half_count, slice.buffer};
            Buffers convolution = buffers(tile, half_slice, i, group, 1),
                    pooling = buffers(tile, half_slice, i + 1, group, 1);
            convolution.scratch = sums.scratch;
            const Range range = slice_range(rows, convolution);
            for (int y = range.first; y < range.end; y++) {
                layers[i + 1]->backward_rows(pooling, y, 1, y == range.first);
                layers[i]->backward_rows(convolution, y * step, step, y == range.first);
            }
        }
    });
    layers[i]->finish_backward_rows(sums);
}

void Engine::run_forward(const StriateImages& images, const CacheTile& tile) {
    for (int g = 0; g < tile.groups; g++) {
        const double started = tile.timed ? now() : 0.0;
        float* to =
            tile.buffer + value_buffers[0].start + value_buffers[0].maps.origin() + g * value_buffers[0].group_stride;
        in_slices(tile, 0, tile.threads, [&](const Slice& slice) {
            images_to_lanes(images, tile.first + g * GROUP, value_buffers[0].maps, to, slice.number, slice.count);
        });
        if (tile.timed) seconds[0] += now() - started;
        for (int i = 0; i < first_flat; i++) {
            if (fused_with_previous(i + 1)) forward_fused(images, tile, i++, g);
            else run_layer(tile, i, g, 1, false);
        }
    }
    for (int i = first_flat; i < int(layers.size()); i++) run_layer(tile, i, 0, tile.groups, false);
}

Score Engine::run_loss(const StriateImages& images, const StriateTarget& target, const CacheTile& tile) const {
    const int classes = layers.back()->layer.output[0];
    const BufferLayout &outputs = value_buffers.back(), &to = gradient_buffers.back();
    Score sum;
    for (int g = 0; g < tile.groups; g++) {
        const int64_t first = tile.first + g * GROUP;
        const int count = int(std::min<int64_t>(GROUP, images.count - first));
        int64_t labels[GROUP];
        for (int i = 0; i < count; i++)
            labels[i] = target.labels[images.indices ? images.indices[first + i] : first + i];
        const Score tile_score =
            score(target, tile.buffer + outputs.start + g * outputs.group_stride,
                  tile.buffer + to.start + g * to.group_stride, classes, labels, count, images.count);
        sum.loss += tile_score.loss, sum.right += tile_score.right;
    }
    return sum;
}

void Engine::run_backward(const CacheTile& tile) {
    const int count = int(layers.size());
    for (int i = count - 1; i >= std::max(first_flat, first_trained); i--) run_layer(tile, i, 0, tile.groups, true);
    for (int g = 0; g < tile.groups; g++)
        for (int i = std::min(first_flat, count) - 1; i >= first_trained; i--) {
            if (i > first_trained && fused_with_previous(i)) backward_fused(tile, --i, g);
            else run_layer(tile, i, g, 1, true);
        }
}

void Engine::forward(const StriateImages& images, float* outputs, int thread_count) {
    const BatchTiles batch(images.count);
    if (!batch.tiles) return;
    if (one_image && images.count <= FEW) return one_image->forward(images, outputs);
    prepare(thread_count, 0);
    pack(thread_count);
    const StriateLayer& last = layers.back()->layer;
    const int64_t features = int64_t(last.output[0]) * last.output[1] * last.output[2];
    threads.run(int(batch.tiles), thread_count, [&](int number, int thread) {
        const int64_t first = batch.begin(number) * GROUP, end = batch.begin(number + 1) * GROUP;
        const int64_t count = std::min(end, images.count) - first;
        const CacheTile tile{thread_buffers[thread].data(),
                             nullptr,
                             first,
                             first + CACHE_TILE_IMAGES * thread_count,
                             int((count + GROUP - 1) / GROUP),
                             0,
                             false,
                             false,
                             false,
                             batch.tiles > 1 ? 1 : thread_count};
        run_forward(images, tile);
        for (int64_t i = 0; i < count; i++) {
            const float* from =
                tile.buffer + value_buffers.back().start + i / GROUP * value_buffers.back().group_stride + i % GROUP;
            for (int64_t f = 0; f < features; f++) outputs[(first + i) * features + f] = from[f * GROUP];
        }
    });
}

StriateResult Engine::step(const StriateImages& images, const StriateTarget& target, const StriateUpdate& update,
                           int thread_count) {
    const BatchTiles batch(images.count);
    const auto shards_that_fit =
        std::max<ptrdiff_t>(1, SHARD_BYTES / std::max<ptrdiff_t>(1, shard_size * ptrdiff_t(sizeof(float))));
    const int shard_count = int(std::min<int64_t>({batch.tiles, MAX_SHARDS, shards_that_fit}));
    prepare(thread_count, std::max(1, shard_count));
    pack(thread_count);
    std::vector<Score> scores(std::max(1, shard_count));
    if (!shard_count) std::fill(shards[0].data(), shards[0].data() + shard_size, 0.0f);
    threads.run(shard_count, thread_count, [&](int number, int thread) {
        CacheTile tile{
            thread_buffers[thread].data(),     shards[number].data(), 0, 0, 0, target.seed, true, thread == 0, true,
            shard_count > 1 ? 1 : thread_count};
        const int64_t begin = batch.tiles * number / shard_count, end = batch.tiles * (number + 1) / shard_count;
        for (int64_t t = begin; t < end; t++) {
            tile.overwrite = t == begin;
            tile.first = batch.begin(t) * GROUP;
            tile.next = tile.first + (batch.tiles == shard_count ? thread_count : 1) * CACHE_TILE_IMAGES;
            tile.groups = int(batch.begin(t + 1) - batch.begin(t));
            run_forward(images, tile);
            const double started = now();
            const Score tile_score = run_loss(images, target, tile);
            scores[number].loss += tile_score.loss, scores[number].right += tile_score.right;
            if (tile.timed) seconds[1] += now() - started;
            run_backward(tile);
        }
    });
    const double started = now();
    reduce_and_update(update, std::max(1, shard_count), thread_count);
    seconds[2] += now() - started;
    StriateResult result{0, 0};
    for (const Score& each : scores) result.loss += each.loss, result.right += each.right;
    if (images.count) result.loss /= double(images.count);
    return result;
}

// Adds up the gradients of all shards, always in the same order, and applies the optimiser's rule.
void Engine::reduce_and_update(const StriateUpdate& update, int shard_count, int thread_count) {
    const bool unchunked = shard_size <= MAX_UNCHUNKED_PARAMETERS;
    threads.run(
        unchunked ? thread_count : int(chunks.size()), thread_count,
        [&](int number, int) {
            if (!unchunked) return reduce_and_update(update, shard_count, chunks[number]);
            for (int p = 0; p < int(parameters.size()); p++) {
                const ptrdiff_t size = parameters[p].size, lines = (size + LINE - 1) / LINE;
                const ptrdiff_t first = lines * number / thread_count * LINE;
                reduce_and_update(update, shard_count,
                                  {p, first, std::min(size, lines * (number + 1) / thread_count * LINE) - first});
            }
        },
        !unchunked);
}

void Engine::reduce_and_update(const StriateUpdate& update, int shard_count, const Chunk& chunk) {
    const Parameter& parameter = parameters[chunk.parameter];
    float* __restrict to = parameter.gradient + chunk.first;
    const ptrdiff_t start = parameter.start + chunk.first;
    const float* __restrict first = shards[0].data() + start, * __restrict second =
                                                                  shards[shard_count > 1].data() + start;
    if (shard_count == 1) std::memcpy(to, first, sizeof(float) * chunk.count);
    else
        for (ptrdiff_t i = 0; i < chunk.count; i++) to[i] = first[i] + second[i];
    for (int s = 2; s < shard_count; s++) {
        const float* __restrict from = shards[s].data() + start;
        for (ptrdiff_t i = 0; i < chunk.count; i++) to[i] += from[i];
    }
    if (update.rule != GRADIENTS)
        apply(update, chunk.parameter, chunk.first, chunk.count, parameter.value, parameter.gradient);
}

void Engine::warp(const StriateImages& images, const StriateWarp& warp, float* to, int thread_count) {
    const int64_t size = int64_t(warp.shape[0]) * warp.shape[1] * warp.shape[2];
    threads.run(int((images.count + GROUP - 1) / GROUP), thread_count, [&](int number, int) {
        Warper warper(warp);
        const int64_t first = int64_t(number) * GROUP;
        for (int64_t i = first; i < std::min(first + GROUP, images.count); i++) warper.run(images, i, to + i * size);
    });
}

void Engine::profile(double* to) {
    const int count = int(layers.size());
    std::fill(to, to + 3 + 2 * layers_given, 0.0);
    std::copy(seconds.begin(), seconds.begin() + 3, to);
    for (int i = 0, at = -1; i < count; i++) {
        at += !is_copy[i];  // a copy's time counts as that of the layer before it
        to[3 + at] += seconds[3 + i], to[3 + layers_given + at] += seconds[3 + count + i];
    }
    std::fill(seconds.begin(), seconds.end(), 0.0);
}

}  // namespace striate
