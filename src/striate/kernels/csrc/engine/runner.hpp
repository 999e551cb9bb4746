// A network behind the C interface, and what both kinds of networks share: the threads, and images moved by them.
#pragma once

#include "api/interface.hpp"
#include "engine/threads.hpp"

namespace striate {

class Runner {
public:
    virtual ~Runner() = default;

    virtual void forward(const StriateImages& images, float* outputs, int threads) = 0;
    virtual StriateResult step(const StriateImages& images, const StriateTarget& target, const StriateUpdate& update,
                               int threads) = 0;
    virtual void profile(double* seconds) = 0;
    // Moves and distorts images, on the network's threads.
    void warp(const StriateImages& images, const StriateWarp& warp, float* to, int thread_count);

protected:
    static double now();  // seconds

    Threads threads;
};

}  // namespace striate
