#include "layers/join.hpp"

#include "engine/shared_pool.hpp"
#include "layout/images.hpp"
#include "simd/activations.hpp"
#include "simd/sums.hpp"

namespace striate {
namespace {

int64_t lane_groups_of(int64_t images) { return (images + GROUP - 1) / GROUP; }
int live_lanes(int64_t images, int64_t group) { return int(std::min<int64_t>(GROUP, images - group * GROUP)); }

// Calls task(group, channel, offset of the channel's values) for every channel of every lane group.
template <class Task>
void each_channel(const StriateJoin& join, int threads, Task task) {
    SharedPool& pool = shared_pool();
    const std::lock_guard<std::mutex> lock(pool.mutex);
    const ptrdiff_t size = ptrdiff_t(join.positions) * GROUP;
    pool.threads.run(int(lane_groups_of(join.images)), threads, [&](int g, int) {
        for (int c = 0; c < join.channels; c++) task(g, c, (ptrdiff_t(g) * join.channels + c) * size);
    });
}

}  // namespace

void join_forward(const StriateJoin& join, int threads) {
    const ptrdiff_t size = ptrdiff_t(join.positions) * GROUP;
    each_channel(join, threads, [&](int, int c, ptrdiff_t at) {
        const auto factor = [&](int term) { return join.scales[term] ? join.scales[term][c] : 1.0f; };
        const auto offset = [&](int term) { return join.scales[term] ? join.shifts[term][c] : 0.0f; };
        const float *first_term = join.terms[0] + at, *second_term = join.terms[1] ? join.terms[1] + at : nullptr;
        float* to = join.out + at;
        const Vector first_scale = broadcast(factor(0)), second_scale = broadcast(second_term ? factor(1) : 0.0f);
        const Vector shift = broadcast(offset(0) + (second_term ? offset(1) : 0.0f));
        for (ptrdiff_t i = 0; i < size; i += LANES) {
            const Vector sum = load(first_term + i) * first_scale + shift;
            const Vector total = second_term ? sum + load(second_term + i) * second_scale : sum;
            store(to + i, join.function == RELU ? relu_of(total) : total);
        }
        if (join.function != RELU) activate(join.function, to, join.positions);
    });
}

void join_backward(const StriateJoin& join, int threads) {
    const ptrdiff_t size = ptrdiff_t(join.positions) * GROUP;
    const int64_t groups = lane_groups_of(join.images);
    LaneGroupSums sums[2] = {{groups, join.channels}, {groups, join.channels}};
    each_channel(join, threads, [&](int g, int c, ptrdiff_t at) {
        for (int term = 0; term < 2; term++) {
            if (!join.gradients[term]) continue;
            float* to = join.gradients[term] + at;
            std::memcpy(to, join.out_gradient + at, sizeof(float) * size);
            multiply_by_derivative(join.function, join.out + at, to, join.positions);
            if (!join.scales[term]) continue;
            sums[term].add(g, c, to, join.terms[term] + at, join.positions, live_lanes(join.images, g));
            const Vector factor = broadcast(join.scales[term][c]);
            for (ptrdiff_t i = 0; i < size; i += LANES) store(to + i, load(to + i) * factor);
        }
    });
    for (int term = 0; term < 2; term++)
        if (join.scale_gradients[term]) sums[term].total(join.shift_gradients[term], join.scale_gradients[term]);
}

void to_groups(const float* images, float* groups, Extent extent, int threads) {
    SharedPool& pool = shared_pool();
    const std::lock_guard<std::mutex> lock(pool.mutex);
    const Maps maps{extent.channels, 1, extent.positions};
    const StriateImages given{nullptr, images, nullptr, extent.images, 0.0f, 1.0f};
    pool.threads.run(int(lane_groups_of(extent.images)), threads,
                     [&](int g, int) { images_to_lanes(given, int64_t(g) * GROUP, maps, groups + g * maps.size()); });
}

void from_groups(const float* groups, float* images, Extent extent, int threads) {
    SharedPool& pool = shared_pool();
    const std::lock_guard<std::mutex> lock(pool.mutex);
    const Maps maps{extent.channels, 1, extent.positions};
    pool.threads.run(int(lane_groups_of(extent.images)), threads, [&](int g, int) {
        lanes_to_images(groups + g * maps.size(), maps, images + g * maps.size(), live_lanes(extent.images, g));
    });
}

}  // namespace striate
