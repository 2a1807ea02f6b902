// TorchScript archives as networks.
#pragma once

#include <map>

#include "network/network_builder.h"
#include "network/pytorch_file.h"

namespace verissim::network {

struct ScriptNetwork {
  Network network;
  InputSource input_source = InputSource::kGiven;
  std::map<int, NodeTrace> traces;  // by the network's nodes, if the file was opened to trace
};

// The value of the archive's forward function for one image, in real arithmetic on the weights as stored. The
// file does not say how large the images are: the hint must. Throws InputError naming the part of the code
// and the line for whatever is not understood.
ScriptNetwork read_script(PytorchFile& file, const InputHint& hint);

}  // namespace verissim::network
