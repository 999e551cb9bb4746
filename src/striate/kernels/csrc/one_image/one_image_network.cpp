#include "one_image/one_image_network.hpp"

#include "simd/denormals.hpp"

namespace striate {
std::unique_ptr<OneImageNetwork> OneImageNetwork::create(const StriateLayer* descriptions, int count) {
    std::vector<std::unique_ptr<Operation>> layers;
    for (int i = 0; i < count; i++) {
        const StriateLayer& layer = descriptions[i];
        if (layer.kind == RESPONSE) return nullptr;
        if (layer.kind == CONVOLUTION && 2 * layer.links <= layer.input[0] * layer.output[0]) return nullptr;
        layers.push_back(one_image_operation(layer));
    }
    return std::unique_ptr<OneImageNetwork>(
        new OneImageNetwork(std::move(layers), descriptions[0], descriptions[count - 1]));
}

OneImageNetwork::OneImageNetwork(std::vector<std::unique_ptr<Operation>> operations, const StriateLayer& first,
                                 const StriateLayer& last)
    : layers(std::move(operations)), channels(first.input[0]) {
    std::copy(last.output, last.output + 3, features);
    for (size_t i = 0; i < layers.size(); i++) {
        if (i) layers[i - 1]->out = layers[i]->in;
        values.emplace_back(layers[i]->in.size());
    }
    values.emplace_back(layers.back()->out.size());
    for (size_t i = 0; poison_requested() && i < values.size(); i++) {
        values[i].poison();
        clear_margins(i < layers.size() ? layers[i]->in : layers.back()->out, values[i].data());
    }
    for (const auto& each : layers) each->prepare_offsets();
}

void OneImageNetwork::forward(const StriateImages& images, float* outputs) {
    const FlushDenormals flush;
    for (const auto& each : layers)
        for (int task = 0; task < each->pack_tasks(); task++) each->pack(task);
    const Maps &in = layers[0]->in, &out = layers.back()->out;
    for (int64_t i = 0; i < images.count; i++) {
        int64_t at = (images.indices ? images.indices[i] : i) * channels * in.rows * in.columns;
        for (int c = 0; c < channels; c++)
            for (int y = 0; y < in.rows; y++) {
                float* to = values[0].data() + in.origin() + in.at(c / GROUP, y, 0) + c % GROUP;
                for (int x = 0; x < in.columns; x++, at++)
                    to[x * GROUP] =
                        images.floats ? images.floats[at] : float(images.bytes[at]) * images.scale + images.low;
            }
        for (size_t n = 0; n < layers.size(); n++) {
            Buffers b{};
            b.in = values[n].data() + layers[n]->in.origin();
            b.out = values[n + 1].data() + layers[n]->out.origin();
            b.groups = 1;
            layers[n]->forward(b);
        }
        for (int c = 0; c < features[0]; c++)
            for (int y = 0; y < features[1]; y++)
                for (int x = 0; x < features[2]; x++)
                    *outputs++ = values.back().data()[out.at(c / GROUP, y, x) + c % GROUP];
    }
}

}  // namespace striate
