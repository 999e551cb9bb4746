#include "go/ladder.hpp"

#include <algorithm>

namespace striate::go {

namespace {

class Reader {
public:
    explicit Reader(uint8_t prey_colour) : owner(prey_colour), attacker(opponent(prey_colour)) {}

    // The attacker plays `move`, one of the two liberties of the chain at `prey`: it is left with the `other` one.
    bool catches(Board board, int prey, int move, int other) {
        return --left >= 0 && board.play(move, attacker) && !owner_escapes(board, prey, other);
    }

    // The owner plays `move`; the chain at `prey` had one liberty. The search for its new ones begins at `near`, one of
    // its stones then.
    bool escapes(Board board, int prey, int move, int near) {
        if (--left < 0) return true;
        if (!board.play(move, owner)) return false;
        int found[3];
        const int count = board.liberties(near, 3, found);
        if (count != 2) return count == 3;
        std::sort(found, found + 2);
        return !catches(board, prey, found[0], found[1]) && !catches(board, prey, found[1], found[0]);
    }

private:
    // Extends the chain, or else takes a chain beside it that is in atari, in the order of the points.
    bool owner_escapes(const Board& board, int prey, int extension) {
        if (escapes(board, prey, extension, extension)) return true;
        CellSet moves;
        int stones[POINTS], found[2];
        const int count = board.chain(prey, stones);
        for (int i = 0; i < count; ++i) {
            for (int beside : board.neighbours(stones[i])) {
                if (board.at(beside) != attacker || board.empty_beside(beside) > 1) continue;
                if (board.liberties(beside, 2, found) == 1) moves.add(found[0]);
            }
        }
        moves.remove(extension);
        return moves.any([&](int cell) { return escapes(board, prey, cell, prey); });
    }

    uint8_t owner, attacker;
    int left = LADDER_MOVES;
};

}  // namespace

bool ladder_catches(const Board& board, int prey, int move) {
    int found[2];
    board.liberties(prey, 2, found);
    const int other = found[0] == move ? found[1] : found[0];
    int free = 0;
    for (int beside : board.neighbours(other)) free += board.at(beside) == EMPTY && beside != move;
    if (free >= 3) return false;  // as in most cases: no board is copied for them
    return Reader(board.at(prey)).catches(board, prey, move, other);
}

bool ladder_escapes(const Board& board, int prey, int move) {
    return Reader(board.at(prey)).escapes(board, prey, move, prey);
}

}  // namespace striate::go
