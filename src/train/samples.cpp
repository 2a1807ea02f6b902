#include "train/samples.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace verissim::train {

Samples evenly_spread(const Samples& samples, int64_t limit) {
  Samples result{samples.shape, {}, {}, samples.classes};
  const int64_t count = std::min(samples.count(), limit);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t k = i * samples.count() / count;
    const auto image = samples.image(k);
    result.images.insert(result.images.end(), image.begin(), image.end());
    result.labels.push_back(samples.labels[static_cast<size_t>(k)]);
  }
  return result;
}

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
