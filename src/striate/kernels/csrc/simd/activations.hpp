// Activation functions and their derivatives, one vector at a time. A derivative is computed from the function's value;
// the functions from SILU on have none here, and `multiply_by_derivative` throws std::invalid_argument.
#pragma once

#include "api/interface.hpp"
#include "simd/vector.hpp"

namespace striate {

constexpr float AMPLITUDE = 1.7159f, SLOPE = 2.0f / 3.0f;  // of the scaled tanh: LeNet-5, appendix A
constexpr float LEAK = 0.01f;                              // of the leaky ReLU, as PyTorch has it by default

// e^x − 1, accurate to a few units in the last place for |x| ≤ 87; NaN stays NaN.
inline Vector expm1_of(Vector x) {
    constexpr float LOG2_E = 1.44269504f, LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f;
    constexpr float ROUND = 12582912.0f;  // 1.5 · 2^23: adding it leaves the nearest integer in the low bits
    Vector shifted = x * LOG2_E + ROUND;
    Vector integer = shifted - ROUND;
    Vector remainder = x - integer * LN2_HIGH - integer * LN2_LOW;
    // Taylor series of (e^r − 1 − r) / r², accurate enough for |r| ≤ ln(2) / 2.
    Vector series = broadcast(1.0f / 5040);
    series = series * remainder + 1.0f / 720;
    series = series * remainder + 1.0f / 120;
    series = series * remainder + 1.0f / 24;
    series = series * remainder + 1.0f / 6;
    series = series * remainder + 0.5f;
    Vector small = remainder + remainder * remainder * series;
    IntVector exponent = (bit_cast<IntVector>(shifted) - bit_cast<int32_t>(ROUND) + 127) << 23;
    Vector power = bit_cast<Vector>(exponent);  // 2^integer
    return power * small + (power - 1.0f);
}

inline Vector clamp(Vector x, float limit) {
    x = x > limit ? broadcast(limit) : x;
    return x < -limit ? broadcast(-limit) : x;
}

inline Vector tanh_of(Vector x) {
    Vector grown = expm1_of(clamp(2.0f * x, 20.0f));
    return grown / (grown + 2.0f);
}

inline Vector sigmoid_of(Vector x) { return 1.0f / (2.0f + expm1_of(clamp(-x, 87.0f))); }

// The error function as x · P(x²) / Q(x²), fitted here by weighted least squares: within 2e-8 for |x| < 3.92. From there
// on it is exactly ±1, so that GELU is 0 however far below 0 its input is. NaN stays NaN.
inline Vector erf_of(Vector x) {
    constexpr float ONE_FROM = 3.92f;
    const Vector square = x * x;
    Vector above = broadcast(2.05002997e-6f);
    above = above * square + 2.84875298e-4f;
    above = above * square + 3.76552533e-3f;
    above = above * square + 5.27484383e-2f;
    above = above * square + 0.19040506f;
    above = above * square + 1.12837915f;
    Vector below = broadcast(3.80907285e-5f);
    below = below * square + 1.16250295e-3f;
    below = below * square + 1.49690433e-2f;
    below = below * square + 0.114108439f;
    below = below * square + 0.502074833f;
    below = below * square + 1.0f;
    const Vector inside = x >= ONE_FROM ? broadcast(1.0f) : x * above / below;
    return x <= -ONE_FROM ? broadcast(-1.0f) : inside;
}

// The comparison is written so that NaN stays NaN, as in PyTorch.
inline Vector relu_of(Vector x) { return max_of(in_register(Vector{}), x); }

inline Vector relu6_of(Vector x) {
    const Vector positive = relu_of(x);
    return positive > 6.0f ? broadcast(6.0f) : positive;
}

inline Vector hard_sigmoid_of(Vector x) { return relu6_of(x + 3.0f) / 6.0f; }

// Far below 0, where e^x would be no number of float32 any more, 0; −∞ becomes NaN, as in PyTorch.
inline Vector silu_of(Vector x) { return x < -87.0f ? x * 0.0f : x * sigmoid_of(x); }

inline Vector gelu_of(Vector x) { return 0.5f * x * (1.0f + erf_of(0.70710678f * x)); }

// GELU with a tanh in place of the error function: sqrt(2 / π) · (x + 0.044715 · x³).
inline Vector gelu_tanh_of(Vector x) { return 0.5f * x * (1.0f + tanh_of(0.79788456f * (x + 0.044715f * x * x * x))); }

inline Vector activated(int function, Vector x) {
    switch (function) {
        case RELU: return relu_of(x);
        case TANH: return tanh_of(x);
        case SCALED_TANH: return AMPLITUDE * tanh_of(SLOPE * x);
        case SIGMOID: return sigmoid_of(x);
        case RELU6: return relu6_of(x);
        case LEAKY_RELU: return x > 0.0f ? x : LEAK * x;
        case ELU: return x > 0.0f ? x : expm1_of(clamp(x, 87.0f));
        case HARD_SIGMOID: return hard_sigmoid_of(x);
        case SILU: return silu_of(x);
        case GELU: return gelu_of(x);
        case GELU_TANH: return gelu_tanh_of(x);
        case HARD_SWISH: return x * hard_sigmoid_of(x);
        default: return x;
    }
}

// gradient · f′(x), computed from y = f(x).
inline Vector times_derivative(int function, Vector y, Vector gradient) {
    switch (function) {
        case RELU: return y <= 0.0f ? Vector{} : gradient;
        case TANH: return gradient * (1.0f - y * y);
        case SCALED_TANH: return gradient * (SLOPE * AMPLITUDE - (SLOPE / AMPLITUDE) * (y * y));
        case SIGMOID: return gradient * (y * (1.0f - y));
        case RELU6: return y <= 0.0f ? Vector{} : y >= 6.0f ? Vector{} : gradient;
        case LEAKY_RELU: return y > 0.0f ? gradient : LEAK * gradient;
        case ELU: return y > 0.0f ? gradient : gradient * (y + 1.0f);
        case HARD_SIGMOID: return y <= 0.0f ? Vector{} : y >= 1.0f ? Vector{} : gradient / 6.0f;
        default: return gradient;
    }
}

// Both work in place, on `count` positions of 16 lanes. `multiply_by_derivative` multiplies gradients by f′, computed
// from the values y = f(x).
void activate(int function, float* values, ptrdiff_t count);
void multiply_by_derivative(int function, const float* values, float* gradients, ptrdiff_t count);

}  // namespace striate
