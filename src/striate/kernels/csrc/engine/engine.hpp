// engine/: a whole network. Start with this file, then read `Engine::step` in engine.cpp.
//   engine         steps and forward passes of networks whose layers follow each other; other networks: graph/
//   passes         the forward and backward passes of one cache tile
//   construction   the layers, and where their maps, gradients and parameters lie in memory
//   batch_tiles    how a batch is cut into cache tiles
//   parameters     gradients added up over shards, and the update
//   runner         what the C interface calls: an Engine, or a graph
//   loss, update   losses; optimisers
//   threads        the threads; shared_pool: those of layers that run on their own
// An Engine runs all layers over one cache tile (two lane groups) before the next tile, so that maps stay in the cache.
#pragma once

#include <memory>
#include <vector>

#include "engine/batch_tiles.hpp"
#include "engine/loss.hpp"
#include "engine/parameters.hpp"
#include "engine/runner.hpp"
#include "layers/operation.hpp"
#include "layout/aligned_floats.hpp"
#include "one_image/one_image.hpp"

namespace striate {

class Engine final : public Runner {
public:
    Engine(const StriateLayer* layers, int count);

    void forward(const StriateImages& images, float* outputs, int threads) override;
    StriateResult step(const StriateImages& images, const StriateTarget& target, const StriateUpdate& update,
                       int threads) override;
    void profile(double* seconds) override;

private:
    struct BufferLayout {  // where a buffer for maps lies in every thread's buffer
        Maps maps;
        ptrdiff_t start = 0, group_stride = 0;  // offset of the first lane group's, and distance to the next one's
        bool per_thread = false;  // each thread that works on a tile uses its own, not that of the tile's thread
    };
    struct CacheTile {        // one cache tile and the buffers for its passes
        float* buffer;        // of the thread that runs the tile
        float* shard;         // null for inference
        int64_t first, next;  // the first image; and the first of the tile that this thread will probably run next
        int groups;
        uint64_t seed;
        bool training, timed;
        bool overwrite;  // the shard holds no gradients yet: write them instead of adding
        int threads;     // threads that share this tile: more than one if the others have no tile of their own
    };
    struct Slice {  // one of `count` slices of a layer's pass over a tile, and the buffer of the thread that runs it
        int number, count;
        float* buffer;
    };
    // construction.cpp
    void add(const StriateLayer& layer);
    bool add_copy(bool needed = false);
    void lay_out_buffers();
    bool fused_with_previous(int pooling) const;
    // engine.cpp
    void prepare(int threads, int shards);
    void poison();
    void pack(int threads);
    // passes.cpp
    void run_forward(const StriateImages& images, const CacheTile& tile);
    Score run_loss(const StriateImages& images, const StriateTarget& target, const CacheTile& tile) const;
    void run_backward(const CacheTile& tile);
    template <class Work>
    void in_slices(const CacheTile& tile, int layer, int max_slices, Work work);
    Buffers buffers(const CacheTile& tile, const Slice& slice, int layer, int group, int groups) const;
    void run_layer(const CacheTile& tile, int layer, int group, int groups, bool backward);
    void forward_fused(const StriateImages& images, const CacheTile& tile, int convolution, int group);
    void backward_fused(const CacheTile& tile, int convolution, int group);
    void backward_fused_bands(const CacheTile& tile, int convolution, int group);

    int layers_given;  // the number of layers that Python gave
    std::vector<std::unique_ptr<Operation>> layers;
    std::vector<bool> is_copy;  // of each layer: added by the engine to give a gradient margins
    int first_flat = 0;         // layers before this one run one lane group at a time, the others the whole cache tile
    int first_trained = 0;      // the first layer with parameters: no gradients are computed below it
    std::vector<BufferLayout> value_buffers, gradient_buffers;  // [i]: the input of layer i; its gradient
    std::vector<BufferLayout> argmax_buffers;
    ptrdiff_t scratch_size = 0, thread_buffer_size = 0;  // in floats
    Parameters parameters;
    std::vector<int> first_parameter;  // of each layer: index in `parameters`
    std::vector<AlignedFloats> thread_buffers;
    std::vector<double> seconds;  // of images, loss, update; then forward and backward of each layer
    OneImage one_image;
};

}  // namespace striate
