// Ladders: a chain that is in atari after every move of its attacker, until it is taken or has three liberties.
#pragma once

#include "go/board.hpp"

namespace striate::go {

// Moves that are tried before a chain counts as escaped. A ladder across the board takes about eighty.
constexpr int LADDER_MOVES = 500;

// Whether `move`, of the attacker of the chain at `prey` and one of its two liberties, catches it.
bool ladder_catches(const Board& board, int prey, int move);

// Whether `move`, of the owner of the chain at `prey`, which has one liberty, saves it.
bool ladder_escapes(const Board& board, int prey, int move);

}  // namespace striate::go
