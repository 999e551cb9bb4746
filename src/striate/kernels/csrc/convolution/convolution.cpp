// A convolution's forward pass and input gradient.
#include "convolution/convolution.hpp"

#include "simd/activations.hpp"

namespace striate {
namespace {

Links links_by(int count, int links, const int32_t* to, const int32_t* from) {
    Links result(count);
    for (int i = 0; i < links; i++) result[to[i]].push_back({from[i], i});
    return result;
}

Links links_to_filters(const StriateLayer& l) {
    return links_by(l.output[0], l.links, l.link_filters, l.link_channels);
}

}  // namespace

Links links_to_channels(const StriateLayer& l) {
    return links_by(l.input[0], l.links, l.link_channels, l.link_filters);
}

Convolution::Convolution(const StriateLayer& layer, bool input_gradient)
    : Operation(layer),
      forward_correlator(
          in, out, {forward_reach(out.rows, layer.kernel[0], layer.stride[0], layer.dilation[0], layer.padding[0])},
          {forward_reach(out.columns, layer.kernel[1], layer.stride[1], layer.dilation[1], layer.padding[2])},
          links_to_filters(layer), layer.kernel[0], layer.kernel[1]),
      backward_correlator(
          out, in, backward_reaches(in.rows, layer.kernel[0], layer.stride[0], layer.dilation[0], layer.padding[0]),
          backward_reaches(in.columns, layer.kernel[1], layer.stride[1], layer.dilation[1], layer.padding[2]),
          links_to_channels(layer), layer.kernel[0], layer.kernel[1]) {
    wants_input_gradient = input_gradient;
    in.widen(forward_correlator.margins());
    // The weight gradient reads every tap of every position, also in the padding.
    const auto beyond = [](int size, int output, int stride, int kernel, int dilation, int before) {
        return (output - 1) * stride + (kernel - 1) * dilation - before - (size - 1);
    };
    in.widen({0, 0, 0, layer.padding[0],
              beyond(in.rows, out.rows, layer.stride[0], layer.kernel[0], layer.dilation[0], layer.padding[0]),
              layer.padding[2],
              beyond(in.columns, out.columns, layer.stride[1], layer.kernel[1], layer.dilation[1], layer.padding[2])});
    weight_winograd = WeightWinograd::of(layer, links_to_channels(layer), weight_gradient_cost());
    if (weight_winograd) in.widen(weight_winograd->margins());
    if (wants_input_gradient) out_gradient.widen(backward_correlator.margins());
}

void Convolution::prepare_offsets() {
    forward_correlator.set_layout(in, out);
    if (wants_input_gradient) backward_correlator.set_layout(out_gradient, in_gradient);
    prepare_weight_gradient();
    if (weight_winograd) weight_winograd->set_layout(in, out_gradient);
}

void Convolution::pack(int task) {
    if (task < forward_correlator.pack_tasks()) forward_correlator.pack(task, layer.weight);
    else backward_correlator.pack(task - forward_correlator.pack_tasks(), layer.weight);
}

void Convolution::forward(const Buffers& b) {
    const Range rows = slice_range(layer.output[1], b);
    for (int g = 0; g < b.groups; g++) {
        float* to = b.out + g * b.out_group_stride;
        forward_correlator.run_rows(b.in + g * b.in_group_stride, to, layer.bias, layer.function == RELU, rows.first,
                                    rows.end - rows.first, true, correlator_scratch(b));
        if (layer.function == RELU) continue;
        for (int c = 0; c < out.channels; c++)
            for (int y = rows.first; y < rows.end; y++) activate(layer.function, to + out.at(c, y, 0), out.columns);
    }
}

// Where there are slices, the first computes the parameters' gradients and the second the input's.
void Convolution::backward(const Buffers& given) {
    Buffers b = given;
    const bool two_slices = b.in_gradient && b.slices > 1;
    if (two_slices && b.slice != 0) b.weight_gradient = b.bias_gradient = nullptr;
    if (two_slices && b.slice != 1) b.in_gradient = nullptr;
    if (two_slices) b.slice = 0, b.slices = 1;
    for (int g = 0; g < b.groups; g++) {
        const float* in_values = b.in + g * b.in_group_stride;
        const float* gradient = b.out_gradient + g * b.out_gradient_group_stride;
        const bool overwrite = b.overwrite && g == 0;
        if (b.weight_gradient) weight_gradient(b, in_values, gradient, overwrite);
        if (b.bias_gradient) bias_gradient(gradient, layer.output[1], true, true, b, overwrite);
        if (!b.in_gradient) continue;
        float* to = b.in_gradient + g * b.in_gradient_group_stride;
        if (input_function == RELU) {
            backward_correlator.run_times_derivative(gradient, to, in_values, in, correlator_scratch(b));
            continue;
        }
        backward_correlator.run(gradient, to, nullptr, false, correlator_scratch(b));
        for (int c = 0; c < in.channels; c++)
            for (int y = 0; y < layer.input[1]; y++)
                multiply_by_derivative(input_function, in_values + in.at(c, y, 0), to + in_gradient.at(c, y, 0),
                                       in.columns);
    }
}

void Convolution::forward_rows(const Buffers& b, int first, int count, bool starts_slice) {
    float* const to = b.out - first * out.row_stride();
    forward_correlator.run_rows(b.in, to, layer.bias, layer.function == RELU, first, count, starts_slice,
                                correlator_scratch(b));
}

void Convolution::backward_rows(const Buffers& given, int first, int count, bool starts_slice) {
    Buffers b = given;
    b.scratch += b.slice * slice_sums_size(), b.slice = 0, b.slices = 1;  // each slice has its own sums
    WeightProducts p{};
    p.gradient = b.out_gradient, p.partial = b.scratch, p.in = b.in + first * layer.stride[0] * in.row_stride();
    add_strip_products(p, count, starts_slice, false, b, false);
    if (layer.bias) bias_gradient(b.out_gradient, count, starts_slice, false, b, false);
}

std::unique_ptr<Operation> convolution(const StriateLayer& layer, bool wants_input_gradient) {
    return std::make_unique<Convolution>(layer, wants_input_gradient);
}

}  // namespace striate
