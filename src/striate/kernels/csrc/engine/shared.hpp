// The threads and the memory that all layers use which run on their own: one runs at a time.
#pragma once

#include <mutex>
#include <vector>

#include "engine/threads.hpp"
#include "layout/aligned_floats.hpp"

namespace striate {

struct Shared {
    std::mutex mutex;
    Threads threads;
    std::vector<AlignedFloats> memories, shards;
    ptrdiff_t memory_size = 0, shard_size = 0;

    // Memory of so many floats for each thread, and for each part of the batch with gradients of its own.
    void prepare(int thread_count, ptrdiff_t memory, int shard_count, ptrdiff_t shard) {
        grow(memories, memory_size, thread_count, memory);
        grow(shards, shard_size, shard_count, shard);
        if (!poison_requested()) return;
        for (std::vector<AlignedFloats>* all : {&memories, &shards})
            for (AlignedFloats& each : *all) each.poison();
    }

private:
    static void grow(std::vector<AlignedFloats>& all, ptrdiff_t& size, int count, ptrdiff_t wanted) {
        if (wanted > size) all.clear(), size = wanted;
        while (int(all.size()) < count) all.emplace_back(size);
    }
};

// Never taken down: threads of a process that ends need not be waited for.
Shared& shared();

}  // namespace striate
