// The calls of the C interface that are about Go.
#pragma once

#include "api/interface.hpp"

namespace striate::go {

void legal_lengths(const StriateGo& positions, int64_t* lengths);
void planes_of_games(const StriateGo& positions, uint8_t* planes);
void planes_of_boards(const StriateGo& positions, const StriateGoBoards& boards, uint8_t* planes);

}  // namespace striate::go
