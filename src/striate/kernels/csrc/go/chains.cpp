#include "go/chains.hpp"

namespace striate::go {

Chains::Chains(const Board& board, int points) {
    of.fill(-1);
    int cells[POINTS];
    all.reserve(128);
    for (int point = 0; point < points; ++point) {
        const int cell = board.cell_of(point);
        if (board.at(cell) == EMPTY || of[cell] >= 0) continue;
        Chain chain;
        chain.first = cell;
        chain.stones = board.chain(cell, cells);
        for (int i = 0; i < chain.stones; ++i) {
            of[cells[i]] = int16_t(all.size());
            for (int beside : board.neighbours(cells[i])) {
                if (board.at(beside) == EMPTY) chain.free.add(beside);
            }
        }
        chain.liberties = chain.free.count();
        all.push_back(chain);
    }
}

}  // namespace striate::go
