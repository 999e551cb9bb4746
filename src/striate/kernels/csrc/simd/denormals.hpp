// Denormal numbers (below 1.2e-38) are flushed to zero while a FlushDenormals object lives: a processor takes about a
// hundred times as long for them, and a softmax, or an optimiser in its last epochs, produces many.
#pragma once

#include <cstdint>

namespace striate {

#if defined(__x86_64__)
using FloatState = unsigned;
constexpr FloatState FLUSH_TO_ZERO = 0x8040;  // MXCSR: flush to zero, and denormals are zeros
inline FloatState float_state() { return __builtin_ia32_stmxcsr(); }
inline void set_float_state(FloatState state) { __builtin_ia32_ldmxcsr(state); }
#elif defined(__aarch64__)
using FloatState = uint64_t;
constexpr FloatState FLUSH_TO_ZERO = uint64_t(1) << 24;  // FPCR: flush to zero
inline FloatState float_state() {
    FloatState state;
    asm volatile("mrs %0, fpcr" : "=r"(state));
    return state;
}
inline void set_float_state(FloatState state) { asm volatile("msr fpcr, %0" : : "r"(state)); }
#else
using FloatState = unsigned;
constexpr FloatState FLUSH_TO_ZERO = 0;
inline FloatState float_state() { return 0; }
inline void set_float_state(FloatState) {}
#endif

class FlushDenormals {
public:
    FlushDenormals() : before(float_state()) { set_float_state(before | FLUSH_TO_ZERO); }
    ~FlushDenormals() { set_float_state(before); }
    FlushDenormals(const FlushDenormals&) = delete;
    FlushDenormals& operator=(const FlushDenormals&) = delete;

private:
    FloatState before;
};

}  // namespace striate
