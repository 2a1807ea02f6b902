// The part of a network between two layers of ReLUs.
#pragma once

#include <cstdint>
#include <vector>

#include "network/network.h"

namespace verissim::network {

struct Stage {
  int from = 0;                // the ReLU node whose values are the part's input
  std::vector<int64_t> alive;  // the places there that the part's input has, ascending
  Network network;             // ends in the later ReLU node
};

// The ReLU node in whose values alone those before ReLU node `to` are affine; -1 if there is none.
int stage_source(const Network& network, int to);

// SOUND: where the values of `from` = stage_source(to) at other places than `alive` are zero, the network
// computes what the whole one does.
Stage stage_between(const Network& network, int from, int to, std::vector<int64_t> alive);

}  // namespace verissim::network
