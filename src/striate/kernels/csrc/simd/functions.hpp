// Activations and their derivatives, a vector at a time. A derivative is a function of the activation's value.
#pragma once

#include "api/interface.hpp"
#include "simd/vector.hpp"

namespace striate {

constexpr float AMPLITUDE = 1.7159f, SLOPE = 2.0f / 3.0f;  // of the scaled tanh: LeNet-5, appendix A

// e^x − 1 to a few units in the last place, for |x| ≤ 87; NaN stays NaN.
inline Vector exponential_less_one(Vector x) {
    constexpr float LOG2_E = 1.44269504f, LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f;
    constexpr float ROUND = 12582912.0f;  // 1.5 · 2^23: adding it leaves a whole number in the low bits
    Vector shifted = x * LOG2_E + ROUND;
    Vector whole = shifted - ROUND;
    Vector rest = x - whole * LN2_HIGH - whole * LN2_LOW;
    // Taylor's series of (e^r − 1 − r) / r², enough for |r| ≤ ln(2) / 2.
    Vector series = spread(1.0f / 5040);
    series = series * rest + 1.0f / 720;
    series = series * rest + 1.0f / 120;
    series = series * rest + 1.0f / 24;
    series = series * rest + 1.0f / 6;
    series = series * rest + 0.5f;
    Vector small = rest + rest * rest * series;
    Mask exponent = (bits<Mask>(shifted) - bits<int32_t>(ROUND) + 127) << 23;
    Vector power = bits<Vector>(exponent);  // 2^whole
    return power * small + (power - 1.0f);
}

inline Vector clamp(Vector x, float limit) {
    x = x > limit ? spread(limit) : x;
    return x < -limit ? spread(-limit) : x;
}

inline Vector tanh_of(Vector x) {
    Vector grown = exponential_less_one(clamp(2.0f * x, 20.0f));
    return grown / (grown + 2.0f);
}

inline Vector sigmoid_of(Vector x) { return 1.0f / (2.0f + exponential_less_one(clamp(-x, 87.0f))); }

// Comparisons are written so that NaN goes through, as it does in PyTorch.
inline Vector relu_of(Vector x) { return larger(held(Vector{}), x); }

inline Vector activated(int function, Vector x) {
    switch (function) {
        case RELU: return relu_of(x);
        case TANH: return tanh_of(x);
        case SCALED_TANH: return AMPLITUDE * tanh_of(SLOPE * x);
        case SIGMOID: return sigmoid_of(x);
        default: return x;
    }
}

// gradient · f'(x), from y = f(x).
inline Vector through(int function, Vector y, Vector gradient) {
    switch (function) {
        case RELU: return y <= 0.0f ? Vector{} : gradient;
        case TANH: return gradient * (1.0f - y * y);
        case SCALED_TANH: return gradient * (SLOPE * AMPLITUDE - (SLOPE / AMPLITUDE) * (y * y));
        case SIGMOID: return gradient * (y * (1.0f - y));
        default: return gradient;
    }
}

// In place, over `count` vectors of 16.
void activate(int function, float* values, ptrdiff_t count);
void pass_through(int function, const float* values, float* gradients, ptrdiff_t count);

}  // namespace striate
