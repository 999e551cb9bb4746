#include "online/pattern.hpp"

#include <algorithm>
#include <stdexcept>

#include "api/guard.hpp"
#include "simd/activations.hpp"
#include "simd/denormals.hpp"

namespace striate {
namespace {

Planes planes_of(const int32_t (&shape)[3], int width = GROUP) { return {shape[0], shape[1], shape[2], width}; }

std::unique_ptr<PatternLayer> pattern_layer(const StriateLayer& layer, Planes in) {
    switch (layer.kind) {
        case CONVOLUTION: return pattern_convolution(layer, in);
        case SUBSAMPLING: return pattern_subsampling(layer, in);
        case LINEAR: return pattern_dense(layer, in);
        default: throw std::invalid_argument("a layer of a kind that learning from one image does not take");
    }
}

void square(AlignedFloats& to, const AlignedFloats& from, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; i++) to.data()[i] = from.data()[i] * from.data()[i];
}

}  // namespace

PatternLayer::PatternLayer(const StriateLayer& layer, Planes in)
    : layer(layer),
      in(in),
      out(planes_of(layer.output)),
      out_gradient(out),
      in_gradient(in),
      bias_count(ptrdiff_t(out.blocks()) * GROUP) {}

Pattern::Pattern(const StriateLayer* given, int count)
    : classes(given[count - 1].output[0]),
      features(planes_of(given[count - 1].input).size()),
      centres(classes * features),
      distances(ptrdiff_t(classes) * GROUP),
      distance_gradient(ptrdiff_t(classes) * GROUP) {
    Planes in = planes_of(given[0].input, 1);
    for (int i = 0; i < count - 1; i++) {
        layers.push_back(pattern_layer(given[i], in));
        values.emplace_back(in.size());
        own.push_back(given[i].weight), own.push_back(given[i].bias);
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
        std::copy_n(given[count - 1].weight + ptrdiff_t(i) * in.channels, in.channels, centres.data() + i * features);
}

Pattern::Memories Pattern::parameters(const float* const* numbers) const {
    Memories made;
    for (const auto& layer : layers) {
        const float *weights = *numbers++, *biases = *numbers++;
        made.emplace_back(layer->weight_count), made.emplace_back(layer->bias_count);
        float* to = made[made.size() - 2].data();
        for (size_t k = 0; k < layer->places.size(); k++) to[layer->places[k]] = weights[k];
        if (biases) std::copy_n(biases, layer->out.channels, made.back().data());
    }
    return made;
}

void Pattern::give_back(Memories& from, float* const* numbers) const {
    auto memory = from.begin();
    for (const auto& layer : layers) {
        float *weights = *numbers++, *biases = *numbers++;
        const float* packed = (memory++)->data();
        for (size_t k = 0; k < layer->places.size(); k++) weights[k] = packed[layer->places[k]];
        packed = (memory++)->data();
        if (biases) std::copy_n(packed, layer->out.channels, biases);
    }
}

std::vector<Change> Pattern::changes(Memories& lead, Memories& changed, Memories& rates) const {
    std::vector<Change> made;
    for (size_t i = 0; i < lead.size(); i += 2)
        made.push_back(
            {lead[i].data(), changed[i].data(), changed[i + 1].data(), rates[i].data(), rates[i + 1].data()});
    return made;
}

StriateResult Pattern::learn(const StriateImages& images, const StriateTarget& target, const float* const* given) {
    const FlushDenormals flush;
    Memories mine = parameters(own.data()), rates = parameters(given);
    const std::vector<Change> learning = changes(mine, mine, rates);
    Score sum;
    for (int64_t i = 0; i < images.count; i++) {
        const Score one = show(images, target, i, mine);
        sum.loss += one.loss, sum.right += one.right;
        radial_gradient();
        backward(values, learning, 1);
    }
    give_back(mine, own.data());
    return {sum.loss / double(std::max<int64_t>(images.count, 1)), sum.right};
}

void Pattern::curvature(const StriateImages& images, const StriateTarget& target, float* const* sums) {
    const FlushDenormals flush;
    Memories mine = parameters(own.data()), squares, added, less_one, inputs;
    for (size_t i = 0; i < mine.size(); i++) {
        const ptrdiff_t size = i % 2 ? layers[i / 2]->bias_count : layers[i / 2]->weight_count;
        for (Memories* each : {&squares, &added, &less_one}) each->emplace_back(size);
        square(squares[i], mine[i], size);
        std::fill_n(less_one[i].data(), size, -1.0f);
    }
    for (const auto& layer : layers) inputs.emplace_back(layer->in.size());
    const std::vector<Change> adding = changes(squares, added, less_one);
    for (int64_t i = 0; i < images.count; i++) {
        show(images, target, i, mine);
        for (size_t n = 0; n < layers.size(); n++) square(inputs[n], values[n], layers[n]->in.size());
        radial_curvature(target.labels[images.indices ? images.indices[i] : i]);
        backward(inputs, adding, 2);
    }
    give_back(added, sums);
}

// Runs image number `place` of the images through the network, up to the loss's gradient to the distances.
Score Pattern::show(const StriateImages& images, const StriateTarget& target, int64_t place, Memories& parameters) {
    const int64_t number = images.indices ? images.indices[place] : place;
    const ptrdiff_t size = layers[0]->in.size();
    float* to = values[0].data();
    if (images.floats) std::copy_n(images.floats + number * size, size, to);
    else
        for (ptrdiff_t i = 0; i < size; i++) to[i] = float(images.bytes[number * size + i]) * images.scale + images.low;
    for (size_t i = 0; i < layers.size(); i++) {
        float* out = values[i + 1].data();
        layers[i]->forward(values[i].data(), out, parameters[2 * i].data(), parameters[2 * i + 1].data());
        activate(layers[i]->layer.function, out, layers[i]->out.size() / GROUP);
    }
    radial();
    return score(target, distances.data(), distance_gradient.data(), classes, target.labels + number, 1, 1);
}

void Pattern::radial() {
    const float* from = values.back().data();
    for (int i = 0; i < classes; i++) {
        const float* centre = centres.data() + i * features;
        Vector sum{};
        for (ptrdiff_t k = 0; k < features; k += LANES) {
            const Vector apart = load(from + k) - load(centre + k);
            sum += apart * apart;
        }
        float total = 0;
        for (int lane = 0; lane < LANES; lane++) total += sum[lane];
        distances.data()[i * GROUP] = total;
    }
}

void Pattern::radial_gradient() {
    const float *from = values.back().data(), *given = distance_gradient.data();
    float* to = gradients.back().data();
    for (ptrdiff_t k = 0; k < features; k += LANES) {
        const Vector value = load(from + k);
        Vector sum{};
        for (int i = 0; i < classes; i++) sum += given[i * GROUP] * (value - load(centres.data() + i * features + k));
        store(to + k, 2.0f * sum);
    }
}

// ∂²E/∂x² of each feature x. With p_i = e^−y_i over the sum in eq. 9, which is what a distance's gradient lacks to that
// of y_D alone, it is 2 (1 − Σ p_i) + 4 (Σ p_i d_i² − (Σ p_i d_i)²), d_i = x − w_i; it is never negative. In eq. 8 p =
// 0.
void Pattern::radial_curvature(int64_t label) {
    const float *from = values.back().data(), *given = distance_gradient.data();
    float* to = gradients.back().data();
    for (ptrdiff_t k = 0; k < features; k += LANES) {
        const Vector value = load(from + k);
        Vector rest = broadcast(1.0f), mean{}, square{};
        for (int i = 0; i < classes; i++) {
            const float share = (i == label ? 1.0f : 0.0f) - given[i * GROUP];
            const Vector apart = value - load(centres.data() + i * features + k);
            rest -= broadcast(share), mean += share * apart, square += share * apart * apart;
        }
        const Vector spreading = square - mean * mean;
        store(to + k, 2.0f * rest + 4.0f * (spreading < 0.0f ? Vector{} : spreading));
    }
}

void Pattern::backward(Memories& inputs, const std::vector<Change>& changes, int times) {
    for (size_t i = layers.size(); i-- > 0;) {
        lead_through(i, times);
        layers[i]->backward(inputs[i].data(), gradients[i].data(), i ? gradients[i - 1].data() : nullptr, changes[i]);
    }
}

// From the gradient of what an activation gave to that of what it was given: f′ once, or twice for second derivatives.
void Pattern::lead_through(size_t i, int times) {
    const Planes &out = layers[i]->out, &back = layers[i]->out_gradient;
    for (int block = 0; block < out.blocks(); block++)
        for (int y = 0; y < out.rows; y++)
            for (int time = 0; time < times; time++)
                multiply_by_derivative(layers[i]->layer.function, values[i + 1].data() + out.at(block * GROUP, y, 0),
                                       gradients[i].data() + back.at(block * GROUP, y, 0), out.columns);
}

}  // namespace striate

extern "C" {

using striate::guarded;
using striate::Pattern;

int32_t striate_pattern_new(const StriateLayer* layers, int32_t count, void** pattern) {
    return striate::made<Pattern>(pattern, layers, count);
}

void striate_pattern_free(void* pattern) { delete static_cast<Pattern*>(pattern); }

int32_t striate_pattern_learn(void* pattern, const StriateImages* images, const StriateTarget* target,
                              const float* const* rates, StriateResult* result) {
    return guarded([&] { *result = static_cast<Pattern*>(pattern)->learn(*images, *target, rates); });
}

int32_t striate_pattern_curvature(void* pattern, const StriateImages* images, const StriateTarget* target,
                                  float* const* sums) {
    return guarded([&] { static_cast<Pattern*>(pattern)->curvature(*images, *target, sums); });
}
}
