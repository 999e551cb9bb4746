// A correlation by way of transforms that need fewer multiplications: along the columns (winograd), or in two dimensions
// (square_winograd).
#pragma once

#include "convolution/reach.hpp"
#include "convolution/register_tiles.hpp"
#include "layout/maps.hpp"

namespace striate {

// The vectors of transformed values that one band of rows may fill, and the products that are computed at a time.
constexpr ptrdiff_t TRANSFORMED_BAND_BYTES = 768 * 1024;
// A transform must be estimated at less than this share of the time of what it replaces.
constexpr double MAX_TIME_RATIO = 0.95;

class TransformedCorrelation {
public:
    virtual ~TransformedCorrelation() = default;

    // The margins that the source must have.
    virtual Maps margins() const = 0;
    virtual void set_layout(const Maps& from, const Maps& to, const Links& links, int kernel_rows,
                            int kernel_columns) = 0;
    virtual ptrdiff_t scratch_size() const = 0;
    virtual int pack_tasks() const = 0;
    virtual void pack(int task, const float* weight) = 0;

    // Rows are run in bands, whose transformed input is kept in the scratch buffer: the rows of a band follow each
    // other, from its first row or, with `starts_slice`, from any row with another scratch buffer.
    virtual int band_end(int row) const = 0;
    // Computes the rows first … end − 1, of one band, as `c` says. Returns false where a value is not finite, which the
    // transform would spread to other results.
    virtual bool run(const Correlation& c, const Maps* relu_maps, int first, int end, bool starts_slice,
                     float* scratch) const = 0;
};

}  // namespace striate
