#include "engine/loss.hpp"

#include <algorithm>
#include <cmath>

namespace striate {
namespace {

// For a softmax over signs · outputs: the logarithm of Σ e^… (with `extra` in it), and each class's share.
struct Softmax {
    float most, sum;

    Softmax(const float* outputs, int classes, float sign, const float* extra) {
        most = extra ? *extra : sign * outputs[0];
        for (int c = 0; c < classes; c++) {
            const float value = sign * outputs[c * GROUP];
            if (value > most || value != value) most = value;
        }
        sum = extra ? std::exp(*extra - most) : 0.0f;
        for (int c = 0; c < classes; c++) sum += std::exp(sign * outputs[c * GROUP] - most);
    }
    float logarithm() const { return most + std::log(sum); }
    float share(float value) const { return std::exp(value - most) / sum; }
};

// The first class of the largest score; NaN counts as the largest, as in PyTorch.
int likeliest(const float* outputs, int classes, float sign) {
    int best = 0;
    for (int c = 1; c < classes; c++) {
        const float value = sign * outputs[c * GROUP], most = sign * outputs[best * GROUP];
        if (most == most && (value > most || value != value)) best = c;
    }
    return best;
}

}  // namespace

Score score(const StriateTarget& target, const float* outputs, float* gradient, int classes, const int64_t* labels,
            int count, int64_t images) {
    std::fill(gradient, gradient + ptrdiff_t(classes) * GROUP, 0.0f);
    Score result;
    const float sign = target.loss == CROSS_ENTROPY ? 1.0f : -1.0f, part = 1.0f / float(images);
    for (int i = 0; i < count; i++) {
        const float* mine = outputs + i;
        float* to = gradient + i;
        const int label = int(labels[i]);
        const float own = mine[label * GROUP];
        if (target.loss == CROSS_ENTROPY) {
            const Softmax softmax(mine, classes, 1.0f, nullptr);
            result.loss += double(softmax.logarithm() - own);
            for (int c = 0; c < classes; c++)
                to[c * GROUP] = (softmax.share(mine[c * GROUP]) - (c == label ? 1.0f : 0.0f)) * part;
        } else {
            result.loss += double(own);
            to[label * GROUP] = part;
        }
        if (target.loss == RADIAL_MAP) {
            const float rubbish = -target.rubbish;
            const Softmax softmax(mine, classes, -1.0f, &rubbish);
            result.loss += double(softmax.logarithm());
            for (int c = 0; c < classes; c++) to[c * GROUP] -= softmax.share(-mine[c * GROUP]) * part;
        }
        result.right += likeliest(mine, classes, sign) == label;
    }
    return result;
}

}  // namespace striate
