#include "repair/mixing.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace verissim::repair {

void MixingLearner::set_points(std::vector<float> images, std::vector<int64_t> labels) {
  images_ = std::move(images);
  labels_ = std::move(labels);
  next_ = 0;
}

train::Step MixingLearner::step(std::span<const int64_t> batch, const train::Penalty& penalty,
                                const train::BoundTerm& bound) {
  VERISSIM_CHECK(penalty.labels.empty());
  if (labels_.empty()) return inner_.step(batch, penalty, bound);
  const size_t width = images_.size() / labels_.size();
  std::vector<float> images;
  std::vector<int64_t> labels;
  for (size_t i = std::min(batch.size(), labels_.size()); i > 0; --i) {
    const auto image = std::span(images_).subspan(next_ * width, width);
    images.insert(images.end(), image.begin(), image.end());
    labels.push_back(labels_[next_]);
    next_ = (next_ + 1) % labels_.size();
  }
  const std::vector<float> weights(labels.size(), 1.0F / static_cast<float>(batch.size()));
  return inner_.step(batch, {images, labels, weights, {}, true}, bound);
}

}  // namespace verissim::repair
