// A network from named arrays alone.
#pragma once

#include <string>
#include <vector>

#include "network/network_builder.h"

namespace verissim::network {

// Reads the arrays as Linear, ReLU, Linear, ..., Linear: a state_dict says nothing of activations, and this
// is what the original's networks are. A layer is a key "<module>.weight" of two dimensions and, if there is
// one,
// "<module>.bias". The names of the modules may differ in their numbers only ("fc1", "fc2"; "net.0",
// "net.2"), which give the order of the layers. Integer and bool arrays are ignored (and kept in the layout).
// Throws InputError naming the key for everything else: convolutions (their stride is not in the file), batch
// normalisation, unknown names, names that leave the order open.
ModelLayout read_state_dict(const std::string& file, const std::vector<NamedTensor>& tensors,
                            NetworkBuilder& builder);

}  // namespace verissim::network
