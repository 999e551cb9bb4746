// go/: positions of Go, and the planes that AlphaGo's policy network reads. Start with `write_planes` in planes.cpp.
//   board    stones, captures and the simple ko; suicide is illegal
//   replay   the positions of recorded games
//   chains   all chains of a position, with their liberties
//   ladder   whether a chain is caught in a ladder
//   planes   the 48 planes
// A point is row · size + column; a cell is a point's place on a board with a border of cells around it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace striate::go {

constexpr int LARGEST = 19, POINTS = LARGEST * LARGEST, CELLS = (LARGEST + 2) * (LARGEST + 1) + 1;
constexpr int NOWHERE = -1;

enum Cell : uint8_t { EMPTY, BLACK, WHITE, BORDER, SEEN };

// A set of cells, of a fixed size: it costs less to clear than to remember.
class CellSet {
public:
    bool has(int cell) const { return words[cell >> 6] >> (cell & 63) & 1; }
    void add(int cell) { words[cell >> 6] |= uint64_t(1) << (cell & 63); }
    void remove(int cell) { words[cell >> 6] &= ~(uint64_t(1) << (cell & 63)); }
    void add_all(const CellSet& other) {
        for (std::size_t i = 0; i < words.size(); ++i) words[i] |= other.words[i];
    }
    // Calls `work` with each cell, in ascending order, until it gives true; says whether it did.
    template <class Work>
    bool any(Work work) const {
        for (std::size_t i = 0; i < words.size(); ++i) {
            for (uint64_t word = words[i]; word; word &= word - 1) {
                if (work(int(i) * 64 + __builtin_ctzll(word))) return true;
            }
        }
        return false;
    }
    int count() const {
        int sum = 0;
        for (uint64_t word : words) sum += __builtin_popcountll(word);
        return sum;
    }

private:
    std::array<uint64_t, (CELLS + 63) / 64> words{};
};

// The stones of a position. A copy of it is the way to try a move.
class Board {
public:
    explicit Board(int size);

    int cell_of(int point) const { return cell_table[point]; }
    int point_of(int cell) const { return (cell / stride - 1) * size + cell % stride - 1; }
    uint8_t at(int cell) const { return cells[cell]; }
    std::array<int, 4> neighbours(int cell) const { return {cell - stride, cell - 1, cell + 1, cell + stride}; }
    std::array<int, 4> diagonals(int cell) const {
        return {cell - stride - 1, cell - stride + 1, cell + stride - 1, cell + stride + 1};
    }

    int empty_beside(int cell) const {
        int count = 0;
        for (int beside : neighbours(cell)) count += cells[beside] == EMPTY;
        return count;
    }

    // Puts a stone where none is, without a rule.
    void put(int cell, uint8_t colour) { cells[cell] = colour; }
    // Plays a move if it is legal, and says whether it is.
    bool play(int cell, uint8_t colour);
    void pass() { ko = NOWHERE; }
    void forbid(int cell) { ko = cell; }
    int forbidden() const { return ko; }
    // Writes up to `most` liberties of the chain at `cell` to `found`, in any order, and says how many.
    int liberties(int cell, int most, int* found) const;
    // Writes the cells of the chain at `cell`, and says how many.
    int chain(int cell, int* found) const;

private:
    bool has_liberty(int cell) const {
        for (int beside : neighbours(cell)) {
            if (cells[beside] == EMPTY) return true;  // as most stones have
        }
        int found;
        return liberties(cell, 1, &found) == 1;
    }

    int size, stride, ko = NOWHERE;
    const int16_t* cell_table;                 // of each point: a division for each would take as long as all the rest
    mutable std::array<uint8_t, CELLS> cells;  // a search marks what it has SEEN, and takes the marks away again
};

inline uint8_t opponent(uint8_t colour) { return uint8_t(BLACK + WHITE - colour); }

}  // namespace striate::go
