#include "engine/parameters.hpp"

#include <cstring>

#include "engine/update.hpp"

namespace striate {
namespace {

// Parameters that a thread adds up and updates at a time.
constexpr ptrdiff_t CHUNK_SIZE = 4096;
// Networks with at most this many parameters are not cut into chunks: each thread updates the same range of the
// parameters in each step, which stays in its own cache.
constexpr ptrdiff_t MAX_UNCHUNKED_PARAMETERS = ptrdiff_t(1) << 18;
constexpr ptrdiff_t LINE = 16;  // floats in a cache line

}  // namespace

ptrdiff_t weights_of(const StriateLayer& layer) {
    switch (layer.kind) {
        case CONVOLUTION: return ptrdiff_t(layer.links) * layer.kernel[0] * layer.kernel[1];
        case LINEAR: return ptrdiff_t(layer.input[0]) * layer.input[1] * layer.input[2] * layer.output[0];
        default: return layer.output[0];
    }
}

ptrdiff_t biases_of(const StriateLayer& layer) {
    const ptrdiff_t positions = layer.kind == POSITION_BIAS ? ptrdiff_t(layer.output[1]) * layer.output[2] : 1;
    return layer.output[0] * positions;
}

bool trains(const StriateLayer& layer) { return layer.weight_gradient || layer.bias_gradient; }

void Parameters::add(float* value, float* gradient, ptrdiff_t size, int layer, bool bias) {
    if (!gradient) return;
    all.push_back({value, gradient, size, shard_size, layer, bias});
    shard_size += (size + LINE - 1) / LINE * LINE;
}

void Parameters::add(const StriateLayer& layer, int number) {
    add(layer.weight, layer.weight_gradient, weights_of(layer), number, false);
    add(layer.bias, layer.bias_gradient, biases_of(layer), number, true);
}

void Parameters::add_complete(float* value, float* gradient, ptrdiff_t size, int layer) {
    all.push_back({value, gradient, size, -1, layer, false});
}

void Parameters::cut_into_chunks() {
    for (int i = 0; i < int(all.size()); i++)
        for (ptrdiff_t first = 0; first < all[i].size; first += CHUNK_SIZE)
            chunks.push_back({i, first, std::min(CHUNK_SIZE, all[i].size - first)});
}

int Parameters::shard_count(int64_t parts) const {
    const auto that_fit =
        std::max<ptrdiff_t>(1, SHARD_BYTES / std::max<ptrdiff_t>(1, shard_size * ptrdiff_t(sizeof(float))));
    return int(std::min<int64_t>({parts, MAX_SHARDS, that_fit}));
}

void Parameters::prepare(int count) {
    while (int(shards.size()) < count) shards.emplace_back(shard_size);
    if (!poison_requested()) return;
    for (AlignedFloats& each : shards) each.poison();
}

void Parameters::clear() {
    std::fill(shard(0), shard(0) + shard_size, 0.0f);
    for (const Parameter& each : all)
        if (each.start < 0) std::fill(each.gradient, each.gradient + each.size, 0.0f);
}

void Parameters::reduce_and_update(const StriateUpdate& update, int shard_count, Threads& threads, int thread_count) {
    const bool unchunked = shard_size <= MAX_UNCHUNKED_PARAMETERS;
    threads.run(
        unchunked ? thread_count : int(chunks.size()), thread_count,
        [&](int number, int) {
            if (!unchunked) return reduce_and_update(update, shard_count, chunks[number]);
            for (int p = 0; p < int(all.size()); p++) {
                const ptrdiff_t size = all[p].size, lines = (size + LINE - 1) / LINE;
                const ptrdiff_t first = lines * number / thread_count * LINE;
                reduce_and_update(update, shard_count,
                                  {p, first, std::min(size, lines * (number + 1) / thread_count * LINE) - first});
            }
        },
        !unchunked);
}

void Parameters::reduce_and_update(const StriateUpdate& update, int shard_count, const Chunk& chunk) {
    const Parameter& parameter = all[chunk.parameter];
    float* __restrict to = parameter.gradient + chunk.first;
    const ptrdiff_t start = parameter.start + chunk.first;
    if (parameter.start >= 0) {
        const float* __restrict first = shard(0) + start, * __restrict second = shard(shard_count > 1) + start;
        if (shard_count == 1) std::memcpy(to, first, sizeof(float) * chunk.count);
        else
            for (ptrdiff_t i = 0; i < chunk.count; i++) to[i] = first[i] + second[i];
        for (int s = 2; s < shard_count; s++) {
            const float* __restrict from = shard(s) + start;
            for (ptrdiff_t i = 0; i < chunk.count; i++) to[i] += from[i];
        }
    }
    if (update.rule != GRADIENTS)
        apply(update, chunk.parameter, chunk.first, chunk.count, parameter.value, parameter.gradient);
}

}  // namespace striate
