#include "online/online_trainer.hpp"

#include <algorithm>
#include <stdexcept>

#include "simd/activations.hpp"
#include "simd/denormals.hpp"

namespace striate {
namespace {

BlockedMaps maps_of(const int32_t (&shape)[3], int width = GROUP) { return {shape[0], shape[1], shape[2], width}; }

std::unique_ptr<OnlineLayer> online_layer(const StriateLayer& layer, BlockedMaps in) {
    switch (layer.kind) {
        case CONVOLUTION: return online_convolution(layer, in);
        case SUBSAMPLING: return online_subsampling(layer, in);
        case LINEAR: return online_dense(layer, in);
        default: throw std::invalid_argument("a layer of a kind that learning from one image does not take");
    }
}

void square(AlignedFloats& to, const AlignedFloats& from, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) to.data()[i] = from.data()[i] * from.data()[i];
}

}  // namespace

OnlineLayer::OnlineLayer(const StriateLayer& layer, BlockedMaps in)
    : layer(layer),
      in(in),
      out(maps_of(layer.output)),
      out_gradient(out),
      in_gradient(in),
      bias_count(ptrdiff_t(out.blocks()) * GROUP) {}

OnlineTrainer::OnlineTrainer(const StriateLayer* layers_given, int count)
    : classes(layers_given[count - 1].output[0]),
      features(maps_of(layers_given[count - 1].input).size()),
      centres(classes * features),
      distances(ptrdiff_t(classes) * GROUP),
      distance_gradient(ptrdiff_t(classes) * GROUP) {
    BlockedMaps in = maps_of(layers_given[0].input, 1);
    for (int i = 0; i < count - 1; i++) {
        layers.push_back(online_layer(layers_given[i], in));
        values.emplace_back(in.size());
        module_parameters.push_back(layers_given[i].weight), module_parameters.push_back(layers_given[i].bias);
        in = layers.back()->out;
    }
    values.emplace_back(in.size());
    for (size_t i = 0; i < layers.size(); i++) {
        layers[i]->out_gradient.margin = layers[i]->margin();
        if (i + 1 < layers.size()) layers[i + 1]->in_gradient = layers[i]->out_gradient;
        gradients.emplace_back(layers[i]->out_gradient.size());
        layers[i]->prepare_offsets();
    }
    for (int i = 0; i < classes; i++)
        std::copy_n(layers_given[count - 1].weight + ptrdiff_t(i) * in.channels, in.channels,
                    centres.data() + i * features);
}

OnlineTrainer::FloatBuffers OnlineTrainer::pack_parameters(const float* const* arrays) const {
    FloatBuffers packed;
    for (const auto& layer : layers) {
        const float *weights = *arrays++, *biases = *arrays++;
        packed.emplace_back(layer->weight_count), packed.emplace_back(layer->bias_count);
        float* to = packed[packed.size() - 2].data();
        for (size_t k = 0; k < layer->weight_offsets.size(); k++) to[layer->weight_offsets[k]] = weights[k];
        if (biases) std::copy_n(biases, layer->out.channels, packed.back().data());
    }
    return packed;
}

void OnlineTrainer::unpack_parameters(FloatBuffers& from, float* const* arrays) const {
    auto memory = from.begin();
    for (const auto& layer : layers) {
        float *weights = *arrays++, *biases = *arrays++;
        const float* packed_values = (memory++)->data();
        for (size_t k = 0; k < layer->weight_offsets.size(); k++) weights[k] = packed_values[layer->weight_offsets[k]];
        packed_values = (memory++)->data();
        if (biases) std::copy_n(packed_values, layer->out.channels, biases);
    }
}

std::vector<ParameterUpdate> OnlineTrainer::parameter_updates(FloatBuffers& weights, FloatBuffers& to_update,
                                                              FloatBuffers& rates) const {
    std::vector<ParameterUpdate> result;
    for (size_t i = 0; i < weights.size(); i += 2)
        result.push_back(
            {weights[i].data(), to_update[i].data(), to_update[i + 1].data(), rates[i].data(), rates[i + 1].data()});
    return result;
}

StriateResult OnlineTrainer::learn(const StriateImages& images, const StriateTarget& target,
                                   const float* const* rate_arrays) {
    const FlushDenormals flush;
    FloatBuffers packed = pack_parameters(module_parameters.data()), rates = pack_parameters(rate_arrays);
    const std::vector<ParameterUpdate> updates = parameter_updates(packed, packed, rates);
    Score sum;
    for (int64_t i = 0; i < images.count; i++) {
        const Score image_score = run_forward(images, target, i, packed);
        sum.loss += image_score.loss, sum.right += image_score.right;
        compute_distances_gradient();
        backward(values, updates, 1);
    }
    unpack_parameters(packed, module_parameters.data());
    return {sum.loss / double(std::max<int64_t>(images.count, 1)), sum.right};
}

void OnlineTrainer::curvature(const StriateImages& images, const StriateTarget& target, float* const* sums) {
    const FlushDenormals flush;
    FloatBuffers packed = pack_parameters(module_parameters.data()), squares, added, minus_one, inputs;
    for (size_t i = 0; i < packed.size(); i++) {
        const ptrdiff_t size = i % 2 ? layers[i / 2]->bias_count : layers[i / 2]->weight_count;
        for (FloatBuffers* each : {&squares, &added, &minus_one}) each->emplace_back(size);
        square(squares[i], packed[i], size);
        std::fill_n(minus_one[i].data(), size, -1.0f);
    }
    for (const auto& layer : layers) inputs.emplace_back(layer->in.size());
    const std::vector<ParameterUpdate> summing = parameter_updates(squares, added, minus_one);
    for (int64_t i = 0; i < images.count; i++) {
        run_forward(images, target, i, packed);
        for (size_t n = 0; n < layers.size(); n++) square(inputs[n], values[n], layers[n]->in.size());
        compute_distances_curvature(target.labels[images.indices ? images.indices[i] : i]);
        backward(inputs, summing, 2);
    }
    unpack_parameters(added, sums);
}

// Runs an image through the network: up to the loss, and its gradient with respect to the RBF units' distances.
Score OnlineTrainer::run_forward(const StriateImages& images, const StriateTarget& target, int64_t index,
                                 FloatBuffers& packed) {
    const int64_t number = images.indices ? images.indices[index] : index;
    const ptrdiff_t size = layers[0]->in.size();
    float* to = values[0].data();
    if (images.floats) std::copy_n(images.floats + number * size, size, to);
    else
        for (ptrdiff_t i = 0; i < size; i++) to[i] = float(images.bytes[number * size + i]) * images.scale + images.low;
    for (size_t i = 0; i < layers.size(); i++) {
        float* out = values[i + 1].data();
        layers[i]->forward(values[i].data(), out, packed[2 * i].data(), packed[2 * i + 1].data());
        activate(layers[i]->layer.function, out, layers[i]->out.size() / GROUP);
    }
    compute_distances();
    return score(target, distances.data(), distance_gradient.data(), classes, target.labels + number, 1, 0, 1);
}

void OnlineTrainer::compute_distances() {
    const float* from = values.back().data();
    for (int i = 0; i < classes; i++) {
        const float* centre = centres.data() + i * features;
        Vector sum{};
        for (ptrdiff_t k = 0; k < features; k += LANES) {
            const Vector difference = load(from + k) - load(centre + k);
            sum += difference * difference;
        }
        float total = 0;
        for (int lane = 0; lane < LANES; lane++) total += sum[lane];
        distances.data()[i * GROUP] = total;
    }
}

void OnlineTrainer::compute_distances_gradient() {
    const float *from = values.back().data(), *distance_gradients = distance_gradient.data();
    float* to = gradients.back().data();
    for (ptrdiff_t k = 0; k < features; k += LANES) {
        const Vector value = load(from + k);
        Vector sum{};
        for (int i = 0; i < classes; i++)
            sum += distance_gradients[i * GROUP] * (value - load(centres.data() + i * features + k));
        store(to + k, 2.0f * sum);
    }
}

// ∂²E/∂x² of each feature x. With p_i = e^−y_i over the sum in eq. 9 of the paper, and d_i = x − w_i, it is
// 2 (1 − Σ p_i) + 4 (Σ p_i d_i² − (Σ p_i d_i)²), which is never negative. In eq. 8 all p_i are zero. −p_i is what eq. 9
// adds to a distance's gradient.
void OnlineTrainer::compute_distances_curvature(int64_t label) {
    const float *from = values.back().data(), *distance_gradients = distance_gradient.data();
    float* to = gradients.back().data();
    for (ptrdiff_t k = 0; k < features; k += LANES) {
        const Vector value = load(from + k);
        Vector rest = broadcast(1.0f), mean{}, square{};
        for (int i = 0; i < classes; i++) {
            const float probability = (i == label ? 1.0f : 0.0f) - distance_gradients[i * GROUP];
            const Vector difference = value - load(centres.data() + i * features + k);
            rest -= broadcast(probability), mean += probability * difference,
                square += probability * difference * difference;
        }
        const Vector variance = square - mean * mean;
        store(to + k, 2.0f * rest + 4.0f * (variance < 0.0f ? Vector{} : variance));
    }
}

void OnlineTrainer::backward(FloatBuffers& inputs, const std::vector<ParameterUpdate>& updates, int times) {
    for (size_t i = layers.size(); i-- > 0;) {
        multiply_by_derivatives(i, times);
        layers[i]->backward(inputs[i].data(), gradients[i].data(), i ? gradients[i - 1].data() : nullptr, updates[i]);
    }
}

// Multiplies the gradient of a layer's activation by f′: once, or twice for second derivatives.
void OnlineTrainer::multiply_by_derivatives(size_t i, int times) {
    const BlockedMaps &out = layers[i]->out, &back = layers[i]->out_gradient;
    for (int block = 0; block < out.blocks(); block++)
        for (int y = 0; y < out.rows; y++)
            for (int time = 0; time < times; time++)
                multiply_by_derivative(layers[i]->layer.function, values[i + 1].data() + out.at(block * GROUP, y, 0),
                                       gradients[i].data() + back.at(block * GROUP, y, 0), out.columns);
}

}  // namespace striate
