#pragma once

#include "network/network.h"

namespace verissim::repair {

// The network whose weights lie on the way from `from` to `to`, which have the same layers: at `from` for
// step 0, at `to` for 1. Weights are float32 values, as a file keeps them.
network::Network blend(const network::Network& from, const network::Network& to, double step);

}  // namespace verissim::repair
