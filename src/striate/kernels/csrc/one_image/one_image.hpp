// one_image/: inference of one image at a time. Start with this file.
//   channel_blocks     plans, images and answers where the lanes hold channels
//   one_image_layers   the layers
// Here the sixteen lanes hold sixteen channels of one image (a channel block) instead of one channel of sixteen images.
// The passes themselves are in graph/inference.
#pragma once

#include <memory>
#include <stdexcept>

#include "graph/inference.hpp"

namespace striate {

// Up to this many images take less time one by one than in a lane group, most of whose lanes would be empty.
constexpr int MAX_ONE_BY_ONE = 4;

class OneImage {
public:
    explicit OneImage(Plan plan) : plan(std::move(plan)) {}

    // Answers the images one by one. False, without an answer, where they are many, or where the lanes cannot hold the
    // network's channels.
    bool forward(const StriateImages& images, float* outputs, Threads& threads, int thread_count) {
        if (images.count > MAX_ONE_BY_ONE || refused) return false;
        try {
            if (!inference) inference = std::make_unique<Inference>(plan, Lanes::CHANNELS);
        } catch (const std::invalid_argument&) {
            refused = true;
            return false;
        }
        inference->forward(images, outputs, threads, thread_count);
        return true;
    }

private:
    Plan plan;
    std::unique_ptr<Inference> inference;  // made when it is first needed
    bool refused = false;
};

}  // namespace striate
