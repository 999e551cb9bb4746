// Vectors of the instruction set that this source is being compiled for, and how many of them a kernel may hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace striate {

// Images that lie side by side in memory: the innermost axis of every buffer, whatever the instruction set.
constexpr int GROUP = 16;

#if defined(__AVX512F__)
constexpr int LANES = 16, REGISTERS = 32;
#elif defined(__AVX__)
constexpr int LANES = 8, REGISTERS = 16;
#elif defined(__ARM_NEON)
constexpr int LANES = 4, REGISTERS = 32;
#else
constexpr int LANES = 4, REGISTERS = 16;
#endif

// Both may alias plain arrays, which is what they are loaded from. A Loose one may start anywhere.
typedef float Vector __attribute__((vector_size(LANES * 4), may_alias));
typedef float Loose __attribute__((vector_size(LANES * 4), may_alias, aligned(4)));
typedef int32_t Mask __attribute__((vector_size(LANES * 4), may_alias));

inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }
inline Vector load_loose(const float* from) { return *reinterpret_cast<const Loose*>(from); }
inline void store_loose(float* to, Vector value) { *reinterpret_cast<Loose*>(to) = value; }
inline Mask load_mask(const int32_t* from) { return *reinterpret_cast<const Mask*>(from); }
inline void store_mask(int32_t* to, Mask value) { *reinterpret_cast<Mask*>(to) = value; }

// LANES bytes, as whole numbers. Twice as wide at each step: compilers take a longer one apart, lane by lane.
typedef uint8_t Bytes __attribute__((vector_size(LANES), may_alias, aligned(1)));
typedef uint16_t Shorts __attribute__((vector_size(LANES * 2)));
inline Mask load_bytes(const uint8_t* from) {
    return __builtin_convertvector(__builtin_convertvector(*reinterpret_cast<const Bytes*>(from), Shorts), Mask);
}

// A scalar in every lane. Subtracting a zero keeps the sign of −0, so compilers drop the subtraction.
inline Vector spread(float value) { return value - Vector{}; }
inline Mask spread(int32_t value) { return value - Mask{}; }

// The value, in a register: without this, compilers load an operand anew for each of its uses.
inline Vector held(Vector value) {
#if defined(__x86_64__) && defined(__AVX512F__)
    asm("" : "+v"(value));
#elif defined(__x86_64__)
    asm("" : "+x"(value));
#elif defined(__ARM_NEON)
    asm("" : "+w"(value));
#endif
    return value;
}

// Where one of both is NaN, the second: so it is one instruction.
inline Vector larger(Vector a, Vector b) { return a > b ? a : b; }

inline bool any_nan(Vector value) {
#if defined(__AVX512F__)
    return _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
#elif defined(__AVX__)
    return _mm256_movemask_ps(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
#elif defined(__x86_64__)
    return _mm_movemask_ps(_mm_cmpunord_ps(value, value));
#else
    bool any = false;
    for (int i = 0; i < LANES; i++) any |= value[i] != value[i];
    return any;
#endif
}

template <class To, class From>
inline To bits(From value) {
    static_assert(sizeof(To) == sizeof(From), "bits keeps the size");
    To result;
    std::memcpy(&result, &value, sizeof(To));
    return result;
}

}  // namespace striate
