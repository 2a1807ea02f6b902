// The part of a convolutional network that some values of one node depend on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "network/network.h"

namespace verissim::network {

// SOUND: `network` computes, in each of its nodes, exactly what the whole network computes there; its input
// is the whole one's.
struct Crop {
  Network network;  // its convolutions may have a negative padding: their part begins after the plane does
  std::vector<int> nodes;                    // by node: which of the whole network's it is a part of
  std::vector<std::vector<int64_t>> places;  // by node, of every value: its place in the whole network's node
};

// What the values at `places` of a node depend on: of every plane the rectangle that they reach through
// convolutions. Empty if there are no planes, or if what could be left out is less than half.
std::optional<Crop> crop(const Network& network, int node, std::span<const int64_t> places);

// The values of a ReLU node or a convolution ordered so that neighbours of all channels come together; as
// they are if the node has no planes. `places` ascend.
std::vector<int64_t> by_neighbourhood(const Network& network, int node, std::vector<int64_t> places);

}  // namespace verissim::network
