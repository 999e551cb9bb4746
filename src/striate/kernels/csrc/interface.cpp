// The C interface. Nothing is thrown across it.
#include "interface.hpp"

#include <new>

#include "alone.hpp"
#include "engine.hpp"
#include "join.hpp"

using striate::Alone;
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

void* striate_layer_new(const StriateLayer* layer, int32_t input_function) {
    try {
        return new Alone(*layer, input_function);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void striate_layer_free(void* layer) { delete static_cast<Alone*>(layer); }

void striate_layer_forward(void* layer, const StriatePass* pass, int32_t threads) {
    static_cast<Alone*>(layer)->forward(*pass, threads);
}

void striate_layer_backward(void* layer, const StriatePass* pass, int32_t threads) {
    static_cast<Alone*>(layer)->backward(*pass, threads);
}

void striate_join_forward(const StriateJoin* join, int32_t threads) { striate::join_forward(*join, threads); }

void striate_join_backward(const StriateJoin* join, int32_t threads) { striate::join_backward(*join, threads); }

void striate_to_groups(const float* images, float* groups, int64_t count, int32_t channels, int32_t positions,
                       int32_t threads) {
    striate::to_groups(images, groups, {count, channels, positions}, threads);
}

void striate_from_groups(const float* groups, float* images, int64_t count, int32_t channels, int32_t positions,
                         int32_t threads) {
    striate::from_groups(groups, images, {count, channels, positions}, threads);
}

int32_t striate_lanes(void) { return striate::LANES; }

}
