// Gradient steps on a network's weights, done by LibTorch in a module that is loaded when the first learner
// is made. This header knows nothing of LibTorch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "network/network.h"
#include "train/bound.h"
#include "train/samples.h"

namespace verissim::train {

enum class OptimiserKind { kSgd, kAdam };

struct Optimiser {
  OptimiserKind kind = OptimiserKind::kSgd;
  double learning_rate = 0.01;
  double momentum = 0.9;  // SGD only; Adam has beta 0.9 and 0.999 and epsilon 1e-8
};

// Images that must win by margins, beside the batch. They add
//   sum_i weights[i] * max(0, margins[i] - (y[label_i] - max over rivals j of y[j]))
// to the loss; or, where `cross_entropy` is set, sum_i weights[i] * cross entropy of image i, whatever the
// margins. Shapes: images count x inputs; labels, weights and margins count.
struct Penalty {
  std::span<const float> images;
  std::span<const int64_t> labels;
  std::span<const float> weights;
  std::span<const float> margins;  // may be empty with cross_entropy
  bool cross_entropy = false;
};

// What is to stay as it was, beside the labels of the batch. It adds
//   outputs * mean over images and classes of (y - original y)^2
//   + weights * |w - original w|^2 / |original w|^2
// to the loss. The images are the batch and as many mixtures of two of its images, of more or less contrast:
// a few samples that the network knows by heart say little about the images in between.
struct Keep {
  const network::Network* original = nullptr;  // null: nothing is kept; as large as the network changed
  double outputs = 0.0;
  double weights = 0.0;
};

// What training alone does not need.
struct Extras {
  Keep keep = {};
  // The layers with weights that change, counted from 1 at the input; empty: all.
  std::vector<int64_t> layers = {};
  // For the bound term of a step.
  std::vector<BoundTarget> targets = {};
};

// What a step saw, before it changed the weights.
struct Step {
  double loss = 0.0;     // mean cross entropy over the batch
  double penalty = 0.0;  // the penalty term
  double bound = 0.0;    // the bound term
  int64_t correct = 0;   // images of the batch classified correctly
};

class Learner {
 public:
  virtual ~Learner() = default;
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  // One step of the optimiser on mean cross entropy over the samples `batch` (indices), plus the penalty, the
  // bound term and what Keep adds.
  virtual Step step(std::span<const int64_t> batch, const Penalty& penalty, const BoundTerm& bound) = 0;
  Step step(std::span<const int64_t> batch, const Penalty& penalty) { return step(batch, penalty, {}); }
  // The bounds of BoundTerm for a target: y[label] - y[j] for each rival j in order.
  virtual std::vector<double> bounds(int64_t target, double scale) = 0;
  // The network with the present weights: float32 values, exactly.
  virtual network::Network network() const = 0;

 protected:
  Learner() = default;
};

// Starts from the network's weights, rounded to float32. `samples` must outlive the learner and fit the
// network (check_fits). While a learner lives, LibTorch and OpenBLAS are held to one thread: results do not
// depend on the machine's cores, and small networks, for which a step takes some 0.1 ms, are fastest so.
// Throws InputError if LibTorch is missing or a layer of `extras` is none of the network's.
std::unique_ptr<Learner> make_learner(const network::Network& network, const Samples& samples,
                                      const Optimiser& optimiser, const Extras& extras = {});

// "LibTorch 1.13.1", for reports. Throws InputError if LibTorch is missing.
std::string learner_version();

}  // namespace verissim::train
