// Turns exceptions into statuses, so that none crosses the C interface.
#pragma once

#include <new>
#include <stdexcept>

#include "api/interface.hpp"

namespace striate {

// Calls `work` and returns its status. Containers throw std::length_error when asked for more memory than there can be.
template <class Work>
int32_t guarded(Work work) noexcept {
    try {
        work();
        return DONE;
    } catch (const std::bad_alloc&) { return NO_MEMORY; } catch (const std::length_error&) {
        return NO_MEMORY;
    } catch (...) { return FAILED; }
}

// Makes an object, whose handle is a pointer to its base class; `to` is null if that fails.
template <class Base, class Made, class... Arguments>
int32_t made(void** to, Arguments... arguments) noexcept {
    *to = nullptr;
    return guarded([&] { *to = static_cast<Base*>(new Made(arguments...)); });
}

}  // namespace striate
