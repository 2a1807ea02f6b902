// ONNX files as networks.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "network/model_layout.h"
#include "network/network.h"
#include "network/network_builder.h"

namespace verissim::network {

struct OnnxNetwork {
  Network network;
  ModelLayout layout;  // keys as of an nn.Sequential of the network's nodes
  InputSource input_source = InputSource::kFlat;
  std::vector<std::string> notes;
  std::map<int, NodeTrace> traces;  // by the network's nodes, if asked for
  std::vector<std::string> external_files;
};

// The network is the graph's value for one image in real arithmetic on the weights as stored: where constants
// are multiplied or added into weights, nothing rounds. onnx_ops.h names the operators; a file with others is
// refused by the node's name, and so is what would have to round (a division by 3). The graph has one input
// ([N, C, H, W], [N, n] or [n], the batch of any size) and one output. hint: as for load_model; a shape that
// the file gives in full must not be contradicted. Throws InputError naming `file` and the byte, the tensor
// or the node.
OnnxNetwork read_onnx(const std::string& file, std::span<const std::byte> data, const InputHint& hint,
                      bool tracing = false);

}  // namespace verissim::network
