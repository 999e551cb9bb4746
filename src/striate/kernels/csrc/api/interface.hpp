// api/: the C interface that Python loads (binary.py mirrors it). Start with this file.
//   interface   structures and exports: whole networks, single layers, joins, online training
//   guard       exceptions turned into statuses
//   supported   whether the processor has the instruction set
// A network's layers make an engine; the engine runs steps and forward passes. The other exports run single layers.
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)
extern "C" {

enum StriateKind : int32_t {
    CONVOLUTION,
    MAXIMUM,
    AVERAGE,
    SUBSAMPLING,
    LINEAR,
    RADIAL,
    ELEMENTWISE,
    DROPOUT,
    RESPONSE,
    POSITION_BIAS
};
// The derivative of those from SILU on does not follow from the function's value: they are for inference alone.
enum StriateFunction : int32_t {
    IDENTITY,
    RELU,
    TANH,
    SCALED_TANH,
    SIGMOID,
    RELU6,
    LEAKY_RELU,
    ELU,
    HARD_SIGMOID,
    SILU,
    GELU,
    GELU_TANH,
    HARD_SWISH
};
enum StriateLoss : int32_t { CROSS_ENTROPY, RADIAL_MLE, RADIAL_MAP };
enum StriateRule : int32_t { GRADIENTS, ADAMW, SGD };
enum StriateStatus : int32_t { DONE, NO_MEMORY, FAILED };

// One layer. Shapes are (channels, rows, columns); a flat vector of n features is (n, 1, 1).
struct StriateLayer {
    int32_t kind, function;  // `function` is applied to the layer's output
    int32_t input[3], output[3];
    int32_t kernel[2], stride[2], dilation[2];
    int32_t padding[4];           // top, bottom, left, right; negative: rows or columns that no window reaches
    int32_t count_padding;        // of an average: whether padding counts as values
    int32_t links;                // of a convolution: the number of kernels in its weight,
    const int32_t* link_filters;  // and the filter and the channel of each
    const int32_t* link_channels;
    float rate;         // of dropout: the probability that a value is dropped
    float response[3];  // alpha, beta, k of a local response normalisation over kernel[0] channels
    float *weight,
        *bias;  // null: none; a radial layer's weight holds its centres, a position bias is one of each value
    float *weight_gradient, *bias_gradient;
};

// `count` images, each channels × rows × columns. Image i of the batch is image number indices[i] in memory, or i.
struct StriateImages {
    const uint8_t* bytes;  // one of the two is null; a byte b means low + scale · b
    const float* floats;
    const int64_t* indices;
    int64_t count;
    float low, scale;
};

// How one image is moved: degrees clockwise, a factor, a fraction, degrees, pixels; `mirror` < 0: mirrored first.
struct StriateMove {
    float rotation, scale, squeeze, shear, right, down, mirror;
};

// Where each pixel of a batch comes from. Images are bytes; pixels outside an image are zero.
struct StriateWarp {
    int32_t shape[3];          // channels, rows, columns
    int32_t ranks[2];          // rows and columns of the noise
    const StriateMove* moves;  // one per image
    const float* noise;        // images × 2 (x, y) × ranks, or null: no displacement field
    const float* down;         // ranks[0] × rows
    const float* across;       // ranks[1] × columns; the displacement field is downᵀ · noise · across
};

// Where there are `shares`, the loss of an image is Σ share · −log p over its classes; without, −log p of its label.
struct StriateTarget {
    const int64_t* labels;  // by image number
    int32_t loss;
    float rubbish;        // of RADIAL_MAP: the constant j of the rubbish class
    uint64_t seed;        // of this step's dropout
    const float* shares;  // of CROSS_ENTROPY, or null: images × classes, by the place in the batch
};

// What a step does with the gradients. The arrays have one pointer per parameter, in the layers' order, weight before
// bias.
struct StriateUpdate {
    int32_t rule, count;
    float* const* first;    // AdamW's first moment; SGD's momentum
    float* const* second;   // AdamW's second moment
    float* const* average;  // the parameter's average over the steps
    double rate, first_decay, second_decay, weight_decay, epsilon;
    double step;          // 1 in the first step
    double average_part;  // average += average_part · (parameter − average); 0: no average
};

struct StriateResult {
    double loss;    // the mean over the images
    int64_t right;  // images whose most likely class is their label
};

// The pass of one layer over all images of a batch. Values are lane groups × channels × rows × columns × 16 images,
// aligned to 64 bytes. Lanes beyond the last image hold any finite values, and gradients of zero.
struct StriatePass {
    int64_t images;
    const float* in;
    const float *scale, *shift;  // per channel, or both null: the layer reads f(scale · in + shift)
    const float *weight, *bias;
    float* out;
    int32_t* argmax;  // of max pooling: each maximum's index in its window, as large as out; null for inference
    double* sums;     // null, or per channel the sum of out, then per channel the sum of its squares
    // For backward; a gradient that is not wanted is null.
    const float* out_gradient;
    const double* sums_gradient;
    float *in_gradient, *weight_gradient, *bias_gradient;
    double *scale_gradient, *shift_gradient;
};

// out = function(Σ (scale · term + shift)) over one or two terms, value by value.
struct StriateJoin {
    int32_t function, channels, positions;
    int64_t images;
    const float* terms[2];  // the second one may be null
    const float *scales[2], *shifts[2];
    float* out;
    const float* out_gradient;
    float* gradients[2];
    double *scale_gradients[2], *shift_gradients[2];
};

// Batch normalisation of each of `channels` channels. `tracked` counts training steps; a step updates it and the running
// `mean` and `variance`.
struct StriateNorm {
    int32_t channels;
    float *weight, *bias, *weight_gradient, *bias_gradient;
    float *mean, *variance;
    int64_t* tracked;
    double epsilon, momentum;
};

// A value of a graph, normalised or (null) as it is, that is added to the channels first … first + channels − 1 of a
// join. Value 0 is the images, value i + 1 what node i makes.
struct StriateTerm {
    int32_t value, first, channels;
    const StriateNorm* norm;
};

// A node of a graph: `layer` applied to the value `input`, or (null) a join, function(Σ terms), where channels that no
// term covers are zero before the function. With the value number `factor`, not negative, a join is function(factor ·
// Σ terms): the factor has the join's shape, or one value a channel; it is for inference alone. The shape of what a node
// makes is `output`.
struct StriateNode {
    const StriateLayer* layer;
    int32_t input, function;
    int32_t output[3];
    int32_t term_count;
    const StriateTerm* terms;
    int32_t factor = -1;
};

// `count` positions of Go on boards of size × size points; a point is row · size + column. Position i is the one before
// move ends[i] of the game that begins with move firsts[i]. A move is its point, or 1023 for a pass, + 1024 · its colour
// (1 black, 2 white), + 4096 for a stone that is set up before the first move. Its planes show it by the symmetry
// symmetries[i], under which point p is the position's point places[symmetry][p].
struct StriateGo {
    int32_t size;
    int64_t count;
    const int16_t* moves;
    const int64_t *firsts, *ends;
    const uint8_t* symmetries;
    const int16_t* places;  // symmetries × points
    uint8_t one;            // what a plane has where it is set
};

// Positions that are not of games: for each its points' stones (0 none, 1 black, 2 white) and ages (0 none, else turns
// since the stone was placed, at most 8), the point that a simple ko forbids, or −1, and the colour to play.
struct StriateGoBoards {
    const uint8_t *stones, *ages;
    const int16_t* kos;
    const uint8_t* to_play;
};

// Every call but those that free returns a status and throws nothing. After a status other than DONE, outputs and
// gradients are undefined; parameters, the optimiser's arrays and the handle are as before, and the call can be
// repeated. `threads` is the number of threads wanted: where the system starts fewer, these do the work, with the same
// bits as results.

// Single layers. `input_function` is the f in f(scale · in + shift).
int32_t striate_layer_new(const StriateLayer* layer, int32_t input_function, void** handle);
void striate_layer_free(void* layer);
int32_t striate_layer_forward(void* layer, const StriatePass* pass, int32_t threads);
int32_t striate_layer_backward(void* layer, const StriatePass* pass, int32_t threads);
int32_t striate_join_forward(const StriateJoin* join, int32_t threads);
int32_t striate_join_backward(const StriateJoin* join, int32_t threads);
// images × channels × positions floats into lane groups, and back. Lanes beyond the last image repeat it.
int32_t striate_to_groups(const float* images, float* groups, int64_t count, int32_t channels, int32_t positions,
                          int32_t threads);
int32_t striate_from_groups(const float* groups, float* images, int64_t count, int32_t channels, int32_t positions,
                            int32_t threads);

// Whole networks. `striate_new` makes one of layers that follow each other, `striate_graph_new` one of any nodes, in an
// order in which each reads values made before it; `input` is the images' shape. The calls below take either.
int32_t striate_new(const StriateLayer* layers, int32_t count, void** engine);
int32_t striate_graph_new(const StriateNode* nodes, int32_t count, const int32_t* input, void** engine);
void striate_free(void* engine);
// outputs: images × features of the last layer, row by row.
int32_t striate_forward(void* engine, const StriateImages* images, float* outputs, int32_t threads);
int32_t striate_step(void* engine, const StriateImages* images, const StriateTarget* target,
                     const StriateUpdate* update, int32_t threads, StriateResult* result);
// to: images × channels × rows × columns.
int32_t striate_warp(void* engine, const StriateImages* images, const StriateWarp* warp, float* to, int32_t threads);
// The seconds that the first thread has spent since the last call on: images; loss; reduction and update; forward of
// each layer or node; backward of each: 3 + 2 · layers numbers.
int32_t striate_profile(void* engine, double* seconds);
// Online training: a network that learns from one image (1998's word: pattern) at a time. It takes convolutions of
// stride 1 without padding, subsampling with windows side by side, dense layers, and RBF units at the end. `rates` and
// `sums` have one pointer for each layer's weight and one for its bias, null where it has none, to arrays as large as
// these.
int32_t striate_pattern_new(const StriateLayer* layers, int32_t count, void** pattern);
void striate_pattern_free(void* pattern);
int32_t striate_pattern_learn(void* pattern, const StriateImages* images, const StriateTarget* target,
                              const float* const* rates, StriateResult* result);
int32_t striate_pattern_curvature(void* pattern, const StriateImages* images, const StriateTarget* target,
                                  float* const* sums);
// Go: for each game from move firsts[i] to before ends[i], how many of its moves are legal, up to the first that is not;
// and the 48 planes of each position, bytes, positions × 48 × points. The moves of these games are legal.
int32_t striate_go_legal(const StriateGo* games, int64_t* lengths);
int32_t striate_go_planes(const StriateGo* positions, uint8_t* planes);
int32_t striate_go_boards(const StriateGo* positions, const StriateGoBoards* boards, uint8_t* planes);
// Whether this processor has the instruction set that the library was compiled for.
int32_t striate_supported(void);
}
#pragma GCC visibility pop
