#include "train/samples.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace verissim::train {

void check_fits(const Samples& samples, const network::Network& network) {
  VERISSIM_CHECK(samples.images.size() == samples.labels.size() * static_cast<size_t>(samples.shape.size()));
  if (samples.labels.empty()) throw InputError("training data", "", "no image", "at least one");
  if (samples.shape.size() != network.inputs()) {
    throw InputError("training data", "image shape", to_string(samples.shape),
                     std::to_string(network.inputs()) + " values as the network's input");
  }
  for (size_t i = 0; i < samples.labels.size(); ++i) {
    const int64_t label = samples.labels[i];
    if (label >= 0 && label < network.outputs()) continue;
    throw InputError("training data", "label of image " + std::to_string(i), std::to_string(label),
                     "0 to " + std::to_string(network.outputs() - 1) + ", the network's outputs");
  }
}

}  // namespace verissim::train
