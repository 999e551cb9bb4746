#include "go/planes.hpp"

#include <algorithm>
#include <cstring>

#include "go/chains.hpp"
#include "go/ladder.hpp"

namespace striate::go {

namespace {

// The first plane of each kind.
enum Plane : int {
    COLOUR = 0,
    ONES = 3,
    TURNS = 4,
    LIBERTIES = 12,
    CAPTURES = 20,
    SELF_ATARI = 28,
    LIBERTIES_AFTER = 36,
    LADDER_CAPTURE = 44,
    LADDER_ESCAPE = 45,
    SENSIBLE = 46,
    ZEROS = 47
};

// What a point has in the planes. A number n sets plane n of its eight; 0 sets none. Numbers are at most 8.
struct PointFeatures {
    uint8_t captures = 0, self_atari = 0, liberties_after = 0;
    bool ladder_capture = false, ladder_escape = false, sensible = false;
};

uint8_t at_most_8(int number) { return uint8_t(std::min(number, 8)); }

// The chains beside a cell that have a colour, each once.
struct Beside {
    Beside(const Board& board, const Chains& chains, int cell, uint8_t colour) {
        for (int beside : board.neighbours(cell)) {
            if (board.at(beside) != colour) continue;
            const int number = chains.of[beside];
            if (std::find(numbers, numbers + count, number) == numbers + count) numbers[count++] = number;
        }
    }
    const int* begin() const { return numbers; }
    const int* end() const { return numbers + count; }
    int numbers[4], count = 0;
};

// An empty cell whose neighbours are all stones of one's own, and of whose diagonals the opponent has at most one, or
// none at the edge.
bool is_eye(const Board& board, int cell, uint8_t colour) {
    for (int beside : board.neighbours(cell)) {
        if (board.at(beside) != colour && board.at(beside) != BORDER) return false;
    }
    int theirs = 0;
    bool edge = false;
    for (int diagonal : board.diagonals(cell)) {
        theirs += board.at(diagonal) == opponent(colour);
        edge |= board.at(diagonal) == BORDER;
    }
    return theirs + edge < 2;
}

// Liberties of the new chain where stones are taken: counted on the board after the move.
int liberties_after_capture(Board board, int cell, uint8_t colour) {
    int found[POINTS];
    board.play(cell, colour);
    return board.liberties(cell, POINTS, found);
}

// Liberties of the chain that a stone at a cell makes with `joined` ones, where nothing is taken.
int liberties_joined(const Board& board, const Chains& chains, int cell, const Beside& joined) {
    if (joined.count > 1) {
        CellSet free;
        for (int number : joined) free.add_all(chains.all[number].free);
        for (int beside : board.neighbours(cell)) {
            if (board.at(beside) == EMPTY) free.add(beside);
        }
        return free.count() - 1;  // the cell itself is a liberty of theirs
    }
    const Chain* one = joined.count ? &chains.all[*joined.begin()] : nullptr;
    int liberties = one ? one->liberties - 1 : 0;
    for (int beside : board.neighbours(cell)) {
        liberties += board.at(beside) == EMPTY && !(one && one->free.has(beside));
    }
    return liberties;
}

PointFeatures features_of(const Position& position, const Chains& chains, int cell) {
    const Board& board = position.board;
    const uint8_t own = position.to_play;
    PointFeatures found;
    if (cell == board.forbidden()) return found;
    const Beside joined(board, chains, cell, own);
    int stones = 1;
    for (int number : joined) stones += chains.all[number].stones;
    const Beside attacked(board, chains, cell, opponent(own));
    int captures = 0;
    for (int number : attacked) {
        if (chains.all[number].liberties == 1) captures += chains.all[number].stones;
    }
    const int liberties =
        captures ? liberties_after_capture(board, cell, own) : liberties_joined(board, chains, cell, joined);
    if (!liberties) return found;  // suicide
    found.captures = at_most_8(captures);
    found.liberties_after = at_most_8(liberties);
    if (liberties == 1) found.self_atari = at_most_8(stones);
    found.sensible = !is_eye(board, cell, own);
    for (int number : attacked) {
        const Chain& prey = chains.all[number];
        found.ladder_capture |= prey.liberties == 2 && ladder_catches(board, prey.first, cell);
    }
    return found;
}

// Marks the moves that save a chain of one's own that is in atari: its liberty, and those that take a chain beside it.
void mark_escapes(const Position& position, const Chains& chains, const Chain& prey, PointFeatures* features) {
    const Board& board = position.board;
    int stones[POINTS];
    CellSet moves = prey.free;
    const int count = board.chain(prey.first, stones);
    for (int i = 0; i < count; ++i) {
        for (int number : Beside(board, chains, stones[i], opponent(position.to_play))) {
            if (chains.all[number].liberties == 1) moves.add_all(chains.all[number].free);
        }
    }
    moves.any([&](int cell) {
        PointFeatures& point = features[board.point_of(cell)];
        if (!point.ladder_escape) point.ladder_escape = ladder_escapes(board, prey.first, cell);
        return false;
    });
}

}  // namespace

void write_planes(const Position& position, int points, const int16_t* places, uint8_t one, uint8_t* planes) {
    const Board& board = position.board;
    const uint8_t own = position.to_play;
    const Chains chains(board, points);
    PointFeatures features[POINTS];
    for (int point = 0; point < points; ++point) {
        const int cell = board.cell_of(point);
        if (board.at(cell) == EMPTY) features[point] = features_of(position, chains, cell);
    }
    for (const Chain& chain : chains.all) {
        if (board.at(chain.first) == own && chain.liberties == 1) mark_escapes(position, chains, chain, features);
    }
    std::memset(planes, 0, std::size_t(PLANES) * points);
    std::memset(planes + ONES * points, one, points);
    for (int i = 0; i < points; ++i) {
        const int point = places[i], cell = board.cell_of(point);
        const uint8_t stone = board.at(cell);
        const auto set = [&](int plane) { planes[plane * points + i] = one; };
        const auto count = [&](int plane, int number) {
            if (number) set(plane + at_most_8(number) - 1);
        };
        set(COLOUR + (stone == EMPTY ? 2 : stone != own));
        if (stone != EMPTY) {
            count(TURNS, position.ages[point]);
            count(LIBERTIES, chains.all[chains.of[cell]].liberties);
            continue;
        }
        const PointFeatures& here = features[point];
        count(CAPTURES, here.captures);
        count(SELF_ATARI, here.self_atari);
        count(LIBERTIES_AFTER, here.liberties_after);
        if (here.ladder_capture) set(LADDER_CAPTURE);
        if (here.ladder_escape) set(LADDER_ESCAPE);
        if (here.sensible) set(SENSIBLE);
    }
}

}  // namespace striate::go
