#include "engine/engine.hpp"

#include <chrono>

#include "augment/warp.hpp"
#include "engine/update.hpp"
#include "layout/images.hpp"

namespace striate {
namespace {

// Products for an image, of a layer's part: they take a few times as long as it does to find a thread for them.
constexpr int64_t WORTH_A_THREAD = 5000;
constexpr ptrdiff_t LINE = 16;  // floats of a cache line

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

void Engine::prepare(int thread_count, int shard_count) {
    while (int(memories.size()) < thread_count) memories.emplace_back(thread_size);
    while (int(shards.size()) < shard_count) shards.emplace_back(shard_size);
    if (poison_requested()) poison();
}

void Engine::poison() {
    for (AlignedFloats& each : shards) each.poison();
    for (AlignedFloats& each : memories) {
        each.poison();
        for (const std::vector<Place>* all : {&values, &gradients})
            for (const Place& place : *all)
                for (int g = 0; g < (place.group ? TILE_GROUPS : 1); g++)
                    clear_margins(place.maps, each.data() + place.start + g * place.group);
    }
}

void Engine::pack(int thread_count) {
    std::vector<std::pair<int, int>> parts;
    for (int i = 0; i < int(layers.size()); i++)
        for (int part = 0; part < layers[i]->pack_tasks(); part++) parts.emplace_back(i, part);
    threads.run(int(parts.size()), thread_count,
                [&](int number, int) { layers[parts[number].first]->pack(parts[number].second); });
}

// A layer's pass over a tile, in at most `most` parts: one for each of its threads where that is worth their while.
template <class Make>
void Engine::in_parts(const Tile& tile, int i, int most, Make make) {
    const int parts = int(std::min<int64_t>({tile.threads, most, layers[i]->parallel_products() / WORTH_A_THREAD}));
    if (parts < 2) return make(Part{0, 1, tile.memory});
    const auto one = [&](int number, int thread) { make(Part{number, parts, memories[thread].data()}); };
    threads.run(parts, tile.threads, one, false);
}

Buffers Engine::buffers(const Tile& tile, const Part& part, int i, int group, int groups) const {
    const auto at = [&](const Place& place) {
        return (place.own ? part.memory : tile.memory) + place.start + place.maps.origin() + group * place.group;
    };
    Buffers b{};
    b.in = at(values[i]), b.in_group_stride = values[i].group;
    b.out = at(values[i + 1]), b.out_group_stride = values[i + 1].group;
    b.out_gradient = at(gradients[i + 1]), b.out_gradient_group_stride = gradients[i + 1].group;
    b.in_gradient = i > trained ? at(gradients[i]) : nullptr, b.in_gradient_group_stride = gradients[i].group;
    b.argmax = reinterpret_cast<int32_t*>(at(places[i])), b.argmax_group_stride = places[i].group;
    b.groups = groups;
    for (size_t p = first_parameter[i]; tile.shard && p < parameters.size() && parameters[p].layer == i; p++)
        (parameters[p].bias ? b.bias_gradient : b.weight_gradient) = tile.shard + parameters[p].start;
    b.scratch = part.memory + thread_size - scratch;
    b.seed =
        (tile.seed + uint64_t(i) * 0x9e3779b97f4a7c15u) * 0xd1342543de82ef95u + uint64_t(tile.first / GROUP + group);
    b.training = tile.training;
    b.overwrite = tile.overwrite && group == 0;
    b.slice = part.number, b.slices = part.count;
    return b;
}

void Engine::run_layer(const Tile& tile, int i, int group, int groups, bool back) {
    const double begun = tile.timed ? now() : 0.0;
    in_parts(tile, i, tile.threads, [&](const Part& part) {
        const Buffers b = buffers(tile, part, i, group, groups);
        back ? layers[i]->backward(b) : layers[i]->forward(b);
    });
    if (tile.timed) seconds[3 + (back ? layers.size() : 0) + i] += now() - begun;
}

void Engine::forward_pair(const StriateImages& images, const Tile& tile, int i, int group) {
    const double begun = tile.timed ? now() : 0.0;
    const int step = layers[i + 1]->layer.kernel[0];
    const int rows = layers[i + 1]->layer.output[1];
    in_parts(tile, i, rows, [&](const Part& part) {
        const Buffers first = buffers(tile, part, i, group, 1), second = buffers(tile, part, i + 1, group, 1);
        const Range own = slice_range(rows, first);
        for (int y = own.first; y < own.end; y++) {
            if (!i)
                prefetch_images(images, group + 1 < tile.groups ? tile.first + GROUP : tile.next, values[0].maps, y,
                                rows);
            layers[i]->forward_rows(first, y * step, step, y == own.first);
            layers[i + 1]->forward_rows(second, y, 1, y == own.first);
        }
    });
    if (tile.timed) seconds[3 + i] += now() - begun;
}

// A convolution and the pooling after it: each part has the gradient between them for itself.
void Engine::backward_pair(const Tile& tile, int i, int group) {
    const double begun = tile.timed ? now() : 0.0;
    if (layers[i]->gradient_band_rows) backward_bands(tile, i, group);
    else
        in_parts(tile, i, 2, [&](const Part& part) {
            layers[i + 1]->backward(buffers(tile, part, i + 1, group, 1));
            layers[i]->backward(buffers(tile, part, i, group, 1));
        });
    if (tile.timed) seconds[3 + layers.size() + i] += now() - begun;
}

// The upper and the lower rows are always added up on their own, whether one thread does so or two.
void Engine::backward_bands(const Tile& tile, int i, int group) {
    const int step = layers[i + 1]->layer.kernel[0], rows = layers[i + 1]->layer.output[1], halves = std::min(2, rows);
    const Buffers sums = buffers(tile, Part{0, halves, tile.memory}, i, group, 1);
    in_parts(tile, i, halves, [&](const Part& part) {
        for (int half = part.number; half < halves; half += part.count) {
            const Part own{half, halves, part.memory};
            Buffers first = buffers(tile, own, i, group, 1), second = buffers(tile, own, i + 1, group, 1);
            first.scratch = sums.scratch;
            const Range range = slice_range(rows, first);
            for (int y = range.first; y < range.end; y++) {
                layers[i + 1]->backward_rows(second, y, 1, y == range.first);
                layers[i]->backward_rows(first, y * step, step, y == range.first);
            }
        }
    });
    layers[i]->finish_backward_rows(sums);
}

void Engine::run_forward(const StriateImages& images, const Tile& tile) {
    for (int g = 0; g < tile.groups; g++) {
        const double begun = tile.timed ? now() : 0.0;
        float* to = tile.memory + values[0].start + values[0].maps.origin() + g * values[0].group;
        in_parts(tile, 0, tile.threads, [&](const Part& part) {
            images_to_lanes(images, tile.first + g * GROUP, values[0].maps, to, part.number, part.count);
        });
        if (tile.timed) seconds[0] += now() - begun;
        for (int i = 0; i < front; i++) {
            if (hand_in_hand(i + 1)) forward_pair(images, tile, i++, g);
            else run_layer(tile, i, g, 1, false);
        }
    }
    for (int i = front; i < int(layers.size()); i++) run_layer(tile, i, 0, tile.groups, false);
}

Score Engine::run_loss(const StriateImages& images, const StriateTarget& target, const Tile& tile) const {
    const int classes = layers.back()->layer.output[0];
    const Place &outputs = values.back(), &to = gradients.back();
    Score sum;
    for (int g = 0; g < tile.groups; g++) {
        const int64_t first = tile.first + g * GROUP;
        const int count = int(std::min<int64_t>(GROUP, images.count - first));
        int64_t labels[GROUP];
        for (int i = 0; i < count; i++)
            labels[i] = target.labels[images.indices ? images.indices[first + i] : first + i];
        const Score one = score(target, tile.memory + outputs.start + g * outputs.group,
                                tile.memory + to.start + g * to.group, classes, labels, count, images.count);
        sum.loss += one.loss, sum.right += one.right;
    }
    return sum;
}

void Engine::run_backward(const Tile& tile) {
    const int count = int(layers.size());
    for (int i = count - 1; i >= std::max(front, trained); i--) run_layer(tile, i, 0, tile.groups, true);
    for (int g = 0; g < tile.groups; g++)
        for (int i = std::min(front, count) - 1; i >= trained; i--) {
            if (i > trained && hand_in_hand(i)) backward_pair(tile, --i, g);
            else run_layer(tile, i, g, 1, true);
        }
}

void Engine::forward(const StriateImages& images, float* outputs, int thread_count) {
    const Cut cut(images.count);
    if (!cut.tiles) return;
    if (single && images.count <= FEW) return single->forward(images, outputs);
    prepare(thread_count, 0);
    pack(thread_count);
    const StriateLayer& last = layers.back()->layer;
    const int64_t features = int64_t(last.output[0]) * last.output[1] * last.output[2];
    threads.run(int(cut.tiles), thread_count, [&](int number, int thread) {
        const int64_t first = cut.begin(number) * GROUP, end = cut.begin(number + 1) * GROUP;
        const int64_t count = std::min(end, images.count) - first;
        const Tile tile{memories[thread].data(),
                        nullptr,
                        first,
                        first + TILE * thread_count,
                        int((count + GROUP - 1) / GROUP),
                        0,
                        false,
                        false,
                        false,
                        cut.tiles > 1 ? 1 : thread_count};
        run_forward(images, tile);
        for (int64_t i = 0; i < count; i++) {
            const float* from = tile.memory + values.back().start + i / GROUP * values.back().group + i % GROUP;
            for (int64_t f = 0; f < features; f++) outputs[(first + i) * features + f] = from[f * GROUP];
        }
    });
}

StriateResult Engine::step(const StriateImages& images, const StriateTarget& target, const StriateUpdate& update,
                           int thread_count) {
    const Cut cut(images.count);
    const auto most =
        std::max<ptrdiff_t>(1, SHARD_MEMORY / std::max<ptrdiff_t>(1, shard_size * ptrdiff_t(sizeof(float))));
    const int shard_count = int(std::min<int64_t>({cut.tiles, MOST_SHARDS, most}));
    prepare(thread_count, std::max(1, shard_count));
    pack(thread_count);
    std::vector<Score> scores(std::max(1, shard_count));
    if (!shard_count) std::fill(shards[0].data(), shards[0].data() + shard_size, 0.0f);
    threads.run(shard_count, thread_count, [&](int number, int thread) {
        Tile tile{
            memories[thread].data(),           shards[number].data(), 0, 0, 0, target.seed, true, thread == 0, true,
            shard_count > 1 ? 1 : thread_count};
        const int64_t begin = cut.tiles * number / shard_count, end = cut.tiles * (number + 1) / shard_count;
        for (int64_t t = begin; t < end; t++) {
            tile.overwrite = t == begin;
            tile.first = cut.begin(t) * GROUP;
            tile.next = tile.first + (cut.tiles == shard_count ? thread_count : 1) * TILE;
            tile.groups = int(cut.begin(t + 1) - cut.begin(t));
            run_forward(images, tile);
            const double begun = now();
            const Score one = run_loss(images, target, tile);
            scores[number].loss += one.loss, scores[number].right += one.right;
            if (tile.timed) seconds[1] += now() - begun;
            run_backward(tile);
        }
    });
    const double begun = now();
    finish(update, std::max(1, shard_count), thread_count);
    seconds[2] += now() - begun;
    StriateResult result{0, 0};
    for (const Score& each : scores) result.loss += each.loss, result.right += each.right;
    if (images.count) result.loss /= double(images.count);
    return result;
}

// The shards' gradients added up in their order, and what the optimiser does with them.
void Engine::finish(const StriateUpdate& update, int shard_count, int thread_count) {
    const bool few = shard_size <= FEW_PARAMETERS;
    threads.run(
        few ? thread_count : int(chunks.size()), thread_count,
        [&](int number, int) {
            if (!few) return finish(update, shard_count, chunks[number]);
            for (int p = 0; p < int(parameters.size()); p++) {
                const ptrdiff_t size = parameters[p].size, lines = (size + LINE - 1) / LINE;
                const ptrdiff_t first = lines * number / thread_count * LINE;
                finish(update, shard_count,
                       {p, first, std::min(size, lines * (number + 1) / thread_count * LINE) - first});
            }
        },
        !few);
}

void Engine::finish(const StriateUpdate& update, int shard_count, const Chunk& chunk) {
    const Parameter& parameter = parameters[chunk.parameter];
    float* __restrict to = parameter.gradient + chunk.first;
    const ptrdiff_t start = parameter.start + chunk.first;
    const float* __restrict one = shards[0].data() + start, * __restrict two = shards[shard_count > 1].data() + start;
    if (shard_count == 1) std::memcpy(to, one, sizeof(float) * chunk.count);
    else
        for (ptrdiff_t i = 0; i < chunk.count; i++) to[i] = one[i] + two[i];
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
    std::fill(to, to + 3 + 2 * given, 0.0);
    std::copy(seconds.begin(), seconds.begin() + 3, to);
    for (int i = 0, at = -1; i < count; i++) {
        at += !copies[i];  // a copy's time is its layer's
        to[3 + at] += seconds[3 + i], to[3 + given + at] += seconds[3 + count + i];
    }
    std::fill(seconds.begin(), seconds.end(), 0.0);
}

}  // namespace striate
