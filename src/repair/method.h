// How a network is changed so that it classifies given points correctly. One method a file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "network/network.h"
#include "repair/pool.h"
#include "repair/round.h"
#include "repair/target.h"
#include "train/samples.h"

namespace verissim::repair {

struct MethodOptions {
  int64_t batch_size = 64;
  double learning_rate = 0.001;
  double penalty_increase = 2.0;  // factor after each epoch on the weights of the points still wrong
  int64_t max_epochs = 100;       // of one run of the optimiser; a method may make a few in improve()
  uint64_t seed = 1;
  // The weight of the mean squared distance between the outputs and the original network's on the training
  // samples (distillation), beside their cross entropy. >= 0.
  double keep_outputs = 0.0;
  // The weight of the squared distance of the weights from the original's, relative to theirs. >= 0.
  double keep_weights = 0.0;
  // The layers with weights that may change, counted from 1 at the input; empty: all.
  std::vector<int64_t> layers = {};
};

// What improve() is given. Nothing is kept of it.
struct Work {
  const network::Network& start;     // the network to change
  const network::Network& original;  // the one whose outputs and weights are to be kept
  std::span<const Target> targets;
  // Has a point for every target at least, its reference.
  const Pool& pool;
  // For each target, by how much its points must win, > 0.
  std::span<const double> margins;
  // What is known of the targets by the network to change; may be null.
  const Verifications* known = nullptr;
};

// A changed network.
struct Improvement {
  network::Network network;  // weights are float32 values
  int64_t wrong = 0;         // points of the pool whose margin is still below the one wanted
  int64_t epochs = 0;        // passes over the training samples that it took
  bool helpless = false;     // the method cannot do more for these targets than it has done before
};

class Method {
 public:
  virtual ~Method() = default;
  Method(const Method&) = delete;
  Method& operator=(const Method&) = delete;

  // Changes `start` until every point of the pool wins by its target's margin, keeping the accuracy on the
  // training samples where it can. Ends in any case: `wrong` says how many points are left.
  virtual Improvement improve(const Work& work, const StopToken& stop) = 0;

  // Whether points that are explored help it, not the counterexamples alone.
  virtual bool wants_points() const { return true; }

  // Whether less of the change may be enough, so that smaller steps are worth a try.
  virtual bool may_shrink() const { return true; }

  // Whether more points can only make the change larger: accuracy that is lost is not regained then.
  virtual bool only_grows() const { return false; }

 protected:
  Method() = default;
};

// The names of the methods there are, cheapest first.
std::span<const char* const> method_names();
// Of these, the ones that "auto" tries on a network, in this order. With convolutions detectors come before
// what trains: bounds over a trained convolutional network are hardly ever tight enough for a proof.
std::span<const char* const> automatic_methods(const network::Network& network);

// name: one of method_names(). `samples` must outlive the method. Throws InputError naming the methods there
// are, or the option that is out of range.
std::unique_ptr<Method> make_method(const std::string& name, const train::Samples& samples,
                                    const MethodOptions& options);

// How many points of the pool win by less than their target's margin.
int64_t count_wrong(const Pool& pool, const network::Network& network, std::span<const double> margins);

}  // namespace verissim::repair
