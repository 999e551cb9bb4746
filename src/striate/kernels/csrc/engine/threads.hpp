// Threads that stay alive between steps.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace striate {

class Threads {
public:
    Threads() = default;
    ~Threads() { stop(); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

    // Calls task(number, thread) for each number below `count`, on `threads` threads; the caller's is thread 0.
    // Without `wake_sleepers`, threads that sleep are not woken, and only those that spin take part: for short tasks.
    // Throws the first exception of a task, after all tasks have run.
    void run(int count, int threads, const std::function<void(int, int)>& task, bool wake_sleepers = true);

private:
    // What threads without work wait for.
    struct Sleep {
        std::mutex mutex;
        std::condition_variable wake;
    };

    void start(int threads);
    void stop();
    void forget();
    void worker_loop(int thread, uint64_t seen);
    void run_tasks(int thread);

    std::vector<std::thread> workers;
    std::unique_ptr<Sleep> sleep = std::make_unique<Sleep>();
    std::atomic<uint64_t> round{0};                 // incremented for each call of `run`, and to stop
    std::atomic<int> tasks_left{0}, tasks_done{0};  // tasks not yet taken (may fall below zero); tasks finished
    std::atomic<bool> stopping{false};
    std::atomic_flag failed = ATOMIC_FLAG_INIT;  // a task of this round has thrown
    std::exception_ptr failure;
    int count = 0, wanted = 0;
    long process = 0;
    const std::function<void(int, int)>* task = nullptr;
};

}  // namespace striate
