#include "engine/threads.hpp"

#include <unistd.h>

#include <new>
#include <system_error>
#include <utility>

#include "simd/denormals.hpp"

namespace striate {
namespace {

// Checks for work that a thread makes before it sleeps: they take about as long as the time between two steps.
constexpr int SPINS_BEFORE_SLEEP = 20000;
// After this many checks a thread yields its core: the thread that it waits for may need it.
constexpr int SPINS_PER_YIELD = 100;

inline void spin(int spins) {
    if (spins % SPINS_PER_YIELD == SPINS_PER_YIELD - 1) std::this_thread::yield();
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

void Threads::run(int tasks, int threads, const std::function<void(int, int)>& work, bool wake_sleepers) {
    const FlushDenormals flush;
    if (threads <= 1 || tasks <= 1) {
        for (int number = 0; number < tasks; number++) work(number, 0);
        return;
    }
    start(threads);
    task = &work, count = tasks;
    failed.clear();
    tasks_done.store(0, std::memory_order_relaxed);
    tasks_left.store(tasks, std::memory_order_release);
    if (wake_sleepers) {
        std::lock_guard<std::mutex> lock(sleep->mutex);
        round.fetch_add(1);
        sleep->wake.notify_all();
    } else {
        round.fetch_add(1);
    }
    run_tasks(0);
    // Waits for the tasks, not for the threads: a thread that took no task may be late, if other processes use its
    // core.
    for (int spins = 0; tasks_done.load(std::memory_order_acquire) < tasks; spins++) {
        if (spins < SPINS_BEFORE_SLEEP) spin(spins);
        else std::this_thread::yield();
    }
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
}

void Threads::start(int threads) {
    const long this_process = long(getpid());
    if (process != this_process && !workers.empty()) {
        auto fresh = std::make_unique<Sleep>();
        forget();
        sleep = std::move(fresh);
    }
    if (wanted == threads) return;
    stop();
    process = this_process;
    stopping.store(false);
    const uint64_t seen = round.load();
    // If the system starts fewer threads, those that it started share the tasks.
    try {
        for (int i = 1; i < threads; i++) workers.emplace_back([this, i, seen] { worker_loop(i, seen); });
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {}
    wanted = threads;
}

void Threads::stop() {
    if (process != long(getpid())) return forget();
    {
        std::lock_guard<std::mutex> lock(sleep->mutex);
        stopping.store(true);
        round.fetch_add(1);
    }
    sleep->wake.notify_all();
    for (std::thread& worker : workers) worker.join();
    workers.clear();
    wanted = 0;
}

// A forked child process has none of its parent's threads. Its condition still counts those that slept: to destroy it, or
// to wake others by it, would wait for them for ever.
void Threads::forget() {
    if (workers.empty()) return;
    for (std::thread& worker : workers) worker.detach();
    workers.clear();
    wanted = 0;
    (void)sleep.release();
}

void Threads::worker_loop(int thread, uint64_t seen) {
    const FlushDenormals flush;
    for (;;) {
        for (int spins = 0; spins < SPINS_BEFORE_SLEEP && round.load(std::memory_order_acquire) == seen; spins++)
            spin(spins);
        if (round.load(std::memory_order_acquire) == seen) {
            std::unique_lock<std::mutex> lock(sleep->mutex);
            sleep->wake.wait(lock, [&] { return round.load() != seen; });
        }
        seen = round.load();
        if (stopping.load()) return;
        run_tasks(thread);
    }
}

// A thread that takes a task may read `task` and `count`: `run` changes them only after all tasks are done. A late
// thread finds no task left, or takes one of a later round. `run` throws a task's exception when all the others are
// done.
void Threads::run_tasks(int thread) {
    for (int taken = tasks_left.fetch_sub(1); taken > 0; taken = tasks_left.fetch_sub(1)) {
        try {
            (*task)(count - taken, thread);
        } catch (...) {
            if (!failed.test_and_set()) failure = std::current_exception();
        }
        tasks_done.fetch_add(1, std::memory_order_release);
    }
}

}  // namespace striate
