#include "one_image/one_image_network.hpp"

#include "one_image/channel_blocks.hpp"
#include "simd/denormals.hpp"

namespace striate {
bool runs_on_one_image(const StriateLayer& layer) {
    const bool sparse = layer.kind == CONVOLUTION && 2 * layer.links <= layer.input[0] * layer.output[0];
    return !sparse && layer.kind != RESPONSE;
}

std::unique_ptr<OneImageNetwork> OneImageNetwork::create(const StriateLayer* descriptions, int count) {
    std::vector<std::unique_ptr<Operation>> layers;
    for (int i = 0; i < count; i++) {
        if (!runs_on_one_image(descriptions[i])) return nullptr;
        layers.push_back(one_image_operation(descriptions[i]));
    }
    return std::unique_ptr<OneImageNetwork>(
        new OneImageNetwork(std::move(layers), descriptions[0], descriptions[count - 1]));
}

OneImageNetwork::OneImageNetwork(std::vector<std::unique_ptr<Operation>> operations, const StriateLayer& first,
                                 const StriateLayer& last)
    : layers(std::move(operations)) {
    std::copy(first.input, first.input + 3, image);
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
        image_to_channel_lanes(images, i, image, in, values[0].data() + in.origin());
        for (size_t n = 0; n < layers.size(); n++) {
            Buffers b{};
            b.in = values[n].data() + layers[n]->in.origin();
            b.out = values[n + 1].data() + layers[n]->out.origin();
            b.groups = 1;
            layers[n]->forward(b);
        }
        channel_lanes_to_answer(values.back().data(), out, features, outputs);
        outputs += ptrdiff_t(features[0]) * features[1] * features[2];
    }
}

}  // namespace striate
