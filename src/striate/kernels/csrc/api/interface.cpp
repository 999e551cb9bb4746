// The exports: each calls one function through `guarded`, so that nothing is thrown across the C interface.
#include "api/interface.hpp"

#include "api/guard.hpp"
#include "engine/engine.hpp"
#include "go/positions.hpp"
#include "graph/graph.hpp"
#include "layers/join.hpp"
#include "layers/single_layer.hpp"
#include "online/online_trainer.hpp"

using striate::Engine;
using striate::Graph;
using striate::guarded;
using striate::made;
using striate::OnlineTrainer;
using striate::Runner;
using striate::SingleLayer;

extern "C" {

int32_t striate_new(const StriateLayer* layers, int32_t count, void** engine) {
    return made<Runner, Engine>(engine, layers, count);
}

int32_t striate_graph_new(const StriateNode* nodes, int32_t count, const int32_t* input, void** engine) {
    return made<Runner, Graph>(engine, nodes, count, input);
}

void striate_free(void* engine) { delete static_cast<Runner*>(engine); }

int32_t striate_forward(void* engine, const StriateImages* images, float* outputs, int32_t threads) {
    return guarded([&] { static_cast<Runner*>(engine)->forward(*images, outputs, threads); });
}

int32_t striate_step(void* engine, const StriateImages* images, const StriateTarget* target,
                     const StriateUpdate* update, int32_t threads, StriateResult* result) {
    return guarded([&] { *result = static_cast<Runner*>(engine)->step(*images, *target, *update, threads); });
}

int32_t striate_warp(void* engine, const StriateImages* images, const StriateWarp* warp, float* to, int32_t threads) {
    return guarded([&] { static_cast<Runner*>(engine)->warp(*images, *warp, to, threads); });
}

int32_t striate_profile(void* engine, double* seconds) {
    return guarded([&] { static_cast<Runner*>(engine)->profile(seconds); });
}

int32_t striate_layer_new(const StriateLayer* layer, int32_t input_function, void** handle) {
    return made<SingleLayer, SingleLayer>(handle, *layer, input_function);
}

void striate_layer_free(void* layer) { delete static_cast<SingleLayer*>(layer); }

int32_t striate_layer_forward(void* layer, const StriatePass* pass, int32_t threads) {
    return guarded([&] { static_cast<SingleLayer*>(layer)->forward(*pass, threads); });
}

int32_t striate_layer_backward(void* layer, const StriatePass* pass, int32_t threads) {
    return guarded([&] { static_cast<SingleLayer*>(layer)->backward(*pass, threads); });
}

int32_t striate_join_forward(const StriateJoin* join, int32_t threads) {
    return guarded([&] { striate::join_forward(*join, threads); });
}

int32_t striate_join_backward(const StriateJoin* join, int32_t threads) {
    return guarded([&] { striate::join_backward(*join, threads); });
}

int32_t striate_to_groups(const float* images, float* groups, int64_t count, int32_t channels, int32_t positions,
                          int32_t threads) {
    return guarded([&] { striate::to_groups(images, groups, {count, channels, positions}, threads); });
}

int32_t striate_from_groups(const float* groups, float* images, int64_t count, int32_t channels, int32_t positions,
                            int32_t threads) {
    return guarded([&] { striate::from_groups(groups, images, {count, channels, positions}, threads); });
}

int32_t striate_pattern_new(const StriateLayer* layers, int32_t count, void** pattern) {
    return made<OnlineTrainer, OnlineTrainer>(pattern, layers, count);
}

void striate_pattern_free(void* pattern) { delete static_cast<OnlineTrainer*>(pattern); }

int32_t striate_pattern_learn(void* pattern, const StriateImages* images, const StriateTarget* target,
                              const float* const* rates, StriateResult* result) {
    return guarded([&] { *result = static_cast<OnlineTrainer*>(pattern)->learn(*images, *target, rates); });
}

int32_t striate_pattern_curvature(void* pattern, const StriateImages* images, const StriateTarget* target,
                                  float* const* sums) {
    return guarded([&] { static_cast<OnlineTrainer*>(pattern)->curvature(*images, *target, sums); });
}

int32_t striate_go_legal(const StriateGo* games, int64_t* lengths) {
    return guarded([&] { striate::go::legal_lengths(*games, lengths); });
}

int32_t striate_go_planes(const StriateGo* positions, uint8_t* planes) {
    return guarded([&] { striate::go::planes_of_games(*positions, planes); });
}

int32_t striate_go_boards(const StriateGo* positions, const StriateGoBoards* boards, uint8_t* planes) {
    return guarded([&] { striate::go::planes_of_boards(*positions, *boards, planes); });
}
}
