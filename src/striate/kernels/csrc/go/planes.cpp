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

// The planes that are set at a point: bit n for plane n.
using Set = uint64_t;

constexpr Set only(int plane) { return Set(1) << plane; }

// The plane of a number among the eight planes from `first` on: the eighth for 8 or more, none for 0.
Set counted(int first, int number) { return number ? only(first + std::min(number, 8) - 1) : 0; }

// The chains of one colour beside a cell, each once.
struct Beside {
    void add(int number) {
        for (int i = 0; i < count; ++i) {
            if (numbers[i] == number) return;
        }
        numbers[count++] = number;
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

// The planes of an empty point.
Set features_of(const Position& position, const Chains& chains, int cell) {
    const Board& board = position.board;
    const uint8_t own = position.to_play;
    if (cell == board.forbidden()) return 0;
    Beside joined, attacked;
    for (int beside : board.neighbours(cell)) {
        const int number = chains.of[beside];
        if (number >= 0) (board.at(beside) == own ? joined : attacked).add(number);
    }
    // Half of the points have no stone beside them.
    if (!joined.count && !attacked.count) return counted(LIBERTIES_AFTER, board.empty_beside(cell)) | only(SENSIBLE);
    int stones = 1, captures = 0;
    for (int number : joined) stones += chains.all[number].stones;
    for (int number : attacked) {
        if (chains.all[number].liberties == 1) captures += chains.all[number].stones;
    }
    const int liberties =
        captures ? liberties_after_capture(board, cell, own) : liberties_joined(board, chains, cell, joined);
    if (!liberties) return 0;  // suicide
    Set found = counted(CAPTURES, captures) | counted(LIBERTIES_AFTER, liberties);
    if (liberties == 1) found |= counted(SELF_ATARI, stones);
    if (!is_eye(board, cell, own)) found |= only(SENSIBLE);
    for (int number : attacked) {
        const Chain& prey = chains.all[number];
        if (found & only(LADDER_CAPTURE)) break;
        if (prey.liberties == 2 && ladder_catches(board, prey.first, cell)) found |= only(LADDER_CAPTURE);
    }
    return found;
}

// Marks the moves that save a chain of one's own that is in atari: its liberty, and those that take a chain beside it.
void mark_escapes(const Position& position, const Chains& chains, const Chain& prey, Set* sets) {
    const Board& board = position.board;
    int stones[POINTS];
    CellSet moves = prey.free;
    const int count = board.chain(prey.first, stones);
    for (int i = 0; i < count; ++i) {
        for (int beside : board.neighbours(stones[i])) {
            if (board.at(beside) != opponent(position.to_play)) continue;
            const Chain& near = chains.all[chains.of[beside]];
            if (near.liberties == 1) moves.add_all(near.free);
        }
    }
    moves.any([&](int cell) {
        Set& here = sets[board.point_of(cell)];
        if (!(here & only(LADDER_ESCAPE)) && ladder_escapes(board, prey.first, cell)) here |= only(LADDER_ESCAPE);
        return false;
    });
}

}  // namespace

void write_planes(const Position& position, int points, const int16_t* places, uint8_t one, uint8_t* planes) {
    const Board& board = position.board;
    const uint8_t own = position.to_play;
    const Chains chains(board, points);
    Set sets[POINTS];
    for (int point = 0; point < points; ++point) {
        const int cell = board.cell_of(point);
        const uint8_t stone = board.at(cell);
        sets[point] = only(ONES);
        if (stone == EMPTY) {
            sets[point] |= only(COLOUR + 2) | features_of(position, chains, cell);
        } else {
            sets[point] |= only(COLOUR + (stone != own)) | counted(TURNS, position.ages[point]) |
                           counted(LIBERTIES, chains.all[chains.of[cell]].liberties);
        }
    }
    for (const Chain& chain : chains.all) {
        if (board.at(chain.first) == own && chain.liberties == 1) mark_escapes(position, chains, chain, sets);
    }
    std::memset(planes, 0, std::size_t(PLANES) * points);
    for (int i = 0; i < points; ++i) {
        for (Set left = sets[places[i]]; left; left &= left - 1) planes[__builtin_ctzll(left) * points + i] = one;
    }
}

}  // namespace striate::go
