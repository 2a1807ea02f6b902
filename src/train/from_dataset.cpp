#include "train/from_dataset.h"

#include <span>

namespace verissim::train {

Samples from_dataset(const dataset::Dataset& dataset) {
  const auto size = static_cast<size_t>(dataset.shape.size());
  Samples samples{dataset.shape, {}, {dataset.labels.begin(), dataset.labels.end()}, dataset.classes};
  samples.images.resize(size * dataset.labels.size());
  for (int64_t i = 0; i < dataset.count(); ++i) {
    dataset.values(i, std::span(samples.images).subspan(static_cast<size_t>(i) * size, size));
  }
  return samples;
}

}  // namespace verissim::train
