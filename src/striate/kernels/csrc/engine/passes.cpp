// The passes of the engine over one cache tile: forward, loss and backward, layer by layer.
#include "engine/engine.hpp"
#include "layout/images.hpp"

namespace striate {
namespace {

// The least work of a slice, in multiplications per image: a few times the time to hand it to another thread.
constexpr int64_t SLICE_PRODUCTS = 5000;

}  // namespace

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
    for (size_t p = first_parameter[i]; tile.shard && p < parameters.all.size() && parameters.all[p].layer == i; p++)
        (parameters.all[p].bias ? b.bias_gradient : b.weight_gradient) = tile.shard + parameters.all[p].start;
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
    const StriateLayer& last = layers.back()->layer;
    const int classes = last.output[0] * last.output[1] * last.output[2];
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
                  tile.buffer + to.start + g * to.group_stride, classes, labels, count, first, images.count);
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

}  // namespace striate
