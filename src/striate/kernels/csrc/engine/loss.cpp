#include "engine/loss.hpp"

#include <algorithm>
#include <cmath>

namespace striate {
namespace {

// The softmax of sign · outputs for one image: log Σ e^…, with e^extra in the sum, and each class's probability.
struct Softmax {
    float largest, sum;

    Softmax(const float* outputs, int classes, float sign, const float* extra) {
        largest = extra ? *extra : sign * outputs[0];
        for (int c = 0; c < classes; c++) {
            const float value = sign * outputs[c * GROUP];
            if (value > largest || value != value) largest = value;
        }
        sum = extra ? std::exp(*extra - largest) : 0.0f;
        for (int c = 0; c < classes; c++) sum += std::exp(sign * outputs[c * GROUP] - largest);
    }
    float logarithm() const { return largest + std::log(sum); }
    float probability(float value) const { return std::exp(value - largest) / sum; }
};

// The class of the largest score, the first of equals. NaN counts as the largest, as in PyTorch.
int best_class(const float* outputs, int classes, float sign) {
    int best = 0;
    for (int c = 1; c < classes; c++) {
        const float value = sign * outputs[c * GROUP], largest = sign * outputs[best * GROUP];
        if (largest == largest && (value > largest || value != value)) best = c;
    }
    return best;
}

// Σ share · −log p over the classes of one image, and its gradient times `image_share`.
double shared_loss(const float* outputs, float* gradient, int classes, const float* shares, float image_share) {
    const Softmax softmax(outputs, classes, 1.0f, nullptr);
    const float logarithm = softmax.logarithm();
    double loss = 0, all = 0;
    for (int c = 0; c < classes; c++) {
        all += double(shares[c]);
        // A share of 0 adds nothing, and times an infinite loss it would be NaN.
        if (shares[c] != 0.0f) loss += double(shares[c]) * double(logarithm - outputs[c * GROUP]);
    }
    for (int c = 0; c < classes; c++)
        gradient[c * GROUP] = (float(all) * softmax.probability(outputs[c * GROUP]) - shares[c]) * image_share;
    return loss;
}

}  // namespace

Score score(const StriateTarget& target, const float* outputs, float* gradient, int classes, const int64_t* labels,
            int count, int64_t first, int64_t images) {
    std::fill(gradient, gradient + ptrdiff_t(classes) * GROUP, 0.0f);
    Score result;
    const float sign = target.loss == CROSS_ENTROPY ? 1.0f : -1.0f, image_share = 1.0f / float(images);
    for (int i = 0; i < count; i++) {
        const float* image_outputs = outputs + i;
        float* to = gradient + i;
        const int label = int(labels[i]);
        const float label_output = image_outputs[label * GROUP];
        if (target.shares) {
            const float* shares = target.shares + (first + i) * classes;
            result.loss += shared_loss(image_outputs, to, classes, shares, image_share);
        } else if (target.loss == CROSS_ENTROPY) {
            const Softmax softmax(image_outputs, classes, 1.0f, nullptr);
            result.loss += double(softmax.logarithm() - label_output);
            for (int c = 0; c < classes; c++)
                to[c * GROUP] =
                    (softmax.probability(image_outputs[c * GROUP]) - (c == label ? 1.0f : 0.0f)) * image_share;
        } else {
            result.loss += double(label_output);
            to[label * GROUP] = image_share;
        }
        if (target.loss == RADIAL_MAP) {
            const float rubbish = -target.rubbish;
            const Softmax softmax(image_outputs, classes, -1.0f, &rubbish);
            result.loss += double(softmax.logarithm());
            for (int c = 0; c < classes; c++)
                to[c * GROUP] -= softmax.probability(-image_outputs[c * GROUP]) * image_share;
        }
        result.right += best_class(image_outputs, classes, sign) == label;
    }
    return result;
}

}  // namespace striate
