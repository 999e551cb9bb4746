#include "layout/images.hpp"

#include "simd/transpose.hpp"

namespace striate {
namespace {

Vector pixels(const StriateImages& images, int64_t at) {
    if (images.floats) return load_unaligned(images.floats + at);
    return __builtin_convertvector(load_bytes(images.bytes + at), Vector) * images.scale + images.low;
}

float pixel(const StriateImages& images, int64_t at) {
    return images.floats ? images.floats[at] : float(images.bytes[at]) * images.scale + images.low;
}

}  // namespace

// A batch's images lie scattered in memory: prefetching overlaps the cache misses of all sixteen.
void prefetch_images(const StriateImages& images, int64_t first, const Maps& maps, int slice, int slices) {
    const int64_t size = int64_t(maps.channels) * maps.rows * maps.columns * (images.floats ? sizeof(float) : 1);
    const int64_t lines = (size + 63) / 64;
    const char* from =
        images.floats ? reinterpret_cast<const char*>(images.floats) : reinterpret_cast<const char*>(images.bytes);
    for (int64_t i = first; i < std::min<int64_t>(first + GROUP, images.count); i++) {
        const char* image = from + (images.indices ? images.indices[i] : i) * size;
        for (int64_t line = lines * slice / slices; line < lines * (slice + 1) / slices; line++)
            __builtin_prefetch(image + line * 64, 0, 2);
    }
}

void images_to_lanes(const StriateImages& images, int64_t first, const Maps& maps, float* to, int slice, int slices) {
    const int64_t size = int64_t(maps.channels) * maps.rows * maps.columns;
    const int count = int(std::min<int64_t>(GROUP, images.count - first));
    int64_t start[GROUP];
    for (int i = 0; i < GROUP; i++) {
        const int64_t image = first + std::min(i, count - 1);
        start[i] = (images.indices ? images.indices[image] : image) * size;
    }
    const int first_row = int(int64_t(maps.rows) * slice / slices),
              end_row = int(int64_t(maps.rows) * (slice + 1) / slices);
    for (int c = 0; c < maps.channels; c++) {
        for (int y = first_row; y < end_row; y++) {
            float* row = to + maps.at(c, y, 0);
            const int64_t from = (int64_t(c) * maps.rows + y) * maps.columns;
            int x = 0;
            for (; x + LANES <= maps.columns; x += LANES) {
                for (int lane = 0; lane < GROUP; lane += LANES) {
                    Vector square[LANES];
                    for (int i = 0; i < LANES; i++) square[i] = pixels(images, start[lane + i] + from + x);
                    transpose(square);
                    for (int i = 0; i < LANES; i++) store(row + (x + i) * GROUP + lane, square[i]);
                }
            }
            for (; x < maps.columns; x++)
                for (int i = 0; i < GROUP; i++) row[x * GROUP + i] = pixel(images, start[i] + from + x);
        }
    }
}

void lanes_to_images(const float* from, const Maps& maps, float* images, int count) {
    const int64_t size = int64_t(maps.channels) * maps.rows * maps.columns;
    for (int c = 0; c < maps.channels; c++) {
        for (int y = 0; y < maps.rows; y++) {
            const float* row = from + maps.at(c, y, 0);
            float* to = images + (int64_t(c) * maps.rows + y) * maps.columns;
            int x = 0;
            for (; x + LANES <= maps.columns; x += LANES) {
                for (int lane = 0; lane < count; lane += LANES) {
                    Vector square[LANES];
                    for (int i = 0; i < LANES; i++) square[i] = load(row + (x + i) * GROUP + lane);
                    transpose(square);
                    for (int i = 0; i < LANES && lane + i < count; i++)
                        store_unaligned(to + (lane + i) * size + x, square[i]);
                }
            }
            for (; x < maps.columns; x++)
                for (int i = 0; i < count; i++) to[i * size + x] = row[x * GROUP + i];
        }
    }
}

}  // namespace striate
