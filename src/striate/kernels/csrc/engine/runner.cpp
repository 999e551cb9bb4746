#include "engine/runner.hpp"

#include <algorithm>
#include <chrono>

#include "augment/warp.hpp"
#include "simd/vector.hpp"

namespace striate {

double Runner::now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Runner::warp(const StriateImages& images, const StriateWarp& warp, float* to, int thread_count) {
    const int64_t size = int64_t(warp.shape[0]) * warp.shape[1] * warp.shape[2];
    threads.run(int((images.count + GROUP - 1) / GROUP), thread_count, [&](int number, int) {
        Warper warper(warp);
        const int64_t first = int64_t(number) * GROUP;
        for (int64_t i = first; i < std::min(first + GROUP, images.count); i++) warper.run(images, i, to + i * size);
    });
}

}  // namespace striate
