#include "simd/activations.hpp"

#include <stdexcept>

namespace striate {
namespace {

template <int FUNCTION>
void activate_all(float* values, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count * GROUP; i += LANES) store(values + i, activated(FUNCTION, load(values + i)));
}

template <int FUNCTION>
void multiply_all(const float* values, float* gradients, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count * GROUP; i += LANES)
        store(gradients + i, times_derivative(FUNCTION, load(values + i), load(gradients + i)));
}

}  // namespace

void activate(int function, float* values, ptrdiff_t count) {
    switch (function) {
        case RELU: return activate_all<RELU>(values, count);
        case TANH: return activate_all<TANH>(values, count);
        case SCALED_TANH: return activate_all<SCALED_TANH>(values, count);
        case SIGMOID: return activate_all<SIGMOID>(values, count);
        case RELU6: return activate_all<RELU6>(values, count);
        case LEAKY_RELU: return activate_all<LEAKY_RELU>(values, count);
        case ELU: return activate_all<ELU>(values, count);
        case HARD_SIGMOID: return activate_all<HARD_SIGMOID>(values, count);
        case SILU: return activate_all<SILU>(values, count);
        case GELU: return activate_all<GELU>(values, count);
        case GELU_TANH: return activate_all<GELU_TANH>(values, count);
        case HARD_SWISH: return activate_all<HARD_SWISH>(values, count);
        case IDENTITY: return;
        default: throw std::invalid_argument("an unknown activation");
    }
}

void multiply_by_derivative(int function, const float* values, float* gradients, ptrdiff_t count) {
    switch (function) {
        case RELU: return multiply_all<RELU>(values, gradients, count);
        case TANH: return multiply_all<TANH>(values, gradients, count);
        case SCALED_TANH: return multiply_all<SCALED_TANH>(values, gradients, count);
        case SIGMOID: return multiply_all<SIGMOID>(values, gradients, count);
        case RELU6: return multiply_all<RELU6>(values, gradients, count);
        case LEAKY_RELU: return multiply_all<LEAKY_RELU>(values, gradients, count);
        case ELU: return multiply_all<ELU>(values, gradients, count);
        case HARD_SIGMOID: return multiply_all<HARD_SIGMOID>(values, gradients, count);
        case IDENTITY: return;
        default: throw std::invalid_argument("an activation without a derivative");
    }
}

}  // namespace striate
