// Training on given points by cross entropy, beside the training samples: what the baselines have in common.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "network/network.h"
#include "train/learner.h"

namespace verissim::repair {

// A pass over the samples ends after so many steps even if some are left: it is after a pass that points are
// looked at.
inline constexpr int64_t kStepsOfMixedPass = 200;

// A learner that mixes points into the batches: each step sees as many of them as the batch has images, all
// points in turn, and each of them counts as much as an image of the batch.
class MixingLearner : public train::Learner {
 public:
  // `inner` must outlive it.
  explicit MixingLearner(train::Learner& inner) : inner_(inner) {}

  // Replaces the points. Shapes: images count x inputs; labels count.
  void set_points(std::vector<float> images, std::vector<int64_t> labels);

  // The penalty must be empty.
  train::Step step(std::span<const int64_t> batch, const train::Penalty& penalty,
                   const train::BoundTerm& bound) override;
  std::vector<double> bounds(int64_t target, double scale) override { return inner_.bounds(target, scale); }
  network::Network network() const override { return inner_.network(); }

 private:
  train::Learner& inner_;
  std::vector<float> images_;
  std::vector<int64_t> labels_;
  size_t next_ = 0;
};

}  // namespace verissim::repair
