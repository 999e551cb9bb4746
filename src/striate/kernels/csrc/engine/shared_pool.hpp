// The threads and buffers shared by all layers and joins that run on their own; the mutex lets one of them run at a
// time.
#pragma once

#include <mutex>
#include <vector>

#include "engine/threads.hpp"
#include "layout/aligned_floats.hpp"

namespace striate {

struct SharedPool {
    std::mutex mutex;
    Threads threads;
    std::vector<AlignedFloats> thread_buffers, shards;
    ptrdiff_t thread_buffer_size = 0, shard_size = 0;

    // Provides a buffer of `thread_size` floats for each thread, and shards of `shard_floats` floats.
    void prepare(int thread_count, ptrdiff_t thread_size, int shard_count, ptrdiff_t shard_floats) {
        grow(thread_buffers, thread_buffer_size, thread_count, thread_size);
        grow(shards, shard_size, shard_count, shard_floats);
        if (!poison_requested()) return;
        for (std::vector<AlignedFloats>* all : {&thread_buffers, &shards})
            for (AlignedFloats& each : *all) each.poison();
    }

private:
    static void grow(std::vector<AlignedFloats>& all, ptrdiff_t& size, int count, ptrdiff_t floats) {
        if (floats > size) all.clear(), size = floats;
        while (int(all.size()) < count) all.emplace_back(size);
    }
};

// Never destroyed, so that a process that ends need not wait for the threads.
SharedPool& shared_pool();

}  // namespace striate
