// Batch normalisations of a training step: statistics over a batch, and what follows from them.
#pragma once

#include <vector>

#include "api/interface.hpp"
#include "layout/maps.hpp"
#include "simd/sums.hpp"

namespace striate {

// One batch normalisation. For each channel it makes scale · x + shift of a value x. All sums are added in the lane
// groups' order, so they do not depend on the number of threads.
class Norm {
public:
    explicit Norm(const StriateNorm& given);

    void begin(int64_t groups);
    // Sums over the values of one lane group; thread-safe for different groups.
    void add_values(int64_t group, const float* values, const Maps& maps, int live_lanes);
    // From the sums: mean, variance, scale and shift. `count` is the number of values of a channel.
    void end_values(int64_t count);
    // The same for the sums over gradients of the outputs, and over them times the values.
    void add_gradients(int64_t group, int channel, const float* gradients, const Maps& gradient_maps,
                       const float* values, const Maps& maps, int live_lanes);
    // From the sums: the parameters' gradients and the factors of the input's gradient, see GradientRow.
    void end_gradients(int64_t count);
    // The running statistics, updated as PyTorch does. Called when nothing can fail any more.
    void update_running(int64_t count) const;

    StriateNorm given;
    std::vector<float> scale, shift, mean, of_value, constant;

private:
    std::vector<double> exact_mean, variance, inverse_deviation;
    LaneGroupSums sums;
};

}  // namespace striate
