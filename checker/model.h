// Reads the user's model file. What is not known is rejected by name; nothing in a file is executed.
#pragma once

#include <string>

#include "bytes.h"
#include "network.h"

namespace check {

// A file of torch.save with a state_dict of Linear layers, read as Linear, ReLU, Linear, ..., Linear.
Network read_pytorch(const Bytes& data, const std::string& file);

}  // namespace check
