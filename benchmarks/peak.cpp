// What a core can do at most: multiply-adds on vectors that never leave the registers, on each of some threads.
#include <thread>
#include <vector>

#include "simd/vector.hpp"

using striate::LANES;
using striate::Vector;

namespace {

constexpr int SUMS =
    12;  // independent, since one waits for the one before it: two a cycle, each of four to five cycles

void multiply_and_add(long rounds) {
    const Vector factor = striate::in_register(striate::broadcast(0.999f));
    const Vector term = striate::in_register(striate::broadcast(1e-3f));
    Vector sums[SUMS];
    for (int i = 0; i < SUMS; i++) sums[i] = striate::broadcast(float(i));  // all different, or one would do for all
    for (long round = 0; round < rounds; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) sums[i] = sums[i] * factor + term;
        sums[0] = striate::in_register(sums[0]);  // or the compiler would leave rounds out
    }
    Vector total{};
    for (const Vector& sum : sums) total += sum;
    volatile float used = total[0];
    (void)used;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

// Floating-point operations of one thread.
double peak_operations(long rounds) { return 2.0 * SUMS * LANES * double(rounds); }

void peak_run(int thread_count, long rounds) {
    std::vector<std::thread> threads;
    for (int i = 1; i < thread_count; i++) threads.emplace_back(multiply_and_add, rounds);
    multiply_and_add(rounds);
    for (std::thread& thread : threads) thread.join();
}
}
#pragma GCC visibility pop
