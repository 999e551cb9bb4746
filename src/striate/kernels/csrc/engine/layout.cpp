// How a network's layers, their maps and their parameters lie in memory.
#include "engine/engine.hpp"

namespace striate {
namespace {

ptrdiff_t rounded(ptrdiff_t floats) { return (floats + 15) / 16 * 16; }

bool is_flat(int kind) { return kind == LINEAR || kind == RADIAL; }

}  // namespace

Engine::Engine(const StriateLayer* first, int count) : given(count) {
    for (int i = 0; i < count; i++) add(first[i]);
    add_copy();  // the loss writes its gradient without margins too
    while (trained < int(layers.size()) - 1 && !layers[trained]->layer.weight_gradient) trained++;
    while (front < int(layers.size()) && !is_flat(layers[front]->layer.kind)) front++;
    lay_out();
    for (int i = 0; i < int(parameters.size()); i++)
        for (ptrdiff_t first = 0; first < parameters[i].size; first += CHUNK)
            chunks.push_back({i, first, std::min(CHUNK, parameters[i].size - first)});
    seconds.assign(3 + 2 * layers.size(), 0.0);
    single = Single::of(first, count);
}

void Engine::add(const StriateLayer& layer) {
    bool below = false;
    for (const auto& each : layers) below = below || each->layer.weight_gradient;
    auto made = operation(layer, below);
    if (!layers.empty()) made->input_function = layers.back()->layer.function;
    if (is_flat(layer.kind) && add_copy()) made->input_function = IDENTITY;
    layers.push_back(std::move(made));
    copies.push_back(false);
    first_parameter.push_back(int(parameters.size()));
    const auto keep = [&](float* value, float* gradient, ptrdiff_t size, bool bias) {
        if (!gradient) return;
        parameters.push_back({value, gradient, size, shard_size, int(layers.size()) - 1, bias});
        shard_size += rounded(size);
    };
    const ptrdiff_t inputs = ptrdiff_t(layer.input[0]) * layer.input[1] * layer.input[2];
    const ptrdiff_t size = layer.kind == CONVOLUTION ? ptrdiff_t(layer.links) * layer.kernel[0] * layer.kernel[1]
                           : layer.kind == LINEAR    ? inputs * layer.output[0]
                                                     : layer.output[0];
    keep(layer.weight, layer.weight_gradient, size, false);
    keep(layer.bias, layer.bias_gradient, layer.output[0], true);
}

// A flat layer writes its input's gradient without margins; where the layer below needs some, a copy adds them.
bool Engine::add_copy() {
    if (layers.empty()) return false;
    const Maps& below = layers.back()->out_gradient;
    if (!below.top && !below.bottom && !below.left && !below.right) return false;
    StriateLayer copy{};
    copy.kind = ELEMENTWISE;
    std::copy(layers.back()->layer.output, layers.back()->layer.output + 3, copy.input);
    std::copy(copy.input, copy.input + 3, copy.output);
    add(copy);
    copies.back() = true;
    return true;
}

void Engine::lay_out() {
    const int count = int(layers.size());
    values.resize(count + 1), gradients.resize(count + 1), places.resize(count);
    ptrdiff_t end = 0;
    const auto place = [&](Place& at, ptrdiff_t size, bool each_group, bool own) {
        at.start = end, at.group = each_group ? rounded(size) : 0, at.own = own;
        end += rounded(size) * (each_group ? TILE_GROUPS : 1);
    };
    for (int i = 0; i <= count; i++) {
        Maps& maps = values[i].maps = i < count ? layers[i]->in : layers[i - 1]->out;
        Maps& gradient = gradients[i].maps = i ? layers[i - 1]->out_gradient : layers[0]->in_gradient;
        // Between a convolution and the maxima of its result there is a band of rows for all groups, as nobody reads it
        // once the maxima are found; so too for its gradient, where no input gradient needs whole maps of it.
        const bool pair = i > 0 && i < count && hand_in_hand(i), band = pair && i - 1 <= trained;
        if (pair) maps.rows = layers[i]->layer.kernel[0];
        if (band) gradient.rows = layers[i - 1]->gradient_band_rows = layers[i]->layer.kernel[0];
        place(values[i], maps.size(), !pair, pair);
        place(gradients[i], gradient.size(), i >= front, pair);
        if (i < count) layers[i]->in = maps, layers[i]->in_gradient = gradient;
        if (i > 0) layers[i - 1]->out = maps, layers[i - 1]->out_gradient = gradient;
    }
    for (int i = 0; i < count; i++) {
        layers[i]->prepare_offsets();
        place(places[i], layers[i]->argmax_size(), true, false);
        scratch = std::max(scratch, rounded(layers[i]->scratch_size(TILE_GROUPS)));
    }
    thread_size = end + scratch;
}

// Whether a layer is the maxima of the convolution before it, over windows that hold every value once.
bool Engine::hand_in_hand(int i) const {
    if (i < 1 || i >= front) return false;
    const StriateLayer &pooling = layers[i]->layer, &before = layers[i - 1]->layer;
    return pooling.kind == MAXIMUM && before.kind == CONVOLUTION && before.function == IDENTITY &&
           pooling.stride[0] == pooling.kernel[0] && pooling.stride[1] == pooling.kernel[1] &&
           std::all_of(pooling.padding, pooling.padding + 4, [](int side) { return !side; }) &&
           pooling.input[1] % pooling.kernel[0] == 0 && pooling.input[2] % pooling.kernel[1] == 0;
}

}  // namespace striate
