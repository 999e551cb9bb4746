#include "go/replay.hpp"

#include <stdexcept>

namespace striate::go {

namespace {

constexpr int OLDEST = 8;

void set_ages(Position& position, int points, const int16_t* moves, int64_t at) {
    for (int point = 0; point < points; ++point) {
        position.ages[point] = position.board.at(position.board.cell_of(point)) == EMPTY ? 0 : OLDEST;
    }
    for (int age = 1; age < OLDEST && age <= at; ++age) {
        const Move move(moves[at - age]);
        if (move.is_setup) break;  // stones are set up before the first move
        if (!move.is_pass && position.ages[move.point] == OLDEST) position.ages[move.point] = uint8_t(age);
    }
}

}  // namespace

int64_t replay(Board& board, const int16_t* moves, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        const Move move(moves[i]);
        if (move.is_pass) {
            board.pass();
            continue;
        }
        const int cell = board.cell_of(move.point);
        // A colour that moves twice in a row is not bound by a ko that it took itself.
        if (i > 0 && Move(moves[i - 1]).colour == move.colour) board.pass();
        if (move.is_setup) {
            board.put(cell, move.colour);
        } else if (!board.play(cell, move.colour)) {
            return i;
        }
    }
    return count;
}

Position position_before(int size, const int16_t* moves, int64_t at) {
    Position position(size);
    if (replay(position.board, moves, at) != at) throw std::invalid_argument("an illegal move");
    const Move next(moves[at]);
    position.to_play = next.colour;
    if (at > 0 && Move(moves[at - 1]).colour == next.colour) position.board.pass();
    set_ages(position, size * size, moves, at);
    return position;
}

}  // namespace striate::go
