// Training from scratch: stochastic gradient descent with momentum on cross entropy, as the original tool.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/state.h"
#include "base/stop.h"
#include "network/network.h"
#include "train/samples.h"

namespace verissim::train {

struct Options {
  int64_t epochs = 50;
  int64_t batch_size = 64;
  double learning_rate = 0.01;
  double momentum = 0.9;
  uint64_t seed = 1;          // of the initial weights and of the order of batches
  bool keep_weights = false;  // true: goes on from the weights given instead of drawing new ones
  // Keeps what is needed to go on after an interruption, epoch by epoch, and where to begin; may be null.
  // Gone on with the same arguments, training ends with the same weights, bit by bit.
  Keeper* keeper = nullptr;
};

// One epoch, as seen batch by batch while the weights changed.
struct Epoch {
  int64_t number = 0;  // from 1
  double loss = 0.0;   // mean cross entropy
  double accuracy = 0.0;
  double seconds = 0.0;
};

enum class Status {
  kFinished,  // all epochs
  kStopped,   // stop was requested: the network is what was reached by then
  kDiverged,  // loss or weights became infinite or NaN: the network is that of the last epoch before
};

// "finished", "stopped", "diverged"
const char* to_string(Status status);

struct Outcome {
  network::Network network;    // weights are float32 values
  std::vector<Epoch> history;  // complete epochs
  Status status = Status::kFinished;
};

// Called after every epoch; may be empty.
using Progress = std::function<void(const Epoch&)>;

// The same arguments and build give the same weights, bit by bit, whatever the number of cores.
// Throws InputError if the samples do not fit the network, an option is out of range, or LibTorch is missing.
Outcome train(network::Network architecture, const Samples& samples, const Options& options,
              const Progress& progress, const StopToken& stop);

}  // namespace verissim::train
