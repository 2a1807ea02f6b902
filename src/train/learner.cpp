#include "train/learner.h"

#include <new>
#include <string>
#include <variant>

#include "base/blas_room.h"
#include "base/error.h"
#include "train/torch/loader.h"

namespace verissim::train {
namespace {

void check_layers(const std::vector<int64_t>& layers, const network::Network& network) {
  int64_t count = 0;
  for (const network::Node& node : network.nodes)
    count +=
        std::holds_alternative<network::Dense>(node.op) || std::holds_alternative<network::Conv2d>(node.op);
  for (const int64_t layer : layers) {
    if (layer >= 1 && layer <= count) continue;
    throw InputError("repair", "layers", std::to_string(layer),
                     "numbers from 1 to " + std::to_string(count) + ", the layers with weights");
  }
}

}  // namespace

std::unique_ptr<Learner> make_learner(const network::Network& network, const Samples& samples,
                                      const Optimiser& optimiser, const Extras& extras) {
  check_fits(samples, network);
  check_layers(extras.layers, network);
  if (!reserve_blas_buffers(1)) throw std::bad_alloc();  // LibTorch may call OpenBLAS
  return torch_module().make_learner(network, samples, optimiser, extras);
}

std::string learner_version() { return std::string("LibTorch ") + torch_module().torch_version; }

}  // namespace verissim::train
