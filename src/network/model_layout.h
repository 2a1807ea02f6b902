// How a model file names and stores the numbers of a network, kept so that a changed network can be written
// back into a file that fits the same PyTorch program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/tensor.h"

namespace verissim::network {

enum class SlotRole { kWeight, kBias, kOther };

// One entry of a file.
struct TensorSlot {
  std::string key;  // "sequential.0.weight"
  DType dtype = DType::kFloat32;
  std::vector<int64_t> shape;
  SlotRole role = SlotRole::kOther;
  int node = 0;                  // whose weight or bias it is
  std::vector<std::byte> bytes;  // of an entry that is neither (an integer buffer): written back as it is
};

// In the order of the file. A layer without a bias in the file has a zero bias in the network and no slot for
// it.
using ModelLayout = std::vector<TensorSlot>;

// The keys that the network's node names suggest, all float32: "<name>.weight", "<name>.bias".
ModelLayout default_layout(const Network& network);

// "0.weight", "0.bias", "2.weight": what an nn.Sequential of the network's nodes would call them. Numbers
// that float32 does not hold (of a float64 file, or products of a file's constants) are float64.
ModelLayout sequential_layout(const Network& network);

// The network's numbers in the layout. Values that the slot's dtype cannot hold are rounded to the nearest
// that it can; those of a network read from the layout's file are stored bit for bit. Throws InputError
// naming `file` and the key if a value is beyond the dtype's range, or if a layer without a slot for its bias
// has one that is not zero, or a layer has weights and no slot (those of a batch normalisation). The network
// must have the layout's layers and sizes.
std::vector<NamedTensor> store(const std::string& file, const Network& network, const ModelLayout& layout);

}  // namespace verissim::network
