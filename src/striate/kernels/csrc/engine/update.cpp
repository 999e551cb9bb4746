#include "engine/update.hpp"

#include <cmath>

namespace striate {
namespace {

void adamw(const StriateUpdate& u, ptrdiff_t count, float* __restrict p, const float* __restrict gradient,
           float* __restrict first, float* __restrict second) {
    const float decay_factor = float(1 - u.rate * u.weight_decay), epsilon = float(u.epsilon);
    const float first_part = float(1 - u.first_decay);
    const float second_decay = float(u.second_decay), second_part = float(1 - u.second_decay);
    const float size = float(u.rate / (1 - std::pow(u.first_decay, u.step)));
    const float correction = float(1 / std::sqrt(1 - std::pow(u.second_decay, u.step)));
    for (ptrdiff_t i = 0; i < count; i++) {
        first[i] += first_part * (gradient[i] - first[i]);
        second[i] = second_decay * second[i] + second_part * gradient[i] * gradient[i];
        p[i] = decay_factor * p[i] - size * first[i] / (std::sqrt(second[i]) * correction + epsilon);
    }
}

void sgd(const StriateUpdate& u, ptrdiff_t count, float* __restrict p, const float* __restrict gradient,
         float* __restrict momentum) {
    const float rate = float(u.rate), decay = float(u.weight_decay), decay_factor = float(u.first_decay);
    for (ptrdiff_t i = 0; i < count; i++) {
        float step = gradient[i] + decay * p[i];
        if (momentum) step = momentum[i] = decay_factor * momentum[i] + step;
        p[i] -= rate * step;
    }
}

void update_average(const StriateUpdate& u, ptrdiff_t count, const float* __restrict p, float* __restrict average) {
    const float part = float(u.average_part);
    for (ptrdiff_t i = 0; i < count; i++) average[i] += part * (p[i] - average[i]);
}

}  // namespace

void apply(const StriateUpdate& u, int slot, ptrdiff_t first, ptrdiff_t count, float* parameter,
           const float* gradient) {
    if (u.rule == ADAMW)
        adamw(u, count, parameter + first, gradient + first, u.first[slot] + first, u.second[slot] + first);
    if (u.rule == SGD)
        sgd(u, count, parameter + first, gradient + first, u.first[slot] ? u.first[slot] + first : nullptr);
    if (u.average_part > 0) update_average(u, count, parameter + first, u.average[slot] + first);
}

}  // namespace striate
