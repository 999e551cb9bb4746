// The engine's layers, and where their maps, gradients and parameters lie in memory.
#include "engine/engine.hpp"

namespace striate {
namespace {

bool is_flat(int kind) { return kind == LINEAR || kind == RADIAL; }

}  // namespace

Engine::Engine(const StriateLayer* first, int count) : layers_given(count), one_image(plan_of(first, count)) {
    for (int i = 0; i < count; i++) add(first[i]);
    // The loss writes its gradient without margins, and knows no activation function.
    add_copy(layers.back()->layer.function != IDENTITY);
    while (first_trained < int(layers.size()) - 1 && !trains(layers[first_trained]->layer)) first_trained++;
    while (first_flat < int(layers.size()) && !is_flat(layers[first_flat]->layer.kind)) first_flat++;
    lay_out_buffers();
    parameters.cut_into_chunks();
    seconds.assign(3 + 2 * layers.size(), 0.0);
}

void Engine::add(const StriateLayer& layer) {
    bool trains_below = false;
    for (const auto& each : layers) trains_below = trains_below || trains(each->layer);
    auto operation_of_layer = operation(layer, trains_below);
    if (!layers.empty()) operation_of_layer->input_function = layers.back()->layer.function;
    if (is_flat(layer.kind) && add_copy()) operation_of_layer->input_function = IDENTITY;
    layers.push_back(std::move(operation_of_layer));
    is_copy.push_back(false);
    first_parameter.push_back(int(parameters.all.size()));
    parameters.add(layer, int(layers.size()) - 1);
}

// A flat layer writes its input's gradient without margins. Where the layer before it needs margins there, or where one
// is `needed`, a layer that copies is added between them.
bool Engine::add_copy(bool needed) {
    if (layers.empty()) return false;
    if (!needed && !has_margins(layers.back()->out_gradient)) return false;
    StriateLayer copy{};
    copy.kind = ELEMENTWISE;
    std::copy(layers.back()->layer.output, layers.back()->layer.output + 3, copy.input);
    std::copy(copy.input, copy.input + 3, copy.output);
    add(copy);
    is_copy.back() = true;
    return true;
}

void Engine::lay_out_buffers() {
    const int count = int(layers.size());
    value_buffers.resize(count + 1), gradient_buffers.resize(count + 1), argmax_buffers.resize(count);
    ptrdiff_t end = 0;
    const auto place = [&](BufferLayout& buffer, ptrdiff_t size, bool per_group, bool per_thread) {
        buffer.start = end, buffer.group_stride = per_group ? rounded(size) : 0, buffer.per_thread = per_thread;
        end += rounded(size) * (per_group ? CACHE_TILE_GROUPS : 1);
    };
    for (int i = 0; i <= count; i++) {
        Maps& maps = value_buffers[i].maps = i < count ? layers[i]->in : layers[i - 1]->out;
        Maps& gradient = gradient_buffers[i].maps = i ? layers[i - 1]->out_gradient : layers[0]->in_gradient;
        // Between a convolution and the max pooling fused with it there is only a band of rows, which all lane groups
        // share, since nothing else reads the maps. Their gradient is a band too, unless the convolution computes an
        // input gradient, which needs whole maps.
        const bool fused = i > 0 && i < count && fused_with_previous(i), banded = fused && i - 1 <= first_trained;
        if (fused) maps.rows = layers[i]->layer.kernel[0];
        if (banded) gradient.rows = layers[i - 1]->gradient_band_rows = layers[i]->layer.kernel[0];
        place(value_buffers[i], maps.size(), !fused, fused);
        place(gradient_buffers[i], gradient.size(), i >= first_flat, fused);
        if (i < count) layers[i]->in = maps, layers[i]->in_gradient = gradient;
        if (i > 0) layers[i - 1]->out = maps, layers[i - 1]->out_gradient = gradient;
    }
    for (int i = 0; i < count; i++) {
        layers[i]->prepare_offsets();
        place(argmax_buffers[i], layers[i]->argmax_size(), true, false);
        scratch_size = std::max(scratch_size, rounded(layers[i]->scratch_size(CACHE_TILE_GROUPS)));
    }
    thread_buffer_size = end + scratch_size;
}

// Whether layer i is a max pooling that runs fused with the convolution before it: its windows do not overlap and cover
// all values.
bool Engine::fused_with_previous(int i) const {
    if (i < 1 || i >= first_flat) return false;
    const StriateLayer &pooling = layers[i]->layer, &before = layers[i - 1]->layer;
    return pooling.kind == MAXIMUM && before.kind == CONVOLUTION && before.function == IDENTITY &&
           pooling.stride[0] == pooling.kernel[0] && pooling.stride[1] == pooling.kernel[1] &&
           std::all_of(pooling.padding, pooling.padding + 4, [](int side) { return !side; }) &&
           pooling.input[1] % pooling.kernel[0] == 0 && pooling.input[2] % pooling.kernel[1] == 0;
}

}  // namespace striate
