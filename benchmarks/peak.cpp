// What a core can do at most: multiply-adds on vectors that never leave the registers, on each of some threads.
#include <ctime>
#include <numeric>
#include <thread>
#include <vector>

#include "simd/vector.hpp"

using striate::LANES;
using striate::Vector;

namespace {

constexpr int SUMS = 12;  // independent, since one waits for the one before it: two a cycle, each of four to five cycles

double seconds_of_thread() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

// Floating-point operations in a second of this thread's processor time.
double rate(long rounds) {
    const Vector factor = striate::in_register(striate::broadcast(0.999f));
    const Vector term = striate::in_register(striate::broadcast(1e-3f));
    Vector sums[SUMS];
    for (Vector& sum : sums) sum = term;
    const double begun = seconds_of_thread();
    for (long round = 0; round < rounds; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) sums[i] = sums[i] * factor + term;
        sums[0] = striate::in_register(sums[0]);  // or the compiler would leave rounds out
    }
    const double seconds = seconds_of_thread() - begun;
    Vector total{};
    for (const Vector& sum : sums) total += sum;
    volatile float used = total[0];
    (void)used;
    return 2.0 * SUMS * LANES * double(rounds) / seconds;
}

}  // namespace

// The sum of the threads' rates.
extern "C" __attribute__((visibility("default"))) double peak_rate(int thread_count, long rounds) {
    std::vector<double> rates(thread_count);
    std::vector<std::thread> threads;
    for (int i = 1; i < thread_count; i++) threads.emplace_back([&rates, rounds, i] { rates[i] = rate(rounds); });
    rates[0] = rate(rounds);
    for (std::thread& thread : threads) thread.join();
    return std::accumulate(rates.begin(), rates.end(), 0.0);
}
