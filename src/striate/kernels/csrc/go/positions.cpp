#include "go/positions.hpp"

#include <stdexcept>

#include "go/planes.hpp"

namespace striate::go {

namespace {

int checked_size(const StriateGo& positions) {
    if (positions.size < 2 || positions.size > LARGEST) throw std::invalid_argument("no such board");
    return positions.size;
}

void write(const StriateGo& positions, int64_t i, const Position& position, uint8_t* planes) {
    const int points = positions.size * positions.size;
    const int16_t* places = positions.places + positions.symmetries[i] * points;
    write_planes(position, points, places, positions.one, planes + i * PLANES * points);
}

}  // namespace

void legal_lengths(const StriateGo& positions, int64_t* lengths) {
    const int size = checked_size(positions);
    for (int64_t i = 0; i < positions.count; ++i) {
        Board board(size);
        lengths[i] = replay(board, positions.moves + positions.firsts[i], positions.ends[i] - positions.firsts[i]);
    }
}

void planes_of_games(const StriateGo& positions, uint8_t* planes) {
    const int size = checked_size(positions);
    for (int64_t i = 0; i < positions.count; ++i) {
        const int64_t first = positions.firsts[i];
        write(positions, i, position_before(size, positions.moves + first, positions.ends[i] - first), planes);
    }
}

void planes_of_boards(const StriateGo& positions, const StriateGoBoards& boards, uint8_t* planes) {
    const int size = checked_size(positions), points = size * size;
    for (int64_t i = 0; i < positions.count; ++i) {
        Position position(size);
        for (int point = 0; point < points; ++point) {
            position.board.put(position.board.cell_of(point), boards.stones[i * points + point]);
            position.ages[point] = boards.ages[i * points + point];
        }
        if (boards.kos[i] != NOWHERE) position.board.forbid(position.board.cell_of(boards.kos[i]));
        position.to_play = boards.to_play[i];
        write(positions, i, position, planes);
    }
}

}  // namespace striate::go
