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

int whole_vectors(int count) { return (count + GROUP - 1) / GROUP * GROUP; }

Vector count_up() {
    Vector numbers{};
    for (int i = 0; i < LANES; i++) numbers[i] = float(i);
    return numbers;
}

// One word for each of LANES places.
IntVector gather_ints(const int32_t* from, IntVector places) {
#if defined(__AVX512F__)
    return IntVector(
        _mm512_mask_i32gather_epi32(__m512i(places), __mmask16(-1), __m512i(places), from, sizeof(int32_t)));
#else
    IntVector found;
    for (int i = 0; i < LANES; i++) found[i] = from[places[i]];
    return found;
#endif
}

// Within 0 … limit; NaN is 0.
Vector within(Vector x, float limit) {
    x = x > 0.0f ? x : Vector{};
    return x < limit ? x : broadcast(limit);
}

}  // namespace

Warper::Warper(const StriateWarp& given)
    : warp(given),
      rows(given.shape[1]),
      columns(given.shape[2]),
      span(whole_vectors(columns)),
      wide(whole_vectors(columns + 2)),
      tall(whole_vectors(rows)),
      down(given.ranks[0] * tall),
      across(given.ranks[1] * span),
      pushes(2 * given.ranks[1] * tall),
      places(rows * span),
      shares(2 * rows * span),
      pairs(wide),
      squares((rows + 2) * wide),
      framed(wide + GROUP) {
    for (int i = 0; i < warp.ranks[0]; i++) std::copy_n(warp.down + i * rows, rows, down.data() + i * tall);
    for (int j = 0; j < warp.ranks[1]; j++) std::copy_n(warp.across + j * columns, columns, across.data() + j * span);
}

void Warper::run(const StriateImages& images, int64_t image, float* to) {
    if (warp.noise) push(warp.noise + image * 2 * warp.ranks[0] * warp.ranks[1]);
    aim(warp.moves[image]);
    for (int y = 0; y < rows; y++) find(y);
    const int64_t size = int64_t(rows) * columns, number = images.indices ? images.indices[image] : image;
    for (int c = 0; c < warp.shape[0]; c++) {
        surround(images.bytes + (number * warp.shape[0] + c) * size);
        interpolate(images, to + c * size);
    }
}

// `Warp.matrices` of warp.py says the same in PyTorch.
void Warper::aim(const StriateMove& move) {
    const float turn = DEGREE * move.rotation, cosine = std::cos(turn), sine = std::sin(turn);
    const float taller = 1 + move.squeeze, wide = taller / move.scale, high = 1 / (taller * move.scale);
    const float slant = high * std::tan(DEGREE * move.shear), side = move.mirror < 0 ? -1.0f : 1.0f;
    matrix[0][0] = side * (wide * cosine - slant * sine), matrix[0][1] = side * (wide * sine + slant * cosine);
    matrix[1][0] = -high * sine, matrix[1][1] = high * cosine;
    for (auto& row : matrix) row[2] = -(row[0] * move.right + row[1] * move.down);
}

void Warper::push(const float* noise) {
    const int high = warp.ranks[0], broad = warp.ranks[1];
    for (int j = 0; j < 2 * broad; j++) {
        const float* factors = noise + j / broad * high * broad + j % broad;
        for (int y = 0; y < tall; y += LANES) {
            Vector sum{};
            for (int i = 0; i < high; i++) sum += factors[i * broad] * load(down.data() + i * tall + y);
            store(pushes.data() + j * tall + y, sum);
        }
    }
}

// Places count from the frame's corner; what is farther out than the frame lies on it, where everything is 0.
void Warper::find(int row) {
    const float middle = 0.5f * float(columns - 1), half = 0.5f * float(rows - 1), y = float(row) - half;
    const float x_start = matrix[0][1] * y + matrix[0][2] + middle + 1;
    const float y_start = matrix[1][1] * y + matrix[1][2] + half + 1;
    const float *to_right = pushes.data() + row, *to_below = to_right + warp.ranks[1] * tall;
    for (int x = 0; x < columns; x += LANES) {
        const Vector from_middle = count_up() + (float(x) - middle);
        Vector right = x_start + matrix[0][0] * from_middle, below = y_start + matrix[1][0] * from_middle;
        const float* factors = across.data() + x;
        for (int j = 0; j < warp.ranks[1]; j++) {
            const Vector factor = load(factors + j * span);
            right += to_right[j * tall] * factor, below += to_below[j * tall] * factor;
        }
        right = within(right, float(columns + 1)), below = within(below, float(rows + 1));
        const IntVector column = __builtin_convertvector(right, IntVector),
                        line = __builtin_convertvector(below, IntVector);
        const IntVector place = line * wide + column;
        const int at = row * span + x;
        store_ints(places.ints() + at, place);
        store(shares.data() + at, right - __builtin_convertvector(column, Vector));
        store(shares.data() + rows * span + at, below - __builtin_convertvector(line, Vector));
    }
}

// Four neighbours lie in one word, so that one read fetches all that a pixel of the result needs.
void Warper::surround(const uint8_t* pixels) {
    std::fill_n(pairs.ints(), wide, 0);
    for (int y = 0; y < rows + 2; y++) {
        if (y < rows) std::copy_n(pixels + y * columns, columns, framed.data() + 1);
        else std::fill(framed.begin(), framed.end(), 0);
        for (int x = 0; x < wide; x += LANES) {
            const IntVector pair = load_bytes(framed.data() + x) | load_bytes(framed.data() + x + 1) << 8;
            store_ints(squares.ints() + y * wide + x, load_ints(pairs.ints() + x) | pair << 16);
            store_ints(pairs.ints() + x, pair);
        }
    }
}

void Warper::interpolate(const StriateImages& images, float* to) {
    const int32_t* square = squares.ints();
    for (int y = 0; y < rows; y++) {
        const float *to_right = shares.data() + y * span, *to_below = to_right + rows * span;
        for (int x = 0; x < columns; x += LANES) {
            const IntVector four = gather_ints(square, load_ints(places.ints() + y * span + x));
            const auto pixel = [&](int number) { return __builtin_convertvector(four >> (8 * number) & 255, Vector); };
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
