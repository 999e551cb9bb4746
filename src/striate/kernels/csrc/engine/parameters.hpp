// A network's parameters: their gradients in shards, which are added up, and their update.
#pragma once

#include <vector>

#include "api/interface.hpp"
#include "engine/threads.hpp"
#include "layout/aligned_floats.hpp"

namespace striate {

// Shards are parts of a batch with parameter gradients of their own. Networks with many parameters get fewer shards, so
// that all of them together take at most SHARD_BYTES.
constexpr int MAX_SHARDS = 8;
constexpr ptrdiff_t SHARD_BYTES = ptrdiff_t(256) << 20;

struct Parameter {
    float *value, *gradient;
    ptrdiff_t size, start;  // start: offset in a shard; negative: `gradient` is complete without shards
    int layer;
    bool bias;
};

class Parameters {
public:
    void add(const StriateLayer& layer, int number);  // a layer's weight and bias, if they have gradients
    void add_complete(float* value, float* gradient, ptrdiff_t size, int layer);
    // To be called when all have been added.
    void cut_into_chunks();

    int shard_count(int64_t parts) const;  // at least one
    void prepare(int shards);
    float* shard(int number) { return shards[number].data(); }
    void clear();  // the first shard, and gradients that are complete
    // Adds up the gradients of all shards, always in the same order, and applies the optimiser's rule.
    void reduce_and_update(const StriateUpdate& update, int shards, Threads& threads, int thread_count);

    std::vector<Parameter> all;

private:
    struct Chunk {  // a range of one parameter
        int parameter;
        ptrdiff_t first, count;
    };

    void add(float* value, float* gradient, ptrdiff_t size, int layer, bool bias);
    void reduce_and_update(const StriateUpdate& update, int shard_count, const Chunk& chunk);

    ptrdiff_t shard_size = 0;  // in floats
    std::vector<Chunk> chunks;
    std::vector<AlignedFloats> shards;
};

// The number of values of a layer's weight.
ptrdiff_t weights_of(const StriateLayer& layer);
ptrdiff_t biases_of(const StriateLayer& layer);
bool trains(const StriateLayer& layer);

}  // namespace striate
