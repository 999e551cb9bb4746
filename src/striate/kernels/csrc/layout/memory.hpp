// Memory on the boundaries that vectors want.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <vector>

namespace striate {

// Whether buffers are to hold NaN wherever no kernel has written yet: the environment variable STRIATE_POISON asks for it.
// The tests set it, so that a kernel that reads such memory is seen at once, and not only where memory happens to be used.
inline bool poisoned() {
    static const bool asked = std::getenv("STRIATE_POISON") != nullptr;
    return asked;
}

// Zeroed floats on a boundary of 64 bytes.
class Memory {
public:
    explicit Memory(ptrdiff_t floats) : store(floats + 16, 0.0f) {}
    float* data() {
        const auto at = reinterpret_cast<uintptr_t>(store.data());
        return store.data() + (64 - at % 64) % 64 / sizeof(float);
    }
    const float* data() const { return const_cast<Memory*>(this)->data(); }

    void poison() { std::fill(store.begin(), store.end(), std::numeric_limits<float>::signaling_NaN()); }

    // The same memory for whole numbers, which vectors alone read and write.
    int32_t* whole() { return reinterpret_cast<int32_t*>(data()); }

private:
    std::vector<float> store;
};

}  // namespace striate
