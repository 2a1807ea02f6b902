#pragma once

#include <cstdint>

#include "network/network.h"

namespace verissim::train {

// Draws all weights and biases as PyTorch's nn.Linear and nn.Conv2d do by default: uniform in
// [-1/sqrt(fan in), 1/sqrt(fan in)] (kaiming_uniform with a = sqrt(5)), rounded to float32. Equal seeds give
// equal weights on every machine; they are not the numbers that PyTorch draws for that seed.
void initialise(network::Network& network, uint64_t seed);

}  // namespace verissim::train
