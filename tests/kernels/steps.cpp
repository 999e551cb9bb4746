// Steps and forward passes of networks of every kind, for the sanitizers. Of results only this is looked at: that each is
// finite. All memory that they go to, and the kernels' own, is NaN beforehand, so none may be left out.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "api/interface.hpp"

namespace {

void check(int32_t status) {
    if (status != DONE) std::printf("status %d\n", int(status)), std::exit(1);
}

const float NONE = std::numeric_limits<float>::signaling_NaN();
const size_t LARGEST = 1100;  // values of a parameter of a graph, whose slots may come in another order

void written(const char* what, const float* values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!std::isfinite(values[i])) std::printf("%s %zu of %zu: %g\n", what, i, count, values[i]), std::exit(1);
}

struct Network {
    std::vector<StriateLayer> layers;
    std::vector<std::vector<float>> values;
    std::vector<std::vector<int32_t>> numbers;
    int shape[3];

    explicit Network(int channels, int rows, int columns) : shape{channels, rows, columns} {
        values.reserve(200), numbers.reserve(200);
    }

    float* memory(size_t size, float scale) {
        std::vector<float> made(size);
        for (float& each : made) each = scale * (float(std::rand() % 200) / 100.0f - 1.0f);
        values.push_back(std::move(made));
        return values.back().data();
    }

    StriateLayer& add(int kind, int function, int channels, int rows, int columns) {
        StriateLayer layer{};
        layer.kind = kind, layer.function = function;
        const int output[3] = {channels, rows, columns};
        for (int i = 0; i < 3; i++) layer.input[i] = shape[i], layer.output[i] = shape[i] = output[i];
        for (int i = 0; i < 2; i++) layer.kernel[i] = layer.stride[i] = layer.dilation[i] = 1;
        layers.push_back(layer);
        return layers.back();
    }

    void parameters(StriateLayer& layer, size_t weights, size_t biases) {
        layer.weight = memory(weights, 0.2f), layer.weight_gradient = memory(weights, NONE);
        layer.bias = memory(biases, 0.1f), layer.bias_gradient = memory(biases, NONE);
    }

    void convolution(int filters, int kernel, int stride, int padding, int dilation, int function) {
        const int channels = shape[0];
        const auto size = [&](int n) { return (n + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1; };
        StriateLayer& layer = add(CONVOLUTION, function, filters, size(shape[1]), size(shape[2]));
        std::vector<int32_t> to, from;
        for (int f = 0; f < filters; f++)
            for (int c = 0; c < channels; c++)
                if (filters < 5 || filters > 20 || (f + c) % 3) to.push_back(f), from.push_back(c);
        numbers.push_back(to), layer.link_filters = numbers.back().data();
        numbers.push_back(from), layer.link_channels = numbers.back().data();
        layer.links = int32_t(to.size());
        for (int i = 0; i < 2; i++) layer.kernel[i] = kernel, layer.stride[i] = stride, layer.dilation[i] = dilation;
        for (int32_t& side : layer.padding) side = padding;
        parameters(layer, to.size() * kernel * kernel, filters);
    }

    void pooling(int kind, int kernel, int stride, int padding, int function) {
        const auto size = [&](int n) { return (n + 2 * padding - kernel) / stride + 1; };
        StriateLayer& layer = add(kind, function, shape[0], size(shape[1]), size(shape[2]));
        for (int i = 0; i < 2; i++) layer.kernel[i] = kernel, layer.stride[i] = stride;
        for (int32_t& side : layer.padding) side = padding;
        if (kind == SUBSAMPLING) parameters(layer, shape[0], shape[0]);
    }

    void linear(int units, int function) {
        const int inputs = shape[0] * shape[1] * shape[2];
        StriateLayer& layer = add(LINEAR, function, units, 1, 1);
        parameters(layer, size_t(inputs) * units, units);
    }

    void run(int images, int loss, int threads) {
        void* engine;
        check(striate_new(layers.data(), int32_t(layers.size()), &engine));
        run(engine, images, loss, threads);
    }

    void run(void* engine, int images, int loss, int threads, const std::vector<StriateNorm>& norms = {}) {
        const size_t each = size_t(layers[0].input[0]) * layers[0].input[1] * layers[0].input[2];
        std::vector<uint8_t> bytes(each * (images + 3));
        for (uint8_t& byte : bytes) byte = uint8_t(std::rand());
        std::vector<int64_t> chosen(images), labels(images + 3);
        for (int i = 0; i < images; i++) chosen[i] = (i * 7 + 1) % (images + 3);
        for (int64_t& label : labels) label = std::rand() % shape[0];
        const StriateImages given{bytes.data(), nullptr, chosen.data(), images, -0.1f, 0.005f};
        std::vector<float> outputs(size_t(images) * shape[0], NONE);
        check(striate_forward(engine, &given, outputs.data(), threads));
        written("output", outputs.data(), outputs.size());
        std::vector<std::vector<float>> slots;
        std::vector<float*> first, second, average;
        std::vector<std::pair<const float*, size_t>> gradients;
        for (const StriateLayer& layer : layers) {
            if (!layer.weight_gradient) continue;
            const size_t inputs = size_t(layer.input[0]) * layer.input[1] * layer.input[2];
            const size_t weights = layer.kind == CONVOLUTION ? size_t(layer.links) * layer.kernel[0] * layer.kernel[1]
                                   : layer.kind == LINEAR    ? inputs * layer.output[0]
                                                             : size_t(layer.output[0]);
            for (size_t size : {weights, size_t(layer.output[0])})
                for (auto* slot : {&first, &second, &average})
                    slots.emplace_back(std::max(size, LARGEST)), slot->push_back(slots.back().data());
            gradients.emplace_back(layer.weight_gradient, weights);
            gradients.emplace_back(layer.bias_gradient, layer.output[0]);
        }
        for (const StriateNorm& norm : norms)
            for (int i = 0; i < 2; i++)
                for (auto* slot : {&first, &second, &average})
                    slots.emplace_back(LARGEST), slot->push_back(slots.back().data());
        StriateUpdate update{
            ADAMW, int32_t(first.size()), first.data(), second.data(), average.data(), 1e-3, 0.9, 0.999, 0.01, 1e-8, 0,
            0.5};
        const StriateTarget target{labels.data(), loss, 2.0f, 5};
        StriateResult result{};
        for (int step = 0; step < 2; step++) {
            update.step++;
            check(striate_step(engine, &given, &target, &update, threads, &result));
            if (!std::isfinite(result.loss)) std::printf("loss %g\n", result.loss), std::exit(1);
            for (const auto& [values, count] : gradients) written("gradient", values, count);
        }
        warp(engine, given, threads);
        striate_free(engine);
    }

    // A pass image by image, and the curvature; rates of one size, and as many sums.
    void learn(int images, int loss) {
        void* pattern;
        check(striate_pattern_new(layers.data(), int32_t(layers.size()), &pattern));
        const size_t each = size_t(layers[0].input[0]) * layers[0].input[1] * layers[0].input[2];
        std::vector<float> floats(each * images);
        for (float& value : floats) value = float(std::rand() % 200) / 100.0f - 1.0f;
        std::vector<int64_t> labels(images + 1);
        for (int64_t& label : labels) label = std::rand() % shape[0];
        const StriateImages given{nullptr, floats.data(), nullptr, images, 0, 0};
        const StriateTarget target{labels.data(), loss, 2.0f, 0};
        std::vector<std::vector<float>> numbers;
        std::vector<float*> pointers;
        for (size_t i = 0; i + 1 < layers.size(); i++) {
            const StriateLayer& layer = layers[i];
            const size_t inputs = size_t(layer.input[0]) * layer.input[1] * layer.input[2];
            const size_t weights = layer.kind == CONVOLUTION ? size_t(layer.links) * layer.kernel[0] * layer.kernel[1]
                                   : layer.kind == LINEAR    ? inputs * layer.output[0]
                                                             : size_t(layer.output[0]);
            for (size_t size : {weights, size_t(layer.output[0])}) numbers.emplace_back(size, 1e-4f);
        }
        for (auto& each_number : numbers) pointers.push_back(each_number.data());
        StriateResult result{};
        check(striate_pattern_learn(pattern, &given, &target, pointers.data(), &result));
        check(striate_pattern_curvature(pattern, &given, &target, pointers.data()));
        if (!std::isfinite(result.loss)) std::printf("pattern: loss %g\n", result.loss), std::exit(1);
        striate_pattern_free(pattern);
    }

    void warp(void* engine, const StriateImages& given, int threads) {
        const int32_t* input = layers[0].input;
        const int ranks[2] = {3, 4};
        const auto* moves = reinterpret_cast<const StriateMove*>(memory(size_t(given.count) * 7, 40.0f));
        const float* noise = memory(size_t(given.count) * 2 * ranks[0] * ranks[1], 3.0f);
        StriateWarp warp{{input[0], input[1], input[2]},
                         {ranks[0], ranks[1]},
                         moves,
                         noise,
                         memory(size_t(ranks[0]) * input[1], 1),
                         memory(size_t(ranks[1]) * input[2], 1)};
        std::vector<float> to(size_t(given.count) * input[0] * input[1] * input[2]);
        check(striate_warp(engine, &given, &warp, to.data(), threads));
        for (float each : to)
            if (!(each >= -0.1001f && each <= 1.1751f)) std::printf("pixel %g\n", each), std::exit(1);
    }
};

// Batch normalisations, a sum with a shortcut of other maps, and a concatenation: nodes over the layers of a network.
struct Joined {
    Network made;
    std::vector<int> layer_of_node;  // negative: a join
    std::vector<StriateNode> nodes;
    std::vector<std::vector<StriateTerm>> terms;
    std::vector<StriateNorm> norms;
    int64_t tracked = 0;

    Joined(int rows, int columns) : made(3, rows, columns) { terms.reserve(20), norms.reserve(20); }

    void apply(int input, int channels, int rows, int columns) {  // the layer that was added last
        StriateNode node{};
        node.input = input, node.output[0] = channels, node.output[1] = rows, node.output[2] = columns;
        nodes.push_back(node), layer_of_node.push_back(int(made.layers.size()) - 1);
    }

    StriateTerm term(int value, int first, int channels, bool normalised) {
        if (!normalised) return {value, first, channels, nullptr};
        StriateNorm norm{};
        norm.channels = channels, norm.epsilon = 1e-5, norm.momentum = 0.1, norm.tracked = &tracked;
        for (float** each : {&norm.weight, &norm.bias, &norm.mean}) *each = made.memory(channels, 0.5f);
        for (float** each : {&norm.weight_gradient, &norm.bias_gradient}) *each = made.memory(channels, NONE);
        norm.variance = made.memory(channels, 0.0f);
        norms.push_back(norm);
        return {value, first, channels, &norms.back()};
    }

    void join(std::vector<StriateTerm> given, int function, int channels, int rows, int columns) {
        terms.push_back(std::move(given));
        StriateNode node{};
        node.function = function, node.output[0] = channels, node.output[1] = rows, node.output[2] = columns;
        node.terms = terms.back().data(), node.term_count = int32_t(terms.back().size());
        nodes.push_back(node), layer_of_node.push_back(-1);
    }

    void shape(int channels, int rows, int columns) {
        made.shape[0] = channels, made.shape[1] = rows, made.shape[2] = columns;
    }

    void* graph(int rows, int columns) {
        for (size_t i = 0; i < nodes.size(); i++)
            if (layer_of_node[i] >= 0) nodes[i].layer = &made.layers[layer_of_node[i]];
        const int32_t input[3] = {3, rows, columns};
        void* engine;
        check(striate_graph_new(nodes.data(), int32_t(nodes.size()), input, &engine));
        return engine;
    }

    // Answers alone, with a gate; channels in whole blocks, and layers that threads share for one image.
    void answer(int images, int threads) {
        made.convolution(16, 3, 1, 1, 1, IDENTITY), apply(0, 16, 20, 20);
        join({term(1, 0, 16, true)}, SILU, 16, 20, 20);
        made.convolution(16, 3, 1, 1, 1, IDENTITY), apply(2, 16, 20, 20);
        made.pooling(AVERAGE, 20, 20, 0, SIGMOID), apply(3, 16, 1, 1);
        join({term(3, 0, 16, false)}, IDENTITY, 16, 20, 20), nodes.back().factor = 4;
        join({term(5, 0, 16, false), term(2, 0, 16, false)}, RELU, 16, 20, 20);
        shape(16, 20, 20), made.linear(40, GELU), apply(6, 40, 1, 1);
        void* const engine = graph(20, 20);
        std::vector<float> pixels(size_t(images) * 3 * 20 * 20), outputs(size_t(images) * 40, NONE);
        for (float& pixel : pixels) pixel = float(std::rand() % 200) / 100.0f - 1.0f;
        const StriateImages given{nullptr, pixels.data(), nullptr, images, 0, 1};
        check(striate_forward(engine, &given, outputs.data(), threads));
        written("output of a gated graph", outputs.data(), outputs.size());
        const std::vector<int64_t> labels(images);
        const StriateTarget target{labels.data(), CROSS_ENTROPY, 0, 5};
        const StriateUpdate update{};
        StriateResult result{};
        if (striate_step(engine, &given, &target, &update, threads, &result) == DONE)
            std::printf("a gated graph took a step\n"), std::exit(1);
        striate_free(engine);
    }

    void run(int images, int threads) {
        made.convolution(6, 3, 1, 1, 1, IDENTITY), apply(0, 6, 9, 10);
        join({term(1, 0, 6, true)}, RELU, 6, 9, 10);
        made.convolution(8, 3, 2, 1, 1, IDENTITY), apply(2, 8, 5, 5);
        shape(6, 9, 10), made.pooling(MAXIMUM, 1, 2, 0, IDENTITY), apply(2, 6, 5, 5);
        join({term(3, 0, 8, true), term(4, 0, 6, false)}, TANH, 8, 5, 5);
        shape(8, 5, 5), made.convolution(3, 3, 1, 1, 1, SIGMOID), apply(5, 3, 5, 5);
        join({term(6, 0, 3, false), term(5, 3, 8, true)}, IDENTITY, 11, 5, 5);
        shape(11, 5, 5), made.linear(4, IDENTITY), apply(7, 4, 1, 1);
        made.run(graph(9, 10), images, CROSS_ENTROPY, threads, norms);
        for (const StriateNorm& norm : norms)
            for (const float* each : {norm.weight_gradient, norm.bias_gradient, norm.mean, norm.variance})
                written("normalisation", each, size_t(norm.channels));
    }
};

// Each layer on its own, with a scale, a shift and sums; then a join of two terms.
void run_alone(const StriateLayer& layer, int images, int threads) {
    struct alignas(64) Line {
        float values[16];
    };
    const auto memory = [](int64_t floats) {
        std::vector<Line> made(size_t(floats + 15) / 16);
        for (Line& line : made)
            for (float& each : line.values) each = float(std::rand() % 200) / 100.0f - 1.0f;
        return made;
    };
    const auto floats = [](std::vector<Line>& lines) { return reinterpret_cast<float*>(lines.data()); };
    const int64_t groups = (images + 15) / 16, positions = layer.input[1] * layer.input[2];
    const int64_t in_size = groups * layer.input[0] * positions * 16;
    const int64_t out_size = groups * layer.output[0] * layer.output[1] * layer.output[2] * 16;
    const int channels = layer.input[0], filters = layer.output[0];
    const auto nothing = [&](int64_t floats) {
        auto made = memory(floats);
        for (Line& line : made)
            for (float& each : line.values) each = NONE;
        return made;
    };
    auto in = memory(in_size), in_gradient = nothing(in_size), out = nothing(out_size), out_gradient = memory(out_size);
    auto scale = memory(channels), shift = memory(channels), back = nothing(in_size);
    auto places = nothing(layer.kind == MAXIMUM ? out_size : 0);
    std::vector<double> sums(2 * filters, NONE), of_sums(2 * filters, 1e-3), of_scale(channels, NONE),
        of_shift = of_scale;
    StriatePass pass{};
    pass.images = images, pass.in = floats(in), pass.out = floats(out), pass.sums = sums.data();
    pass.scale = floats(scale), pass.shift = floats(shift), pass.weight = layer.weight, pass.bias = layer.bias;
    pass.argmax = places.empty() ? nullptr : reinterpret_cast<int32_t*>(places.data());
    void* alone;
    check(striate_layer_new(&layer, RELU, &alone));
    check(striate_layer_forward(alone, &pass, threads));
    pass.out_gradient = floats(out_gradient), pass.sums_gradient = of_sums.data(),
    pass.in_gradient = floats(in_gradient);
    pass.weight_gradient = layer.weight_gradient, pass.bias_gradient = layer.bias_gradient;
    pass.scale_gradient = of_scale.data(), pass.shift_gradient = of_shift.data();
    check(striate_layer_backward(alone, &pass, threads));
    striate_layer_free(alone);
    written("output alone", floats(out), size_t(out_size)),
        written("input gradient", floats(in_gradient), size_t(in_size));
    for (double each : sums)
        if (!std::isfinite(each)) std::printf("sum %g\n", each), std::exit(1);
    StriateJoin join{};
    join.function = SIGMOID, join.channels = channels, join.positions = int32_t(positions), join.images = images;
    join.terms[0] = floats(in), join.terms[1] = floats(in_gradient), join.out = floats(back);
    join.scales[1] = floats(scale), join.shifts[1] = floats(shift);
    check(striate_join_forward(&join, threads));
    auto first = nothing(in_size), second = nothing(in_size);
    join.out_gradient = floats(in), join.gradients[0] = floats(first), join.gradients[1] = floats(second);
    join.scale_gradients[1] = of_scale.data(), join.shift_gradients[1] = of_shift.data();
    check(striate_join_backward(&join, threads));
    written("join", floats(back), size_t(in_size)), written("join's gradient", floats(first), size_t(in_size));
    written("join's other gradient", floats(second), size_t(in_size));
    std::vector<float> plain(size_t(images) * channels * positions, 1.0f);
    check(striate_to_groups(plain.data(), floats(in), images, channels, int32_t(positions), threads));
    check(striate_from_groups(floats(in), plain.data(), images, channels, int32_t(positions), threads));
    for (float each : plain)
        if (each != 1.0f) std::printf("layout %g\n", each), std::exit(1);
    for (double each : of_scale)
        if (!std::isfinite(each)) std::printf("gradient %g\n", each), std::exit(1);
}

}  // namespace

int main() {
    setenv("STRIATE_POISON", "1", 1);
    for (int images : {0, 1, 5}) {
        Network one(2, 13, 18);
        one.convolution(18, 3, 1, 0, 1, TANH), one.pooling(SUBSAMPLING, 2, 2, 0, SCALED_TANH);
        one.convolution(5, 4, 1, 0, 1, RELU), one.linear(37, SIGMOID), one.linear(21, SCALED_TANH);
        one.add(RADIAL, IDENTITY, 3, 1, 1).weight = one.memory(63, 1);
        one.learn(images, RADIAL_MAP);
        Network flat(1, 5, 3);
        flat.linear(9, TANH), flat.add(RADIAL, IDENTITY, 4, 1, 1).weight = flat.memory(36, 1);
        flat.learn(images, RADIAL_MLE);
    }
    for (int images : {0, 1, 17, 70}) {
        for (int threads : {1, 3}) {
            Network one(1, 14, 17);
            one.convolution(3, 3, 1, 0, 1, IDENTITY), one.pooling(MAXIMUM, 2, 2, 0, RELU);
            one.convolution(7, 3, 2, 1, 1, TANH), one.pooling(AVERAGE, 3, 1, 1, IDENTITY);
            one.linear(13, RELU), one.linear(4, IDENTITY);
            one.run(images, CROSS_ENTROPY, threads);
            Network two(2, 9, 12);
            two.convolution(5, 2, 1, 0, 2, SCALED_TANH), two.pooling(SUBSAMPLING, 2, 2, 0, SIGMOID);
            two.add(DROPOUT, IDENTITY, two.shape[0], two.shape[1], two.shape[2]).rate = 0.5f;
            two.convolution(4, 3, 1, 2, 1, RELU), two.pooling(MAXIMUM, 3, 2, 1, IDENTITY), two.linear(6, TANH);
            StriateLayer& radial = two.add(RADIAL, IDENTITY, 3, 1, 1);
            radial.weight = two.memory(18, 1);
            two.run(images, RADIAL_MAP, threads);
            Network three(3, 9, 12);
            three.convolution(5, 3, 2, 1, 1, TANH), three.pooling(MAXIMUM, 3, 2, 1, IDENTITY);
            StriateLayer& response = three.add(RESPONSE, IDENTITY, three.shape[0], three.shape[1], three.shape[2]);
            response.kernel[0] = 4, response.response[0] = 0.1f, response.response[1] = 0.75f, response.response[2] = 2;
            three.pooling(SUBSAMPLING, 2, 1, 0, RELU);
            for (const StriateLayer& layer : three.layers) run_alone(layer, images, threads);
            three.linear(3, IDENTITY);
            three.run(images, CROSS_ENTROPY, threads);
        }
    }
    for (int images : {0, 2, 17, 70})
        for (int threads : {1, 3}) Joined(9, 10).run(images, threads);
    for (int images : {1, 4, 19})
        for (int threads : {1, 3}) Joined(20, 20).answer(images, threads);
    for (int kind : {MAXIMUM, AVERAGE}) {  // pixels that no window reads, before and after the maps and between windows
        for (int size : {12, 15, 16}) {
            Network gaps(1, size, size + 1);
            gaps.convolution(2, 3, 1, 1, 1, TANH), gaps.pooling(kind, 3, 3, 1, IDENTITY);
            gaps.convolution(3, 3, 1, 2, 1, IDENTITY), gaps.pooling(kind, 2, 3, 1, RELU),
                gaps.convolution(4, 2, 3, 1, 1, RELU);
            for (const StriateLayer& layer : gaps.layers) run_alone(layer, 17, 2);
            gaps.linear(3, IDENTITY);
            gaps.run(17, CROSS_ENTROPY, 2);
        }
    }
    for (int images : {3, 16, 33}) {  // layers large enough that threads share them
        Network four(1, 26, 28);
        four.convolution(6, 5, 1, 0, 1, IDENTITY), four.pooling(MAXIMUM, 2, 2, 0, RELU);
        four.convolution(16, 4, 1, 0, 1, IDENTITY), four.pooling(MAXIMUM, 2, 2, 0, TANH);
        four.linear(120, RELU), four.linear(10, IDENTITY);
        four.run(images, CROSS_ENTROPY, 3);
        Network five(2, 17, 20);
        five.convolution(9, 4, 1, 1, 1, TANH), five.convolution(12, 3, 1, 0, 1, RELU),
            five.pooling(AVERAGE, 2, 2, 0, RELU);
        five.linear(4, IDENTITY);
        five.run(images, CROSS_ENTROPY, 3);
        Network six(3, 12, 15);  // by Winograd's transforms, of four and of six points
        six.convolution(24, 3, 1, 1, 1, RELU), six.convolution(32, 3, 1, 1, 1, IDENTITY),
            six.pooling(MAXIMUM, 3, 3, 0, RELU);
        six.convolution(24, 4, 1, 3, 1, TANH), six.convolution(21, 5, 1, 1, 1, IDENTITY);
        for (const StriateLayer& layer : six.layers) run_alone(layer, images, 3);
        six.linear(4, IDENTITY);
        six.run(images, CROSS_ENTROPY, 3);
    }
    std::puts("steps: all is well");
}
