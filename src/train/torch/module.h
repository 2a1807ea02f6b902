// What the LibTorch module exports, under these names, for the loader in learner.cpp.
#pragma once

#include "train/learner.h"

namespace verissim::train {

// Everything the loader needs, in one exported object. `version` must equal the loading program's, since C++
// objects pass between the two.
struct ModuleInterface {
  const char* version;        // Verissim's
  const char* torch_version;  // "1.13.1"
  std::unique_ptr<Learner> (*make_learner)(const network::Network& network, const Samples& samples,
                                           const Optimiser& optimiser, const Extras& extras);
};

inline constexpr const char* kModuleFile = "libverissim_torch.so";
inline constexpr const char* kModuleSymbol = "verissim_torch_module";

}  // namespace verissim::train
