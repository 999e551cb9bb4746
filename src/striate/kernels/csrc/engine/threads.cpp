#include "engine/threads.hpp"

#include <unistd.h>

#include <new>
#include <system_error>
#include <utility>

#include "simd/denormals.hpp"

namespace striate {
namespace {

// How often a thread looks for work, or for the end of it, before it sleeps: about as long as lies between two steps.
constexpr int PATIENCE = 20000;
// After so many looks it lets another thread have its core, which may be the one that it waits for.
constexpr int LOOKS = 100;

inline void rest(int look) {
    if (look % LOOKS == LOOKS - 1) std::this_thread::yield();
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace

void Threads::run(int tasks, int threads, const std::function<void(int, int)>& todo, bool wakes) {
    const FlushDenormals flush;
    if (threads <= 1 || tasks <= 1) {
        for (int number = 0; number < tasks; number++) todo(number, 0);
        return;
    }
    start(threads);
    task = &todo, count = tasks;
    failed.clear();
    done.store(0, std::memory_order_relaxed);
    left.store(tasks, std::memory_order_release);
    if (wakes) {
        std::lock_guard<std::mutex> lock(mutex);
        round.fetch_add(1);
        wake.notify_all();
    } else {
        round.fetch_add(1);
    }
    take(0);
    // A thread that was too late for a task is not waited for: where others use its core, that may be long.
    for (int look = 0; done.load(std::memory_order_acquire) < tasks; look++) {
        if (look < PATIENCE) rest(look);
        else std::this_thread::yield();
    }
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
}

void Threads::start(int threads) {
    const long here = long(getpid());
    if (process != here && !workers.empty()) {  // a forked child has none of its parent's threads
        for (std::thread& worker : workers) worker.detach();
        workers.clear();
        wanted = 0;
    }
    if (wanted == threads) return;
    stop();
    process = here;
    over.store(false);
    const uint64_t seen = round.load();
    // Where the system has no more threads or no memory for one, those that are there share the tasks.
    try {
        for (int i = 1; i < threads; i++) workers.emplace_back([this, i, seen] { work(i, seen); });
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {}
    wanted = threads;
}

void Threads::stop() {
    if (process != long(getpid())) {
        for (std::thread& worker : workers) worker.detach();
        workers.clear();
        return;
    }
    {
        std::lock_guard<std::mutex> lock(mutex);
        over.store(true);
        round.fetch_add(1);
    }
    wake.notify_all();
    for (std::thread& worker : workers) worker.join();
    workers.clear();
    wanted = 0;
}

void Threads::work(int thread, uint64_t seen) {
    const FlushDenormals flush;
    for (;;) {
        for (int look = 0; look < PATIENCE && round.load(std::memory_order_acquire) == seen; look++) rest(look);
        if (round.load(std::memory_order_acquire) == seen) {
            std::unique_lock<std::mutex> lock(mutex);
            wake.wait(lock, [&] { return round.load() != seen; });
        }
        seen = round.load();
        if (over.load()) return;
        take(thread);
    }
}

// Whoever gets a task may read what it is: nothing changes before it is done. A late thread finds none, or a later
// one's. What a task throws goes to the caller of `run`, when all the others are done.
void Threads::take(int thread) {
    for (int got = left.fetch_sub(1); got > 0; got = left.fetch_sub(1)) {
        try {
            (*task)(count - got, thread);
        } catch (...) {
            if (!failed.test_and_set()) failure = std::current_exception();
        }
        done.fetch_add(1, std::memory_order_release);
    }
}

}  // namespace striate
