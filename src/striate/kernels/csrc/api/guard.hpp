// What stands between the C interface and the rest: no exception gets past it.
#pragma once

#include <new>
#include <stdexcept>

#include "api/interface.hpp"

namespace striate {

// Does the work; says how it ended. std::length_error is a container's word for more memory than there can be.
template <class Work>
int32_t guarded(Work work) noexcept {
    try {
        work();
        return DONE;
    } catch (const std::bad_alloc&) { return NO_MEMORY; } catch (const std::length_error&) {
        return NO_MEMORY;
    } catch (...) { return FAILED; }
}

// The same for a call that makes something; `to` is null where it could not.
template <class Made, class... Arguments>
int32_t made(void** to, Arguments... arguments) noexcept {
    *to = nullptr;
    return guarded([&] { *to = new Made(arguments...); });
}

}  // namespace striate
