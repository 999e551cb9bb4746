// Steps and forward passes over whole batches; the update of the parameters.
#include "engine/engine.hpp"

#include <chrono>

#include "augment/warp.hpp"
#include "engine/update.hpp"

namespace striate {
namespace {

constexpr ptrdiff_t LINE = 16;  // floats in a cache line

}  // namespace

double Engine::now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

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

void Engine::forward(const StriateImages& images, float* outputs, int thread_count) {
    const BatchTiles batch(images.count);
    if (!batch.tiles) return;
    if (one_image && images.count <= MAX_ONE_BY_ONE) return one_image->forward(images, outputs);
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
