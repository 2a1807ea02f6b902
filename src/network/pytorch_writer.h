#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "network/tensor.h"

namespace verissim::network {

// The bytes of a PyTorch file with a state_dict of these arrays, in this order; torch.load(path,
// weights_only=True) reads it. Equal arrays give equal bytes. Throws InputError naming `file` if they are too
// many for one.
std::vector<std::byte> pytorch_bytes(const std::string& file, const std::vector<NamedTensor>& tensors);

}  // namespace verissim::network
