// The positions of recorded games.
#pragma once

#include "api/interface.hpp"
#include "go/board.hpp"

namespace striate::go {

// A move of StriateGo, taken apart.
struct Move {
    explicit Move(int16_t code)
        : point(code & 1023), colour(uint8_t(code >> 10 & 3)), is_pass(point == 1023), is_setup(code >> 12 & 1) {}
    int point;
    uint8_t colour;
    bool is_pass, is_setup;
};

// A position: the board, for each point the turns since its stone was placed (0: none, at most 8), and whose turn it is.
struct Position {
    explicit Position(int size) : board(size) {}
    Board board;
    std::array<uint8_t, POINTS> ages{};
    uint8_t to_play = BLACK;
};

// Plays moves from an empty board until one is illegal, or all are played; gives how many were legal.
int64_t replay(Board& board, const int16_t* moves, int64_t count);

// The position before `moves[at]`.
Position position_before(int size, const int16_t* moves, int64_t at);

}  // namespace striate::go
