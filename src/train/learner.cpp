#include "train/learner.h"

#include "base/error.h"
#include "train/torch/loader.h"

namespace verissim::train {

std::unique_ptr<Learner> make_learner(const network::Network& network, const Samples& samples,
                                      const Optimiser& optimiser) {
  check_fits(samples, network);
  return torch_module().make_learner(network, samples, optimiser);
}

std::string learner_version() { return std::string("LibTorch ") + torch_module().torch_version; }

}  // namespace verissim::train
