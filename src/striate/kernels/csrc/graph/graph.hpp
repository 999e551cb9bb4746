// graph/: a whole network whose layers do not just follow each other: batch normalisation, sums, concatenations. Start
// with this file.
//   plan        the nodes as given, and folded for inference
//   nodes       their operations, and which node reads what
//   norms       statistics of batch normalisations and what follows from them
//   rows        joins and their gradients, row by row
//   training    a step: phases between statistics; training_plan: where its values and gradients lie
//   inference   forward passes, lane group by lane group, or image by image (one_image/)
// Batch normalisation needs the values of all images before any image can go on, so a training step runs in phases. In
// a phase each lane group passes through all layers up to the next statistics, then all threads wait for each other.
#pragma once

#include <memory>

#include "engine/runner.hpp"
#include "graph/inference.hpp"
#include "graph/training.hpp"
#include "one_image/one_image.hpp"

namespace striate {

class Graph final : public Runner {
public:
    Graph(const StriateNode* nodes, int count, const int32_t* input)
        : plan(plan_of(nodes, count, input)), one_image(plan), seconds(3 + 2 * size_t(count)) {}

    void forward(const StriateImages& images, float* outputs, int thread_count) override {
        if (one_image.forward(images, outputs, threads, thread_count)) return;
        if (!inference) inference = std::make_unique<Inference>(plan, Lanes::IMAGES);
        inference->forward(images, outputs, threads, thread_count);
    }
    StriateResult step(const StriateImages& images, const StriateTarget& target, const StriateUpdate& update,
                       int thread_count) override {
        if (!training) training = std::make_unique<Training>(plan, seconds, now);
        return training->step(images, target, update, threads, thread_count);
    }
    void profile(double* to) override {
        std::copy(seconds.begin(), seconds.end(), to);
        std::fill(seconds.begin(), seconds.end(), 0.0);
    }

private:
    Plan plan;
    OneImage one_image;
    std::vector<double> seconds;           // as `profile` gives them
    std::unique_ptr<Inference> inference;  // both are made when they are first needed
    std::unique_ptr<Training> training;
};

}  // namespace striate
