// The C interface that Python loads: the layers of a network in, an engine out; then steps and forward passes.
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
    RESPONSE
};
enum StriateFunction : int32_t { IDENTITY, RELU, TANH, SCALED_TANH, SIGMOID };
enum StriateLoss : int32_t { CROSS_ENTROPY, RADIAL_MLE, RADIAL_MAP };
enum StriateRule : int32_t { GRADIENTS, ADAMW, SGD };
enum StriateStatus : int32_t { DONE, NO_MEMORY, FAILED };

// One layer. Shapes are (channels, rows, columns); a flat vector of n features is (n, 1, 1).
struct StriateLayer {
    int32_t kind, function;  // `function` is applied to the layer's output
    int32_t input[3], output[3];
    int32_t kernel[2], stride[2], dilation[2];
    int32_t padding[4];           // top, bottom, left, right; negative where the windows leave a rest
    int32_t count_padding;        // an average counts the padding
    int32_t links;                // of a convolution: how many kernels its weight holds
    const int32_t* link_filters;  // the filter and the channel of each of them
    const int32_t* link_channels;
    float rate;            // of a dropout
    float response[3];     // alpha, beta, k of a local response normalisation over kernel[0] maps
    float *weight, *bias;  // null where there is none; the centres of a radial layer are its weight
    float *weight_gradient, *bias_gradient;
};

// `count` images, each of input channels × rows × columns; the image of place i is number indices[i], or i.
struct StriateImages {
    const uint8_t* bytes;  // one of the two; a byte b stands for low + scale · b
    const float* floats;
    const int64_t* indices;
    int64_t count;
    float low, scale;
};

// How one image is moved: degrees clockwise, a factor, a fraction, degrees, pixels, and mirrored first if below 0.
struct StriateMove {
    float rotation, scale, squeeze, shear, right, down, mirror;
};

// Where each pixel of a batch comes from. Images are bytes; beyond them lie zeros.
struct StriateWarp {
    int32_t shape[3];          // channels, rows, columns
    int32_t ranks[2];          // rows and columns of the noise
    const StriateMove* moves;  // one for each image
    const float* noise;        // images × 2 (x, y) × ranks, or null where there is no field
    const float* down;         // ranks[0] × rows, and
    const float* across;       // ranks[1] × columns: the field is downᵀ · noise · across
};

struct StriateTarget {
    const int64_t* labels;  // by image number, as the images are
    int32_t loss;
    float rubbish;
    uint64_t seed;  // of this step's dropout
};

// What is done with the gradients. The slots are one pointer a parameter, in the order of the layers, weight first.
struct StriateUpdate {
    int32_t rule, count;
    float* const* first;    // AdamW's first moment; SGD's momentum
    float* const* second;   // AdamW's second moment
    float* const* average;  // of the parameter over the steps
    double rate, first_decay, second_decay, weight_decay, epsilon;
    double step;          // 1 for the first
    double average_part;  // of the way to the parameter that its average goes; 0: there is none
};

struct StriateResult {
    double loss;    // the mean over the images
    int64_t right;  // images whose likeliest class is their label
};

// One layer on its own, over all images of a batch. Values lie as groups × channels × rows × columns × 16 images, on
// boundaries of 64 bytes; the lanes beyond the last image hold anything finite, and gradients of zero.
struct StriatePass {
    int64_t images;
    const float* in;
    const float *scale, *shift;  // both or none, for each channel: the layer reads f(scale · in + shift)
    const float *weight, *bias;
    float* out;
    int32_t* argmax;  // index of each maximum in its window, as large as out: written by forward, read by backward
    double* sums;     // null, or the sums of out and of its square, each for every channel
    // For backward. Those that nobody asks for are null.
    const float* out_gradient;
    const double* sums_gradient;
    float *in_gradient, *weight_gradient, *bias_gradient;
    double *scale_gradient, *shift_gradient;
};

// out = function(Σ (scale · term + shift)) of one or two terms, value by value.
struct StriateJoin {
    int32_t function, channels, positions;
    int64_t images;
    const float* terms[2];  // the second may be null
    const float *scales[2], *shifts[2];
    float* out;
    const float* out_gradient;
    float* gradients[2];
    double *scale_gradients[2], *shift_gradients[2];
};

// Every call but those that free answers with a status, and throws nothing. After one that was not DONE, outputs and
// gradients hold anything; parameters, the optimiser's slots and the handle are as before the call, and it can be made
// again. `threads` is how many are wanted: where the system starts fewer, these do the work, to the same bits.

// `input_function` is the f of what the layer reads.
int32_t striate_layer_new(const StriateLayer* layer, int32_t input_function, void** single_layer);
void striate_layer_free(void* layer);
int32_t striate_layer_forward(void* layer, const StriatePass* pass, int32_t threads);
int32_t striate_layer_backward(void* layer, const StriatePass* pass, int32_t threads);
int32_t striate_join_forward(const StriateJoin* join, int32_t threads);
int32_t striate_join_backward(const StriateJoin* join, int32_t threads);
// images × channels × positions floats into groups, lanes beyond the last image being zeros; and back.
int32_t striate_to_groups(const float* images, float* groups, int64_t count, int32_t channels, int32_t positions,
                          int32_t threads);
int32_t striate_from_groups(const float* groups, float* images, int64_t count, int32_t channels, int32_t positions,
                            int32_t threads);

int32_t striate_new(const StriateLayer* layers, int32_t count, void** engine);
void striate_free(void* engine);
// outputs: images × features of the last layer, row by row.
int32_t striate_forward(void* engine, const StriateImages* images, float* outputs, int32_t threads);
int32_t striate_step(void* engine, const StriateImages* images, const StriateTarget* target,
                     const StriateUpdate* update, int32_t threads, StriateResult* result);
// to: images × channels × rows × columns.
int32_t striate_warp(void* engine, const StriateImages* images, const StriateWarp* warp, float* to, int32_t threads);
// Seconds since the last call, of the first thread: images, loss, reduction and update, then forward and backward of
// each layer: 3 + 2 · layers numbers.
int32_t striate_profile(void* engine, double* seconds);
// The same layers to learn from one image at a time (pattern.hpp): convolutions of stride 1 without padding,
// subsampling with windows side by side, dense layers, and RBF units at the end. `rates` and `sums` are one pointer for
// each layer's weight and one for its bias, null where it has none, as large as these.
int32_t striate_pattern_new(const StriateLayer* layers, int32_t count, void** pattern);
void striate_pattern_free(void* pattern);
int32_t striate_pattern_learn(void* pattern, const StriateImages* images, const StriateTarget* target,
                              const float* const* rates, StriateResult* result);
int32_t striate_pattern_curvature(void* pattern, const StriateImages* images, const StriateTarget* target,
                                  float* const* sums);
// Whether this processor has the instructions that the library was compiled for.
int32_t striate_supported(void);
}
#pragma GCC visibility pop
