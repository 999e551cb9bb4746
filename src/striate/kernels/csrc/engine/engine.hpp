// A network's layers, run forward and backward over two groups of sixteen images while they sit in the cache.
#pragma once

#include <memory>
#include <vector>

#include "engine/loss.hpp"
#include "engine/threads.hpp"
#include "layers/operation.hpp"
#include "layout/aligned_floats.hpp"
#include "one_image/single.hpp"

namespace striate {

// Groups that go through together: a dense layer uses each weight for all of them.
constexpr int TILE_GROUPS = 2, TILE = TILE_GROUPS * GROUP;
// The most parts of a batch with gradients of their own.
constexpr int MOST_SHARDS = 8;
constexpr ptrdiff_t SHARD_MEMORY = ptrdiff_t(256) << 20;  // bytes of all shards: fewer where parameters are many
constexpr ptrdiff_t CHUNK = 4096;                         // parameters that a thread adds up and updates at a time
// Parameters, at most, that are not dealt out in chunks: each thread keeps to the same share of them, which stays in
// its own cache, where it also has the most use for them.
constexpr ptrdiff_t FEW_PARAMETERS = ptrdiff_t(1) << 18;

class Engine {
public:
    Engine(const StriateLayer* layers, int count);

    void forward(const StriateImages& images, float* outputs, int threads);
    StriateResult step(const StriateImages& images, const StriateTarget& target, const StriateUpdate& update,
                       int threads);
    // Images moved and distorted, on the engine's threads.
    void warp(const StriateImages& images, const StriateWarp& warp, float* to, int threads);
    void profile(double* seconds);

private:
    struct Place {  // a buffer in a thread's memory: its layout, where it begins, and how far the next group's lies
        Maps maps;
        ptrdiff_t start = 0, group = 0;
        bool own = false;  // each thread has one for itself, whoever's the tile is
    };
    struct Parameter {
        float *value, *gradient;
        ptrdiff_t size, start;  // in a shard
        int layer;
        bool bias;
    };
    struct Tile {  // one thread's pass over one tile
        float* memory;
        float* shard;
        int64_t first, next;  // images; the next tile is where this thread will most likely go on
        int groups;
        uint64_t seed;
        bool training, timed;
        bool overwrite;  // the shard holds no gradients yet: write them instead of adding
        int threads;     // that pass over this tile: more than one where the others would have nothing to do
    };
    struct Part {  // of a layer's pass over a tile
        int number, count;
        float* memory;  // of its thread
    };
    // A batch in tiles of two groups. Where their number would be odd, the last two tiles have one each, so that two
    // threads end together. How a batch is cut depends on its size alone, so the order in which gradients are added
    // does too.
    struct Cut {
        static_assert(TILE_GROUPS == 2, "rounding up adds one, and the last two tiles are written out");
        explicit Cut(int64_t images) : groups((images + GROUP - 1) / GROUP), tiles((groups + 1) / TILE_GROUPS) {
            if (tiles % 2 && groups % TILE_GROUPS == 0) tiles++;
        }
        int64_t begin(int64_t tile) const { return tile < tiles ? std::min(tile * TILE_GROUPS, groups - 1) : groups; }
        int64_t groups, tiles;
    };
    struct Chunk {
        int parameter;
        ptrdiff_t first, count;
    };

    void add(const StriateLayer& layer);
    bool add_copy();
    void lay_out();
    void prepare(int threads, int shards);
    void poison();
    void pack(int threads);
    template <class Make>
    void in_parts(const Tile& tile, int layer, int most, Make make);
    Buffers buffers(const Tile& tile, const Part& part, int layer, int group, int groups) const;
    void run_forward(const StriateImages& images, const Tile& tile);
    Score run_loss(const StriateImages& images, const StriateTarget& target, const Tile& tile) const;
    void run_backward(const Tile& tile);
    void run_layer(const Tile& tile, int layer, int group, int groups, bool back);
    bool hand_in_hand(int pooling) const;
    void forward_pair(const StriateImages& images, const Tile& tile, int convolution, int group);
    void backward_pair(const Tile& tile, int convolution, int group);
    void backward_bands(const Tile& tile, int convolution, int group);
    void finish(const StriateUpdate& update, int shards, int threads);
    void finish(const StriateUpdate& update, int shards, const Chunk& chunk);

    int given;  // layers that Python asked for
    std::vector<std::unique_ptr<Operation>> layers;
    std::vector<bool> copies;  // layers that were put between them
    int front = 0;             // layers before this one run group by group, the others on a whole tile
    int trained = 0;           // the first layer with parameters: nobody asks for gradients below
    std::vector<Place> values, gradients, places;  // values[i] goes into layer i; places[i] is its memory
    ptrdiff_t scratch = 0, thread_size = 0, shard_size = 0;
    std::vector<Parameter> parameters;
    std::vector<int> first_parameter;  // of each layer
    std::vector<Chunk> chunks;
    std::vector<AlignedFloats> memories, shards;
    std::vector<double> seconds;
    std::unique_ptr<Single> single;  // for few images, where the layers allow it
    Threads threads;
};

}  // namespace striate
