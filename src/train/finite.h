#pragma once

#include "network/network.h"

namespace verissim::train {

// Whether every weight and bias is a number.
bool is_finite(const network::Network& network);

}  // namespace verissim::train
