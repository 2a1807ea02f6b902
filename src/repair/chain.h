// Networks that are one chain of layers, of which whole channels and neurons can be given other work.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "network/network.h"

namespace verissim::repair {

// Nodes of convolutions (of one group), then of dense layers; a ReLU follows each but the last.
struct Chain {
  std::vector<size_t> convolutions;  // may be none
  std::vector<size_t> dense;         // two at least
};

// Nothing if the network is no such chain.
std::optional<Chain> find_chain(const network::Network& network);

// The nodes up to and with this one, as a network.
network::Network up_to(const network::Network& network, size_t node);

}  // namespace verissim::repair
