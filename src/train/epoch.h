// Passes over the training samples, shared by training and repair.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "base/stop.h"
#include "train/learner.h"

namespace verissim::train {

// What one pass over the samples saw, batch by batch, while the weights changed.
struct Pass {
  double loss = 0.0;      // mean cross entropy
  double penalty = 0.0;   // mean penalty of the steps
  double bound = 0.0;     // mean bound term of the steps
  double accuracy = 0.0;  // in [0, 1]
  bool complete = false;  // false: stopped between batches; the figures are of the batches before
};

// Feeds samples in random order, a partial last batch included.
class Batches {
 public:
  // batch_size >= 1.
  Batches(int64_t count, int64_t batch_size, uint64_t seed);

  // One step of the learner for each batch of a newly shuffled pass; only for the first `max_steps` of them
  // if that is not 0.
  Pass run(Learner& learner, const Penalty& penalty, const StopToken& stop, int64_t max_steps = 0,
           const BoundTerm& bound = {});

 private:
  std::vector<int64_t> order_;
  int64_t batch_size_;
  Rng rng_;
};

}  // namespace verissim::train
