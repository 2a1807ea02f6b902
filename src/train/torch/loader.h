#pragma once

#include "train/torch/module.h"

namespace verissim::train {

// The LibTorch module, loaded on the first call (0.5 s) and kept. Throws InputError if this build has none,
// or it cannot be loaded.
const ModuleInterface& torch_module();

}  // namespace verissim::train
