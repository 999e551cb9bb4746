// Every export of the C interface while memory or threads run out. Each trial is a process of its own: the n-th
// allocation fails, or all from the n-th on, until n is beyond the last; or the system starts only k threads.
// The call must answer NO_MEMORY, leave parameters as they were, and give the right numbers when it is made again.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <vector>

#include "api/interface.hpp"

namespace {

std::atomic<bool> armed{false}, lasting{false};
std::atomic<long> until{0}, fired{0}, threads_left{1000};

bool fails() {
    if (!armed) return false;
    const long left = until.fetch_sub(1);
    if (left != 0 && !(lasting && left < 0)) return false;
    fired++;
    return true;
}

}  // namespace

// Of the C library; calloc's own name is replaced below.
extern "C" void* __libc_calloc(std::size_t count, std::size_t size);

extern "C" void* calloc(std::size_t count, std::size_t size) {
    if (!fails()) return __libc_calloc(count, size);
    errno = ENOMEM;
    return nullptr;
}

void* operator new(std::size_t size) {
    if (fails()) throw std::bad_alloc();
    if (void* made = std::malloc(size ? size : 1)) return made;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*work)(void*), void* given) {
    using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const Create create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
    if (threads_left.fetch_sub(1) <= 0) return EAGAIN;
    return create(thread, attributes, work, given);
}

namespace {

using Numbers = std::vector<float>;

// `ready` makes what the call needs, without faults; after the call `kept` must be as before it unless it was DONE, and
// `kept` and `written` are what a call that is DONE gives.
struct Export {
    const char* name;
    std::function<void()> ready;
    std::function<int32_t()> call;
    std::vector<Numbers*> kept, written;
};

std::vector<float> numbers_of(const std::vector<Numbers*>& all) {
    std::vector<float> made;
    for (const Numbers* each : all) made.insert(made.end(), each->begin(), each->end());
    return made;
}

bool same(const std::vector<float>& one, const float* other) {
    return one.empty() || !std::memcmp(one.data(), other, sizeof(float) * one.size());
}

[[noreturn]] void fail(const Export& each, const char* what) {
    std::printf("%s: %s\n", each.name, what);
    std::fflush(stdout);
    _exit(1);
}

enum Outcome { HANDLED = 10, UNREACHED = 11 };

// In a child: 1 where something is wrong. `wanted` is written where `n` is below zero.
int trial(const Export& each, long n, bool all, float* wanted) {
    each.ready();
    const std::vector<float> before = numbers_of(each.kept);
    until = n, lasting = all, armed = n >= 0;
    const int32_t status = each.call();
    armed = false;
    auto found = numbers_of(each.kept);
    if (status == NO_MEMORY) {
        if (!fired) fail(each, "no memory, though none failed");
        if (!same(before, found.data())) fail(each, "parameters changed");
        if (each.call() != DONE) fail(each, "not done when called again");
        found = numbers_of(each.kept);
    } else if (status != DONE) {
        fail(each, "neither done nor out of memory");
    }
    const auto written = numbers_of(each.written);
    found.insert(found.end(), written.begin(), written.end());
    if (n < 0 && wanted[0] == 0) {
        wanted[0] = 1;
        std::memcpy(wanted + 1, found.data(), sizeof(float) * found.size());
    } else if (!same(found, wanted + 1)) {
        fail(each, "other numbers than without a fault");
    }
    return fired ? HANDLED : UNREACHED;
}

int in_a_child(const std::function<int()>& work) {
    const pid_t child = fork();
    if (!child) _exit(work());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void torment(const Export& each, int threads) {
    const size_t size = sizeof(float) * (1 << 20);
    auto* wanted = static_cast<float*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    if (in_a_child([&] { return trial(each, -1, false, wanted); }) != UNREACHED) fail(each, "fails without a fault");
    long faults = 0;
    for (const bool all : {false, true})
        for (long n = 0;; n += 1 + n / 20) {  // making a layer has a thousand allocations: of the later ones, some
            const int outcome = in_a_child([&] { return trial(each, n, all, wanted); });
            if (outcome == UNREACHED) break;
            if (outcome != HANDLED) std::printf("fault %ld, %d threads: ended with %d\n", n, threads, outcome);
            if (outcome != HANDLED) fail(each, "a fault was not handled");
            faults++;
        }
    for (int started = 0; started < threads - 1; started++) {
        const int outcome = in_a_child([&] {
            threads_left = started;
            return trial(each, -1, false, wanted);
        });
        if (outcome != UNREACHED) fail(each, "too few threads were not handled");
    }
    munmap(wanted, size);
    std::printf("%s, %d threads: %ld faults\n", each.name, threads, faults);
    std::fflush(stdout);
}

Numbers drawn(size_t count, float scale) {
    Numbers made(count);
    for (float& each : made) each = scale * (float(std::rand() % 200) / 100.0f - 1.0f);
    return made;
}

struct Parameters {
    Numbers weight, bias, weight_gradient, bias_gradient;
    std::vector<int32_t> filters, channels;
};

StriateLayer layer_of(int kind, int function, const int (&in)[3], const int (&out)[3]) {
    StriateLayer layer{};
    layer.kind = kind, layer.function = function;
    for (int i = 0; i < 3; i++) layer.input[i] = in[i], layer.output[i] = out[i];
    for (int i = 0; i < 2; i++) layer.kernel[i] = layer.stride[i] = layer.dilation[i] = 1;
    return layer;
}

void learns(StriateLayer& layer, Parameters& p, size_t weights) {
    p.weight = drawn(weights, 0.2f), p.bias = drawn(layer.output[0], 0.1f);
    p.weight_gradient.resize(weights), p.bias_gradient.resize(layer.output[0]);
    layer.weight = p.weight.data(), layer.bias = p.bias.data();
    layer.weight_gradient = p.weight_gradient.data(), layer.bias_gradient = p.bias_gradient.data();
}

void convolution(StriateLayer& layer, Parameters& p, int kernel) {
    for (int f = 0; f < layer.output[0]; f++)
        for (int c = 0; c < layer.input[0]; c++) p.filters.push_back(f), p.channels.push_back(c);
    layer.links = int32_t(p.filters.size()), layer.kernel[0] = layer.kernel[1] = kernel;
    layer.link_filters = p.filters.data(), layer.link_channels = p.channels.data();
    learns(layer, p, p.filters.size() * kernel * kernel);
}

void window(StriateLayer& layer, int side) {
    for (int i = 0; i < 2; i++) layer.kernel[i] = layer.stride[i] = side;
}

}  // namespace

int main(int count, char** arguments) {
    const int threads = count > 1 ? std::atoi(arguments[1]) : 1;
    const int images = 67;  // five groups of lanes, of which the last is not full
    // A network that learns as a whole and image by image: by Winograd's transforms, by windows, flat, and RBF units.
    std::vector<StriateLayer> layers{
        layer_of(CONVOLUTION, TANH, {16, 10, 12}, {24, 8, 10}), layer_of(SUBSAMPLING, TANH, {24, 8, 10}, {24, 4, 5}),
        layer_of(LINEAR, TANH, {24, 4, 5}, {18, 1, 1}), layer_of(RADIAL, IDENTITY, {18, 1, 1}, {3, 1, 1})};
    std::vector<Parameters> parameters(3);
    convolution(layers[0], parameters[0], 3), window(layers[1], 2), learns(layers[1], parameters[1], 24);
    learns(layers[2], parameters[2], 24 * 20 * 18);
    Numbers centres = drawn(3 * 18, 1);
    layers[3].weight = centres.data();
    const int size = 16 * 10 * 12;
    Numbers pixels = drawn(size_t(images) * size, 1), outputs(images * 3), few_outputs(2 * 3), warped(images * size);
    std::vector<uint8_t> bytes(pixels.size(), 7);
    std::vector<int64_t> labels(images, 1);
    const StriateImages all{nullptr, pixels.data(), nullptr, images, 0, 1},
        few{nullptr, pixels.data(), nullptr, 2, 0, 1};
    const StriateImages raw{bytes.data(), nullptr, nullptr, images, 0, 1};
    const StriateTarget target{labels.data(), RADIAL_MAP, 2.0f, 5};
    std::vector<Numbers> slots;
    std::vector<Numbers*> learned, gradients;
    std::vector<float*> first, second, average;
    slots.reserve(20);
    for (Parameters& p : parameters) {
        for (Numbers* each : {&p.weight, &p.bias}) {
            learned.push_back(each);
            for (auto* slot : {&first, &second, &average}) {
                slots.emplace_back(each->size()), slot->push_back(slots.back().data());
                learned.push_back(&slots.back());
            }
        }
        gradients.push_back(&p.weight_gradient), gradients.push_back(&p.bias_gradient);
    }
    std::vector<Numbers> given, sums;
    std::vector<float*> rate_pointers, sum_pointers;
    std::vector<Numbers*> summed;
    given.reserve(6), sums.reserve(6);
    for (Parameters& p : parameters)
        for (Numbers* each : {&p.weight, &p.bias}) {
            given.emplace_back(each->size(), 1e-4f), rate_pointers.push_back(given.back().data());
            sums.emplace_back(each->size()), sum_pointers.push_back(sums.back().data()), summed.push_back(&sums.back());
        }
    const StriateUpdate update{
        ADAMW, int32_t(first.size()), first.data(), second.data(), average.data(), 1e-3, 0.9, 0.999, 0.01, 1e-8, 1,
        0.5};
    StriateResult result{};
    Numbers seconds(2 * (3 + 2 * layers.size()));
    Numbers moves = drawn(size_t(images) * 7, 0.5f), noise = drawn(size_t(images) * 2 * 6, 1), down = drawn(20, 1);
    Numbers across = drawn(36, 1);
    const StriateWarp warp{{16, 10, 12}, {2, 3},      reinterpret_cast<const StriateMove*>(moves.data()),
                           noise.data(), down.data(), across.data()};
    // A game of Go on 5 × 5 points: three moves, and the position before the third.
    const std::vector<int16_t> go_moves{1024 + 6, 2048 + 7, 1024 + 12};
    std::vector<int16_t> go_places(25);
    for (int point = 0; point < 25; ++point) go_places[size_t(point)] = int16_t(point);
    const int64_t go_first = 0, go_end = 2;
    const uint8_t go_symmetry = 0, go_colour = 1;
    const int16_t go_ko = -1;
    const std::vector<uint8_t> go_stones(25, 0);
    std::vector<uint8_t> go_planes(48 * 25);
    int64_t go_length = 0;
    const StriateGo go{5, 1, go_moves.data(), &go_first, &go_end, &go_symmetry, go_places.data(), 1};
    const StriateGoBoards go_boards{go_stones.data(), go_stones.data(), &go_ko, &go_colour};
    void* handle = nullptr;
    const auto made = [&] {
        if (striate_new(layers.data(), 4, &handle) != DONE) _exit(2);
    };
    const auto pattern = [&] {
        if (striate_pattern_new(layers.data(), 4, &handle) != DONE) _exit(2);
    };
    const auto nothing = [] {};

    // Layers on their own: values in groups of sixteen lanes, on boundaries of 64 bytes.
    struct alignas(64) Line {
        float values[16];
    };
    const int64_t groups = (images + 15) / 16;
    std::vector<Line> in(groups * size), in_gradient(groups * size), out(groups * 24 * 80),
        out_gradient(groups * 24 * 80);
    std::vector<Line> joined(groups * size);
    for (auto* lines : {&in, &out_gradient})
        for (Line& line : *lines)
            for (float& each : line.values) each = float(std::rand() % 200) / 100.0f - 1.0f;
    Numbers scale = drawn(16, 1), shift = drawn(16, 1);
    Numbers seen_out(16 * out.size()), seen_joined(16 * joined.size());  // of their size: a call must not allocate here
    std::vector<double> channel_sums(48), of_sums(48, 1e-3), of_scale(32), of_shift(32);
    const auto floats = [](std::vector<Line>& lines) { return reinterpret_cast<float*>(lines.data()); };
    const auto seen = [&](int32_t status, std::vector<Line>& lines, Numbers& to) {
        std::memcpy(to.data(), lines.data(), sizeof(Line) * lines.size());
        return status;
    };
    const auto alone = [&] {
        if (striate_layer_new(&layers[0], RELU, &handle) != DONE) _exit(2);
    };
    StriatePass pass{};
    pass.images = images, pass.in = floats(in), pass.out = floats(out), pass.sums = channel_sums.data();
    pass.scale = scale.data(), pass.shift = shift.data(), pass.weight = layers[0].weight, pass.bias = layers[0].bias;
    StriatePass back = pass;
    back.out_gradient = floats(out_gradient), back.sums_gradient = of_sums.data(),
    back.in_gradient = floats(in_gradient);
    back.weight_gradient = layers[0].weight_gradient, back.bias_gradient = layers[0].bias_gradient;
    back.scale_gradient = of_scale.data(), back.shift_gradient = of_shift.data();
    StriateJoin join{};
    join.function = SIGMOID, join.channels = 16, join.positions = 120, join.images = images, join.out = floats(joined);
    join.terms[0] = floats(in), join.scales[0] = scale.data(), join.shifts[0] = shift.data();
    StriateJoin join_back = join;
    join_back.out_gradient = floats(in), join_back.gradients[0] = floats(in_gradient);
    join_back.scale_gradients[0] = of_scale.data(), join_back.shift_gradients[0] = of_shift.data();

    // A graph: a convolution, normalised, plus itself in every second place, and a linear layer.
    std::vector<StriateLayer> apart{layer_of(CONVOLUTION, IDENTITY, {16, 10, 12}, {8, 8, 10}),
                                    layer_of(LINEAR, IDENTITY, {8, 8, 10}, {3, 1, 1})};
    std::vector<Parameters> of_graph(2);
    convolution(apart[0], of_graph[0], 3), learns(apart[1], of_graph[1], 8 * 80 * 3);
    Numbers norm_weight = drawn(8, 1), norm_bias = drawn(8, 1), norm_gradients(16), statistics(16, 0.5f);
    int64_t tracked = 0;
    const StriateNorm norm{8,
                           norm_weight.data(),
                           norm_bias.data(),
                           norm_gradients.data(),
                           norm_gradients.data() + 8,
                           statistics.data(),
                           statistics.data() + 8,
                           &tracked,
                           1e-5,
                           0.1};
    const StriateTerm terms[2] = {{1, 0, 8, &norm}, {1, 0, 8, nullptr}};
    const StriateNode nodes[3] = {{&apart[0], 0, IDENTITY, {8, 8, 10}, 0, nullptr},
                                  {nullptr, 0, RELU, {8, 8, 10}, 2, terms},
                                  {&apart[1], 2, IDENTITY, {3, 1, 1}, 0, nullptr}};
    const int32_t input[3] = {16, 10, 12};
    const StriateTarget entropy{labels.data(), CROSS_ENTROPY, 0, 5};
    const StriateUpdate gradients_only{};
    const auto graph = [&] {
        if (striate_graph_new(nodes, 3, input, &handle) != DONE) _exit(2);
    };

    const std::vector<Export> exports{
        {"graph_new", nothing, [&] { return striate_graph_new(nodes, 3, input, &handle); }, {}, {}},
        {"forward of a graph",
         graph,
         [&] { return striate_forward(handle, &all, outputs.data(), threads); },
         {},
         {&outputs}},
        {"step of a graph",
         graph,
         [&] { return striate_step(handle, &all, &entropy, &gradients_only, threads, &result); },
         {&statistics},
         {&of_graph[0].weight_gradient, &of_graph[1].weight_gradient, &norm_gradients}},
        {"new", nothing, [&] { return striate_new(layers.data(), 4, &handle); }, {}, {}},
        {"forward", made, [&] { return striate_forward(handle, &all, outputs.data(), threads); }, {}, {&outputs}},
        {"forward of few",
         made,
         [&] { return striate_forward(handle, &few, few_outputs.data(), threads); },
         {},
         {&few_outputs}},
        {"step", made, [&] { return striate_step(handle, &all, &target, &update, threads, &result); }, learned,
         gradients},
        {"step of few", made, [&] { return striate_step(handle, &few, &target, &update, threads, &result); }, learned,
         gradients},
        {"warp", made, [&] { return striate_warp(handle, &raw, &warp, warped.data(), threads); }, {}, {&warped}},
        {"profile", made, [&] { return striate_profile(handle, reinterpret_cast<double*>(seconds.data())); }, {}, {}},
        {"pattern_new", nothing, [&] { return striate_pattern_new(layers.data(), 4, &handle); }, {}, {}},
        {"pattern_learn",
         pattern,
         [&] { return striate_pattern_learn(handle, &few, &target, rate_pointers.data(), &result); },
         learned,
         {}},
        {"pattern_curvature",
         pattern,
         [&] { return striate_pattern_curvature(handle, &few, &target, sum_pointers.data()); },
         {},
         summed},
        {"layer_new", nothing, [&] { return striate_layer_new(&layers[0], RELU, &handle); }, {}, {}},
        {"layer_forward",
         alone,
         [&] { return seen(striate_layer_forward(handle, &pass, threads), out, seen_out); },
         {},
         {&seen_out}},
        {"layer_backward",
         alone,
         [&] { return striate_layer_backward(handle, &back, threads); },
         {},
         {&parameters[0].weight_gradient, &parameters[0].bias_gradient}},
        {"join_forward",
         nothing,
         [&] { return seen(striate_join_forward(&join, threads), joined, seen_joined); },
         {},
         {&seen_joined}},
        {"join_backward",
         nothing,
         [&] { return seen(striate_join_backward(&join_back, threads), in_gradient, seen_joined); },
         {},
         {&seen_joined}},
        {"go_legal", nothing, [&] { return striate_go_legal(&go, &go_length); }, {}, {}},
        {"go_planes", nothing, [&] { return striate_go_planes(&go, go_planes.data()); }, {}, {}},
        {"go_boards", nothing, [&] { return striate_go_boards(&go, &go_boards, go_planes.data()); }, {}, {}},
        {"to_groups",
         nothing,
         [&] {
             return seen(striate_to_groups(pixels.data(), floats(joined), images, 16, 120, threads), joined,
                         seen_joined);
         },
         {},
         {&seen_joined}},
        {"from_groups",
         nothing,
         [&] { return striate_from_groups(floats(in), warped.data(), images, 16, 120, threads); },
         {},
         {&warped}},
    };
    for (const Export& each : exports) torment(each, threads);
}
