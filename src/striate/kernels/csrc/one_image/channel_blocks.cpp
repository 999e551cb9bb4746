#include "one_image/channel_blocks.hpp"

#include <array>
#include <stdexcept>

#include "one_image/one_image_layers.hpp"

namespace striate {
namespace {

using Shape = std::array<int, 3>;

Shape shape_of(const int shape[3]) { return {shape[0], shape[1], shape[2]}; }

void require(bool fits) {
    if (!fits) throw std::invalid_argument("a plan that lanes of channels cannot hold");
}

void join_in_blocks(PlannedNode& node, const std::vector<Shape>& shapes) {
    const int channels = node.output[0];
    for (Term& term : node.terms) {
        const bool whole = term.channels % GROUP == 0 || term.first + term.channels == channels;
        require(term.norm < 0 && term.first % GROUP == 0 && whole);
        require(shapes[term.value] == Shape{term.channels, node.output[1], node.output[2]});
        term.first /= GROUP, term.channels = channel_blocks(term.channels);
    }
    if (node.factor < 0) return;
    const Shape& factor = shapes[node.factor];
    require(factor == shape_of(node.output) || factor == Shape{channels, 1, 1});
}

void layer_in_blocks(PlannedNode& node, const Shape& given) {
    StriateLayer& layer = node.layer;
    require(runs_on_one_image(layer));
    if (layer.kind == LINEAR || layer.kind == RADIAL) std::copy(given.begin(), given.end(), layer.input);
    require(shape_of(layer.input) == given);
}

}  // namespace

Plan in_channel_blocks(Plan plan, int answer[3]) {
    std::vector<Shape> shapes{shape_of(plan.input)};
    for (PlannedNode& node : plan.nodes) {
        if (node.joins) join_in_blocks(node, shapes);
        else layer_in_blocks(node, shapes[node.input]);
        shapes.push_back(shape_of(node.joins ? node.output : node.layer.output));
        std::copy(shapes.back().begin(), shapes.back().end(), node.output);
        node.output[0] = channel_blocks(node.output[0]);
    }
    plan.input[0] = channel_blocks(plan.input[0]);
    std::copy(shapes.back().begin(), shapes.back().end(), answer);
    return plan;
}

void image_to_channel_lanes(const StriateImages& images, int64_t number, const int shape[3], const Maps& maps,
                            float* to) {
    int64_t at = (images.indices ? images.indices[number] : number) * shape[0] * shape[1] * shape[2];
    for (int c = 0; c < shape[0]; c++)
        for (int y = 0; y < shape[1]; y++) {
            float* row = to + maps.at(c / GROUP, y, 0) + c % GROUP;
            for (int x = 0; x < shape[2]; x++, at++)
                row[x * GROUP] =
                    images.floats ? images.floats[at] : float(images.bytes[at]) * images.scale + images.low;
        }
}

void channel_lanes_to_answer(const float* from, const Maps& maps, const int shape[3], float* answer) {
    for (int c = 0; c < shape[0]; c++)
        for (int y = 0; y < shape[1]; y++)
            for (int x = 0; x < shape[2]; x++) *answer++ = from[maps.at(c / GROUP, y, x) + c % GROUP];
}

}  // namespace striate
