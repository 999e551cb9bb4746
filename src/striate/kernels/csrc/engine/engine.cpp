// Steps and forward passes over whole batches.
#include "engine/engine.hpp"

namespace striate {

void Engine::prepare(int thread_count, int shard_count) {
    while (int(thread_buffers.size()) < thread_count) thread_buffers.emplace_back(thread_buffer_size);
    parameters.prepare(shard_count);
    if (poison_requested()) poison();
}

void Engine::poison() {
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
    if (one_image.forward(images, outputs, threads, thread_count)) return;
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
    const int shard_count = parameters.shard_count(batch.tiles);
    prepare(thread_count, std::max(1, shard_count));
    pack(thread_count);
    std::vector<Score> scores(std::max(1, shard_count));
    if (!shard_count) parameters.clear();
    threads.run(shard_count, thread_count, [&](int number, int thread) {
        CacheTile tile{
            thread_buffers[thread].data(),     parameters.shard(number), 0, 0, 0, target.seed, true, thread == 0, true,
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
    parameters.reduce_and_update(update, std::max(1, shard_count), threads, thread_count);
    seconds[2] += now() - started;
    StriateResult result{0, 0};
    for (const Score& each : scores) result.loss += each.loss, result.right += each.right;
    if (images.count) result.loss /= double(images.count);
    return result;
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
