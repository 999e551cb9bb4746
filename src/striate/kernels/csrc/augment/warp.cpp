#include "augment/warp.hpp"

#include <algorithm>
#include <cmath>

#include "simd/vector.hpp"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace striate {
namespace {

constexpr float DEGREE = 0.017453292519943295f;

int rounded_to_group(int count) { return (count + GROUP - 1) / GROUP * GROUP; }

Vector lane_indices() {
    Vector numbers{};
    for (int i = 0; i < LANES; i++) numbers[i] = float(i);
    return numbers;
}

// Loads the 32-bit words at LANES offsets.
IntVector gather_ints(const int32_t* from, IntVector offsets) {
#if defined(__AVX512F__)
    return IntVector(
        _mm512_mask_i32gather_epi32(__m512i(offsets), __mmask16(-1), __m512i(offsets), from, sizeof(int32_t)));
#else
    IntVector found;
    for (int i = 0; i < LANES; i++) found[i] = from[offsets[i]];
    return found;
#endif
}

// Limits x to 0 … limit; NaN becomes 0.
Vector clamped(Vector x, float limit) {
    x = x > 0.0f ? x : Vector{};
    return x < limit ? x : broadcast(limit);
}

}  // namespace

Warper::Warper(const StriateWarp& warp_of_batch)
    : warp(warp_of_batch),
      rows(warp_of_batch.shape[1]),
      columns(warp_of_batch.shape[2]),
      padded_columns(rounded_to_group(columns)),
      framed_columns(rounded_to_group(columns + 2)),
      padded_rows(rounded_to_group(rows)),
      down(warp_of_batch.ranks[0] * padded_rows),
      across(warp_of_batch.ranks[1] * padded_columns),
      displacements(2 * warp_of_batch.ranks[1] * padded_rows),
      source_offsets(rows * padded_columns),
      fractions(2 * rows * padded_columns),
      previous_pairs(framed_columns),
      neighbours((rows + 2) * framed_columns),
      framed_row(framed_columns + GROUP) {
    for (int i = 0; i < warp.ranks[0]; i++) std::copy_n(warp.down + i * rows, rows, down.data() + i * padded_rows);
    for (int j = 0; j < warp.ranks[1]; j++)
        std::copy_n(warp.across + j * columns, columns, across.data() + j * padded_columns);
}

void Warper::run(const StriateImages& images, int64_t image, float* to) {
    if (warp.noise) compute_displacements(warp.noise + image * 2 * warp.ranks[0] * warp.ranks[1]);
    set_matrix(warp.moves[image]);
    for (int y = 0; y < rows; y++) find_sources(y);
    const int64_t size = int64_t(rows) * columns, number = images.indices ? images.indices[image] : image;
    for (int c = 0; c < warp.shape[0]; c++) {
        pack_neighbours(images.bytes + (number * warp.shape[0] + c) * size);
        interpolate(images, to + c * size);
    }
}

// `Warp.matrices` of warp.py computes the same in PyTorch.
void Warper::set_matrix(const StriateMove& move) {
    const float turn = DEGREE * move.rotation, cosine = std::cos(turn), sine = std::sin(turn);
    const float taller = 1 + move.squeeze, x_scale = taller / move.scale, y_scale = 1 / (taller * move.scale);
    const float slant = y_scale * std::tan(DEGREE * move.shear), side = move.mirror < 0 ? -1.0f : 1.0f;
    matrix[0][0] = side * (x_scale * cosine - slant * sine), matrix[0][1] = side * (x_scale * sine + slant * cosine);
    matrix[1][0] = -y_scale * sine, matrix[1][1] = y_scale * cosine;
    for (auto& row : matrix) row[2] = -(row[0] * move.right + row[1] * move.down);
}

void Warper::compute_displacements(const float* noise) {
    const int rank_rows = warp.ranks[0], rank_columns = warp.ranks[1];
    for (int j = 0; j < 2 * rank_columns; j++) {
        const float* factors = noise + j / rank_columns * rank_rows * rank_columns + j % rank_columns;
        for (int y = 0; y < padded_rows; y += LANES) {
            Vector sum{};
            for (int i = 0; i < rank_rows; i++)
                sum += factors[i * rank_columns] * load(down.data() + i * padded_rows + y);
            store(displacements.data() + j * padded_rows + y, sum);
        }
    }
}

// Computes, for a row of the result, where each pixel comes from, counted from the corner of the frame. Points outside
// the frame are moved onto it, where all pixels are 0.
void Warper::find_sources(int row) {
    const float middle = 0.5f * float(columns - 1), half = 0.5f * float(rows - 1), y = float(row) - half;
    const float x_start = matrix[0][1] * y + matrix[0][2] + middle + 1;
    const float y_start = matrix[1][1] * y + matrix[1][2] + half + 1;
    const float *to_right = displacements.data() + row, *to_below = to_right + warp.ranks[1] * padded_rows;
    for (int x = 0; x < columns; x += LANES) {
        const Vector from_middle = lane_indices() + (float(x) - middle);
        Vector right = x_start + matrix[0][0] * from_middle, below = y_start + matrix[1][0] * from_middle;
        const float* factors = across.data() + x;
        for (int j = 0; j < warp.ranks[1]; j++) {
            const Vector factor = load(factors + j * padded_columns);
            right += to_right[j * padded_rows] * factor, below += to_below[j * padded_rows] * factor;
        }
        right = clamped(right, float(columns + 1)), below = clamped(below, float(rows + 1));
        const IntVector source_column = __builtin_convertvector(right, IntVector),
                        source_row = __builtin_convertvector(below, IntVector);
        const IntVector offset = source_row * framed_columns + source_column;
        const int at = row * padded_columns + x;
        store_ints(source_offsets.ints() + at, offset);
        store(fractions.data() + at, right - __builtin_convertvector(source_column, Vector));
        store(fractions.data() + rows * padded_columns + at, below - __builtin_convertvector(source_row, Vector));
    }
}

// Packs each pixel and its three neighbours into one 32-bit word, so that one load fetches all four.
void Warper::pack_neighbours(const uint8_t* pixels) {
    std::fill_n(previous_pairs.ints(), framed_columns, 0);
    for (int y = 0; y < rows + 2; y++) {
        if (y < rows) std::copy_n(pixels + y * columns, columns, framed_row.data() + 1);
        else std::fill(framed_row.begin(), framed_row.end(), 0);
        for (int x = 0; x < framed_columns; x += LANES) {
            const IntVector pair = load_bytes(framed_row.data() + x) | load_bytes(framed_row.data() + x + 1) << 8;
            store_ints(neighbours.ints() + y * framed_columns + x, load_ints(previous_pairs.ints() + x) | pair << 16);
            store_ints(previous_pairs.ints() + x, pair);
        }
    }
}

void Warper::interpolate(const StriateImages& images, float* to) {
    const int32_t* packed = neighbours.ints();
    for (int y = 0; y < rows; y++) {
        const float *to_right = fractions.data() + y * padded_columns, *to_below = to_right + rows * padded_columns;
        for (int x = 0; x < columns; x += LANES) {
            const IntVector four_pixels =
                gather_ints(packed, load_ints(source_offsets.ints() + y * padded_columns + x));
            const auto pixel = [&](int number) {
                return __builtin_convertvector(four_pixels >> (8 * number) & 255, Vector);
            };
            const Vector right = load(to_right + x);
            const Vector upper = pixel(0) + right * (pixel(1) - pixel(0));
            const Vector lower = pixel(2) + right * (pixel(3) - pixel(2));
            const Vector value = images.low + images.scale * (upper + load(to_below + x) * (lower - upper));
            float* at = to + y * columns + x;
            if (x + LANES <= columns) store_unaligned(at, value);
            else std::memcpy(at, &value, sizeof(float) * (columns - x));
        }
    }
}

}  // namespace striate
