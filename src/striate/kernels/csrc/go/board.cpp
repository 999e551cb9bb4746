#include "go/board.hpp"

namespace striate::go {

namespace {

// What boards of one size have in common.
struct Geometry {
    std::array<int16_t, POINTS> cells;
    std::array<uint8_t, CELLS> empty;
};

std::array<Geometry, LARGEST + 1> all_geometries() {
    std::array<Geometry, LARGEST + 1> made;
    for (int size = 0; size <= LARGEST; ++size) {
        made[size].cells.fill(0);
        made[size].empty.fill(BORDER);
        for (int point = 0; point < size * size; ++point) {
            const int cell = (point / size + 1) * (size + 1) + point % size + 1;
            made[size].cells[point] = int16_t(cell);
            made[size].empty[cell] = EMPTY;
        }
    }
    return made;
}

const Geometry& geometry_of(int size) {
    static const std::array<Geometry, LARGEST + 1> geometries = all_geometries();
    return geometries[size];
}

}  // namespace

Board::Board(int size)
    : size(size), stride(size + 1), cell_table(geometry_of(size).cells.data()), cells(geometry_of(size).empty) {}

bool Board::play(int cell, uint8_t colour) {
    if (cells[cell] != EMPTY || cell == ko) return false;
    cells[cell] = colour;
    const uint8_t other = opponent(colour);
    int taken = 0, last = NOWHERE, dead[POINTS];
    for (int beside : neighbours(cell)) {
        if (cells[beside] != other || has_liberty(beside)) continue;
        const int count = chain(beside, dead);
        for (int i = 0; i < count; ++i) cells[dead[i]] = EMPTY;
        taken += count;
        last = beside;
    }
    if (!taken && !has_liberty(cell)) {
        cells[cell] = EMPTY;
        return false;
    }
    ko = NOWHERE;
    if (taken == 1) {
        bool alone = true;
        for (int beside : neighbours(cell)) alone &= cells[beside] != colour;
        int found[2];
        if (alone && liberties(cell, 2, found) == 1) ko = last;
    }
    return true;
}

int Board::liberties(int cell, int most, int* found) const {
    const uint8_t colour = cells[cell];
    int stones[POINTS], count = 1, some = 0;
    stones[0] = cell;
    cells[cell] = SEEN;
    for (int i = 0; i < count && some < most; ++i) {
        for (int beside : neighbours(stones[i])) {
            if (cells[beside] == colour) {
                stones[count++] = beside;
            } else if (cells[beside] == EMPTY && some < most) {
                found[some++] = beside;
            } else {
                continue;
            }
            cells[beside] = SEEN;
        }
    }
    for (int i = 0; i < count; ++i) cells[stones[i]] = colour;
    for (int i = 0; i < some; ++i) cells[found[i]] = EMPTY;
    return some;
}

int Board::chain(int cell, int* found) const {
    const uint8_t colour = cells[cell];
    int count = 1;
    found[0] = cell;
    cells[cell] = SEEN;
    for (int i = 0; i < count; ++i) {
        for (int beside : neighbours(found[i])) {
            if (cells[beside] != colour) continue;
            cells[beside] = SEEN;
            found[count++] = beside;
        }
    }
    for (int i = 0; i < count; ++i) cells[found[i]] = colour;
    return count;
}

}  // namespace striate::go
