// Float buffers aligned for SIMD vectors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>

namespace striate {

// Whether buffers are filled with NaN before kernels write to them: the environment variable STRIATE_POISON is set. The
// tests set it, so that a kernel that reads memory which no kernel has written gives NaN.
inline bool poison_requested() {
    static const bool requested = std::getenv("STRIATE_POISON") != nullptr;
    return requested;
}

// A buffer of floats, zero at first, aligned to 64 bytes. Pages that nobody writes to take no memory: of many threads'
// buffers those without work are free.
class AlignedFloats {
public:
    explicit AlignedFloats(ptrdiff_t floats)
        : count(size_t(floats) + 16), store(static_cast<float*>(std::calloc(count, sizeof(float)))) {
        if (!store) throw std::bad_alloc();
    }
    float* data() {
        const auto at = reinterpret_cast<uintptr_t>(store.get());
        return store.get() + (64 - at % 64) % 64 / sizeof(float);
    }
    const float* data() const { return const_cast<AlignedFloats*>(this)->data(); }

    void poison() { std::fill_n(store.get(), count, std::numeric_limits<float>::signaling_NaN()); }

    // The same memory as 32-bit integers; only vectors, which may alias, read and write it as such.
    int32_t* ints() { return reinterpret_cast<int32_t*>(data()); }

private:
    struct Free {
        void operator()(float* memory) const { std::free(memory); }
    };
    size_t count;
    std::unique_ptr<float[], Free> store;
};

}  // namespace striate
