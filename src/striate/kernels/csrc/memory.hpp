// Memory on the boundaries that vectors want.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace striate {

// Zeroed floats on a boundary of 64 bytes.
class Memory {
public:
    explicit Memory(ptrdiff_t floats) : store(floats + 16, 0.0f) {}
    float* data() {
        const auto at = reinterpret_cast<uintptr_t>(store.data());
        return store.data() + (64 - at % 64) % 64 / sizeof(float);
    }
    const float* data() const { return const_cast<Memory*>(this)->data(); }

    // The same memory for whole numbers, which vectors alone read and write.
    int32_t* whole() { return reinterpret_cast<int32_t*>(data()); }

private:
    std::vector<float> store;
};

}  // namespace striate
