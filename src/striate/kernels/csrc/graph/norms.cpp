#include "graph/norms.hpp"

#include <algorithm>
#include <cmath>

namespace striate {
namespace {

// Calls run(first, positions) for runs of positions of a channel that follow each other in both layouts.
template <class Run>
void each_run(const Maps& one, const Maps& other, Run run) {
    if (one.row_stride() == one.columns * GROUP && other.row_stride() == one.columns * GROUP)
        return run(0, ptrdiff_t(one.rows) * one.columns);
    for (int y = 0; y < one.rows; y++) run(y, one.columns);
}

}  // namespace

Norm::Norm(const StriateNorm& given) : given(given), sums(0, given.channels) {
    for (auto* each : {&scale, &shift, &mean, &of_value, &constant}) each->resize(given.channels);
    for (auto* each : {&exact_mean, &variance, &inverse_deviation}) each->resize(given.channels);
}

void Norm::begin(int64_t groups) { sums = LaneGroupSums(groups, given.channels); }

void Norm::add_values(int64_t group, const float* values, const Maps& maps, int live_lanes) {
    for (int c = 0; c < given.channels; c++)
        each_run(maps, maps, [&](int y, ptrdiff_t positions) {
            const float* run = values + maps.at(c, y, 0);
            sums.add(group, c, run, run, positions, live_lanes);
        });
}

void Norm::end_values(int64_t count) {
    std::vector<double> total(given.channels), squares(given.channels);
    sums.total(total.data(), squares.data());
    for (int c = 0; c < given.channels; c++) {
        exact_mean[c] = total[c] / double(count);
        const double spread = squares[c] / double(count) - exact_mean[c] * exact_mean[c];
        variance[c] = spread < 0 ? 0.0 : spread;
        inverse_deviation[c] = 1.0 / std::sqrt(variance[c] + given.epsilon);
        mean[c] = float(exact_mean[c]), scale[c] = float(given.weight[c] * inverse_deviation[c]);
        shift[c] = float(given.bias[c] - exact_mean[c] * given.weight[c] * inverse_deviation[c]);
    }
}

void Norm::add_gradients(int64_t group, int channel, const float* gradients, const Maps& gradient_maps,
                         const float* values, const Maps& maps, int live_lanes) {
    each_run(gradient_maps, maps, [&](int y, ptrdiff_t positions) {
        sums.add(group, channel, gradients + gradient_maps.at(0, y, 0), values + maps.at(channel, y, 0), positions,
                 live_lanes);
    });
}

void Norm::end_gradients(int64_t count) {
    std::vector<double> total(given.channels), products(given.channels);
    sums.total(total.data(), products.data());
    for (int c = 0; c < given.channels; c++) {
        const double of_scale = inverse_deviation[c] * (products[c] - exact_mean[c] * total[c]);
        const double factor = given.weight[c] * inverse_deviation[c] / double(count);
        given.weight_gradient[c] = float(of_scale), given.bias_gradient[c] = float(total[c]);
        of_value[c] = float(-factor * inverse_deviation[c] * of_scale), constant[c] = float(-factor * total[c]);
    }
}

void Norm::update_running(int64_t count) const {
    const float part = float(given.momentum);
    for (int c = 0; c < given.channels; c++) {
        const double unbiased = variance[c] * double(count) / double(count - 1);
        given.mean[c] = part * float(exact_mean[c]) + (1.0f - part) * given.mean[c];
        given.variance[c] = part * float(unbiased) + (1.0f - part) * given.variance[c];
    }
    ++*given.tracked;
}

}  // namespace striate
