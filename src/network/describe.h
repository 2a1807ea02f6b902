// What a network consists of, for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/network.h"

namespace verissim::network {

struct LayerSummary {
  std::string name;
  std::string kind;  // "Linear", "Conv2d", "ReLU", "Add", "Gather"
  int64_t inputs = 0;
  int64_t outputs = 0;
  int64_t parameters = 0;
  double smallest = 0.0;  // of the weights and biases; 0 if there are none
  double largest = 0.0;
};

// Every node but the input.
std::vector<LayerSummary> summarize(const Network& network);

// The sizes of the ReLU nodes, in node order: the hidden layers of an MLP.
std::vector<int64_t> hidden_sizes(const Network& network);

}  // namespace verissim::network
