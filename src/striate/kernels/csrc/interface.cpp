// The C interface. Nothing is thrown across it.
#include "interface.hpp"

#include <new>

#include "engine.hpp"

using striate::Engine;

extern "C" {

void* striate_new(const StriateLayer* layers, int32_t count) {
    try {
        return new Engine(layers, count);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void striate_free(void* engine) { delete static_cast<Engine*>(engine); }

void striate_forward(void* engine, const StriateImages* images, float* outputs, int32_t threads) {
    static_cast<Engine*>(engine)->forward(*images, outputs, threads);
}

void striate_step(void* engine, const StriateImages* images, const StriateTarget* target, const StriateUpdate* update,
                  int32_t threads, StriateResult* result) {
    *result = static_cast<Engine*>(engine)->step(*images, *target, *update, threads);
}

void striate_warp(void* engine, const StriateImages* images, const StriateWarp* warp, float* to, int32_t threads) {
    static_cast<Engine*>(engine)->warp(*images, *warp, to, threads);
}

void striate_profile(void* engine, double* seconds) { static_cast<Engine*>(engine)->profile(seconds); }

int32_t striate_lanes(void) { return striate::LANES; }

}
