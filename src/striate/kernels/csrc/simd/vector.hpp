// simd/: vectors of one instruction set, and what kernels do with single vectors. Start with this file.
//   activations   activation functions and their derivatives
//   sums          sums over all images of a batch, for batch normalisation
//   transpose     squares of vectors transposed or summed in registers
//   denormals     denormal numbers flushed to zero
// This file has the vector types of the instruction set that a source is compiled for, and its number of registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace striate {

// Lanes of a lane group: images side by side in memory, the innermost axis of every buffer, on every instruction set.
constexpr int GROUP = 16;

// LANES: floats in one SIMD vector; a lane group is GROUP / LANES vectors. REGISTERS: vector registers.
#if defined(__AVX512F__)
constexpr int LANES = 16, REGISTERS = 32;
#elif defined(__AVX__)
constexpr int LANES = 8, REGISTERS = 16;
#elif defined(__ARM_NEON)
constexpr int LANES = 4, REGISTERS = 32;
#else
constexpr int LANES = 4, REGISTERS = 16;
#endif

// All of them may alias the plain arrays they are loaded from. Vector and IntVector are aligned to their size. An
// IntVector holds integers, or the result of a comparison: all bits of a lane set where it is true.
typedef float Vector __attribute__((vector_size(LANES * 4), may_alias));
typedef float Unaligned __attribute__((vector_size(LANES * 4), may_alias, aligned(4)));
typedef int32_t IntVector __attribute__((vector_size(LANES * 4), may_alias));

inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }
inline void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }
inline Vector load_unaligned(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
inline void store_unaligned(float* to, Vector value) { *reinterpret_cast<Unaligned*>(to) = value; }
inline IntVector load_ints(const int32_t* from) { return *reinterpret_cast<const IntVector*>(from); }
inline void store_ints(int32_t* to, IntVector value) { *reinterpret_cast<IntVector*>(to) = value; }

// LANES bytes widened to 32-bit integers, in two steps: compilers turn a single step into a loop over the lanes.
typedef uint8_t Bytes __attribute__((vector_size(LANES), may_alias, aligned(1)));
typedef uint16_t Shorts __attribute__((vector_size(LANES * 2)));
inline IntVector load_bytes(const uint8_t* from) {
    return __builtin_convertvector(__builtin_convertvector(*reinterpret_cast<const Bytes*>(from), Shorts), IntVector);
}

// A scalar copied to every lane. Subtracting zero preserves −0, so compilers remove the subtraction.
inline Vector broadcast(float value) { return value - Vector{}; }
inline IntVector broadcast(int32_t value) { return value - IntVector{}; }

// Keeps a value in a register: without this, compilers load an operand again for each use.
inline Vector in_register(Vector value) {
#if defined(__x86_64__) && defined(__AVX512F__)
    asm("" : "+v"(value));
#elif defined(__x86_64__)
    asm("" : "+x"(value));
#elif defined(__ARM_NEON)
    asm("" : "+w"(value));
#endif
    return value;
}

// The larger of each lane, or b's where either is NaN: these are the semantics of x86's one max instruction.
inline Vector max_of(Vector a, Vector b) { return a > b ? a : b; }

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
inline To bit_cast(From value) {
    static_assert(sizeof(To) == sizeof(From), "bit_cast keeps the size");
    To result;
    std::memcpy(&result, &value, sizeof(To));
    return result;
}

}  // namespace striate
