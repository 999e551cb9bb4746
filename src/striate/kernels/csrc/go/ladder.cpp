#include "go/ladder.hpp"

#include <algorithm>

namespace striate::go {

namespace {

class Reader {
public:
    explicit Reader(uint8_t prey_colour) : owner(prey_colour), attacker(opponent(prey_colour)) {}

    // The attacker plays `move`; the chain at `prey`, which has two liberties, is then left with one.
    bool catches(Board board, int prey, int move) {
        if (--left < 0 || !board.play(move, attacker)) return false;
        int found[2];
        return board.liberties(prey, 2, found) == 1 && !owner_escapes(board, prey);
    }

    // The owner plays `move`; the chain at `prey` had one liberty.
    bool escapes(Board board, int prey, int move) {
        if (--left < 0) return true;
        if (!board.play(move, owner)) return false;
        int found[3];
        const int count = board.liberties(prey, 3, found);
        if (count != 2) return count == 3;
        std::sort(found, found + 2);
        return !catches(board, prey, found[0]) && !catches(board, prey, found[1]);
    }

private:
    // Extends the chain, or takes a chain beside it that is in atari: in the order of the points.
    bool owner_escapes(const Board& board, int prey) {
        CellSet moves;
        int stones[POINTS], found[2];
        board.liberties(prey, 1, found);
        moves.add(found[0]);
        const int count = board.chain(prey, stones);
        for (int i = 0; i < count; ++i) {
            for (int beside : board.neighbours(stones[i])) {
                if (board.at(beside) == attacker && board.liberties(beside, 2, found) == 1) moves.add(found[0]);
            }
        }
        for (int cell = 0; cell < CELLS; ++cell) {
            if (moves.has(cell) && escapes(board, prey, cell)) return true;
        }
        return false;
    }

    uint8_t owner, attacker;
    int left = LADDER_MOVES;
};

}  // namespace

bool ladder_catches(const Board& board, int prey, int move) {
    return Reader(board.at(prey)).catches(board, prey, move);
}

bool ladder_escapes(const Board& board, int prey, int move) {
    return Reader(board.at(prey)).escapes(board, prey, move);
}

}  // namespace striate::go
