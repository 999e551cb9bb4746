// All chains of a position.
#pragma once

#include <vector>

#include "go/board.hpp"

namespace striate::go {

struct Chain {
    int stones = 0, liberties = 0;
    int first = NOWHERE;  // one of its cells
    CellSet free;         // its liberties
};

// The chains of a board, in the order of their first points; `of` has the number of the chain at a cell, −1 for none.
struct Chains {
    explicit Chains(const Board& board, int points);
    std::array<int16_t, CELLS> of;
    std::vector<Chain> all;
};

}  // namespace striate::go
