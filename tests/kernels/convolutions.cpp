// Convolutions held against plain loops in double precision, for machines without Python: the result, and the gradients
// of input, weight and bias.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "api/interface.hpp"

namespace {

constexpr int GROUP = 16;
constexpr double TOLERANCE = 2e-5;  // of one plus the largest value

struct alignas(64) Line {
    float values[GROUP];
};

// Values of images × channels × rows × columns, in lane groups.
struct Lanes {
    int channels, rows, columns;
    std::vector<Line> lines;

    Lanes(int images, int channels, int rows, int columns)
        : channels(channels),
          rows(rows),
          columns(columns),
          lines(size_t(images + GROUP - 1) / GROUP * channels * rows * columns) {}
    float* data() { return lines.data()->values; }
    float& at(int image, int c, int y, int x) {
        return lines[((size_t(image / GROUP) * channels + c) * rows + y) * columns + x].values[image % GROUP];
    }
};

float random_value() { return float(std::rand() % 2001) / 1000.0f - 1.0f; }

void check(int32_t status) {
    if (status != DONE) std::printf("status %d\n", int(status)), std::exit(1);
}

struct Comparison {
    const char* what;
    double largest = 0, furthest = 0;

    void add(float found, double wanted) {
        if (!std::isfinite(found)) std::printf("%s: %g\n", what, found), std::exit(1);
        largest = std::fmax(largest, std::fabs(wanted)), furthest = std::fmax(furthest, std::fabs(found - wanted));
    }
    ~Comparison() {
        if (furthest > TOLERANCE * (1 + largest))
            std::printf("%s is %g away, the largest is %g\n", what, furthest, largest), std::exit(1);
    }
};

void compare(int channels, int filters, int rows, int columns, int kernel, int padding) {
    const int images = 19, out_rows = rows + 2 * padding - kernel + 1, out_columns = columns + 2 * padding - kernel + 1;
    const int taps = kernel * kernel;
    std::vector<int32_t> to, from;
    for (int f = 0; f < filters; f++)
        for (int c = 0; c < channels; c++) to.push_back(f), from.push_back(c);
    std::vector<float> weight(to.size() * taps), bias(filters), weight_gradient(weight), bias_gradient(bias);
    for (float& each : weight) each = random_value() / float(kernel);
    for (float& each : bias) each = random_value();
    Lanes in(images, channels, rows, columns), in_gradient(in), out(images, filters, out_rows, out_columns),
        out_gradient(out);
    for (int i = 0; i < images; i++) {
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < rows * columns; p++) in.at(i, c, p / columns, p % columns) = random_value();
        for (int f = 0; f < filters; f++)
            for (int p = 0; p < out_rows * out_columns; p++)
                out_gradient.at(i, f, p / out_columns, p % out_columns) = random_value();
    }
    StriateLayer layer{};
    layer.kind = CONVOLUTION, layer.links = int32_t(to.size());
    layer.link_filters = to.data(), layer.link_channels = from.data();
    const int input[3] = {channels, rows, columns}, output[3] = {filters, out_rows, out_columns};
    for (int i = 0; i < 3; i++) layer.input[i] = input[i], layer.output[i] = output[i];
    for (int i = 0; i < 2; i++) layer.kernel[i] = kernel, layer.stride[i] = layer.dilation[i] = 1;
    for (int32_t& side : layer.padding) side = padding;
    layer.weight = weight.data(), layer.bias = bias.data();
    layer.weight_gradient = weight_gradient.data(), layer.bias_gradient = bias_gradient.data();
    StriatePass pass{};
    pass.images = images, pass.in = in.data(), pass.out = out.data();
    pass.weight = weight.data(), pass.bias = bias.data();
    void* alone;
    check(striate_layer_new(&layer, IDENTITY, &alone));
    check(striate_layer_forward(alone, &pass, 2));
    pass.out_gradient = out_gradient.data(), pass.in_gradient = in_gradient.data();
    pass.weight_gradient = weight_gradient.data(), pass.bias_gradient = bias_gradient.data();
    check(striate_layer_backward(alone, &pass, 2));
    striate_layer_free(alone);
    std::vector<double> of_input(size_t(images) * channels * rows * columns), of_weight(weight.size()),
        of_bias(filters);
    Comparison results{"a result"}, inputs{"an input's gradient"}, weights{"a weight's gradient"},
        biases{"a bias's gradient"};
    for (int i = 0; i < images; i++)
        for (int f = 0; f < filters; f++)
            for (int y = 0; y < out_rows; y++)
                for (int x = 0; x < out_columns; x++) {
                    double sum = bias[f];
                    const double gradient = out_gradient.at(i, f, y, x);
                    of_bias[f] += gradient;
                    for (int c = 0; c < channels; c++)
                        for (int tap = 0; tap < taps; tap++) {
                            const int v = y + tap / kernel - padding, u = x + tap % kernel - padding;
                            if (v < 0 || v >= rows || u < 0 || u >= columns) continue;
                            const size_t w = (size_t(f) * channels + c) * taps + tap;
                            sum += double(weight[w]) * in.at(i, c, v, u), of_weight[w] += gradient * in.at(i, c, v, u);
                            of_input[((size_t(i) * channels + c) * rows + v) * columns + u] += gradient * weight[w];
                        }
                    results.add(out.at(i, f, y, x), sum);
                }
    for (size_t i = 0; i < of_input.size(); i++)
        inputs.add(in_gradient.at(int(i / columns / rows / channels), int(i / columns / rows % channels),
                                  int(i / columns % rows), int(i % columns)),
                   of_input[i]);
    for (size_t i = 0; i < of_weight.size(); i++) weights.add(weight_gradient[i], of_weight[i]);
    for (int f = 0; f < filters; f++) biases.add(bias_gradient[f], of_bias[f]);
}

}  // namespace

int main() {
    setenv("STRIATE_POISON", "1", 1);
    for (int rows : {3, 8, 13})
        for (int padding : {0, 1}) compare(3, 6, rows, 9, 3, padding);
    compare(16, 16, 10, 15, 3, 1), compare(34, 40, 7, 8, 3, 1), compare(33, 17, 9, 6, 3, 2);
    compare(24, 32, 9, 11, 5, 2), compare(20, 24, 8, 9, 1, 0), compare(5, 32, 12, 12, 4, 1);
    std::puts("convolutions: all is well");
}
