#pragma once

#include <cstdint>
#include <vector>

#include "network/network.h"

namespace verissim::repair {

// The network whose weights lie on the way from `from` to `to`, which have the same layers: at `from` for
// step 0, at `to` for 1. Weights that differ are float32 values, as a file keeps them.
network::Network blend(const network::Network& from, const network::Network& to, double step);

// Gives the layers that may not change the numbers of `from` again, to the last bit: training rounds them to
// float32. `changeable`: as MethodOptions::layers.
void restore_layers(const network::Network& from, const std::vector<int64_t>& changeable,
                    network::Network& network);

}  // namespace verissim::repair
