// A few threads that wait for work between steps.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
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

    // task(number, thread) for each number below `count`, on `threads` threads, the caller's being thread 0.
    // Unless it `wakes` those that sleep, only threads that look for work just then take part: for what is short.
    // Throws the first exception of a task, after all tasks were run.
    void run(int count, int threads, const std::function<void(int, int)>& task, bool wakes = true);

private:
    void start(int threads);
    void stop();
    void work(int thread, uint64_t seen);
    void take(int thread);

    std::vector<std::thread> workers;
    std::mutex mutex;
    std::condition_variable wake;
    std::atomic<uint64_t> round{0};     // one more for each piece of work
    std::atomic<int> left{0}, done{0};  // tasks that nobody has taken; below zero, too
    std::atomic<bool> over{false};
    std::atomic_flag failed = ATOMIC_FLAG_INIT;  // one of these tasks
    std::exception_ptr failure;
    int count = 0, wanted = 0;
    long process = 0;
    const std::function<void(int, int)>* task = nullptr;
};

}  // namespace striate
