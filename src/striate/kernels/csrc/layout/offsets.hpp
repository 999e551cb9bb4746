// Whether offsets within maps fit into 32 bits, as the register tiles read them.
#pragma once

#include <cstdint>
#include <limits>
#include <stdexcept>

#include "layout/maps.hpp"

namespace striate {

// Throws std::length_error, which becomes NO_MEMORY, for maps of 2^31 floats or more.
inline void require_offsets(const Maps& maps) {
    if (maps.size() > std::numeric_limits<int32_t>::max()) throw std::length_error("maps of 2^31 floats");
}

}  // namespace striate
