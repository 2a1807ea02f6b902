// The architecture of a pickled nn.Module, read from its attributes; no code of the file is ever run.
#pragma once

#include "network/checkpoint.h"
#include "network/network_builder.h"

namespace verissim::network {

// Adds the module's layers. Known classes: Sequential (nested), DataParallel, Linear, Conv2d (zero padding),
// ReLU, Flatten (all but the batch), Identity, and the dropouts, which do nothing outside training.
// Everything else is refused by name with InputError: other classes (also the user's own, whose forward
// function is not in the file), hooks, parametrisations. The network's keys are those of module.state_dict().
void read_module(PytorchFile& file, const PickleObject& module, NetworkBuilder& builder);

}  // namespace verissim::network
