#include "repair/parting.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "repair/hulls.h"
#include "repair/support.h"

namespace verissim::repair {
namespace {

// The plane is found for so many samples of other classes, spread evenly; those of the rest that lie beyond
// it join them, so many at a time.
constexpr int64_t kFirstSamples = 2000;
constexpr int64_t kMoreSamples = 300;
constexpr int kAttempts = 6;

class Search {
 public:
  Search(const Carry& carry, std::span<const Target> targets, const std::vector<size_t>& group,
         const train::Samples& samples)
      : carry_(carry), targets_(targets), group_(group), samples_(samples) {
    label_ = targets[group.front()].label;
    for (int64_t i = 0; i < samples.count(); ++i) {
      if (samples.labels[static_cast<size_t>(i)] != label_) others_.push_back(i);
    }
  }

  std::optional<Parting> run(const StopToken& stop) {
    std::vector<std::vector<double>> near;
    for (const size_t i : group_) near.push_back(targets_[i].reference);
    std::vector<std::vector<double>> far;
    for (const Target& target : targets_) {
      if (target.label != label_) far.push_back(target.reference);
    }
    const auto count = static_cast<int64_t>(others_.size());
    const int64_t first = std::min(kFirstSamples, count);
    for (int64_t k = 0; k < first; ++k)
      far.push_back(sample(others_[static_cast<size_t>(k * count / first)]));
    if (far.empty()) return std::nullopt;
    for (int attempt = 0; attempt < kAttempts && !stop.stop_requested(); ++attempt) {
      const Eigen::VectorXd way = shortest_way(matrix(near), matrix(far), stop);
      const std::vector<double> weights(way.data(), way.data() + way.size());
      const std::vector<double> pixels = carry_.pull(weights);
      const std::vector<double> scores = scores_of(pixels);
      const double low = lowest(pixels);
      const double far_most = highest(pixels);
      const double all = std::max(far_most, *std::max_element(scores.begin(), scores.end()));
      if (low > all && (attempt + 1 == kAttempts || !join(scores, highest_of(pixels, far), far)))
        return scaled(weights, pixels, low, all);
      if (low <= all && !join(scores, highest_of(pixels, far), far)) return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  std::vector<double> sample(int64_t i) const {
    const std::span<const float> image = samples_.image(i);
    return {image.begin(), image.end()};
  }

  RowMajor matrix(const std::vector<std::vector<double>>& images) const {
    std::vector<double> joined;
    for (const auto& image : images) joined.insert(joined.end(), image.begin(), image.end());
    const std::vector<double> values = carry_.values(joined);
    return Eigen::Map<const RowMajor>(values.data(), static_cast<Eigen::Index>(images.size()), carry_.size());
  }

  static double dot(std::span<const double> pixels, std::span<const double> image) {
    return std::inner_product(pixels.begin(), pixels.end(), image.begin(), 0.0);
  }

  // pixels . x, which is the function of the image but for a constant; of every sample of another class.
  std::vector<double> scores_of(const std::vector<double>& pixels) const {
    std::vector<double> result;
    for (const int64_t i : others_) {
      const std::span<const float> image = samples_.image(i);
      result.push_back(std::inner_product(pixels.begin(), pixels.end(), image.begin(), 0.0));
    }
    if (result.empty()) result.push_back(-std::numeric_limits<double>::infinity());
    return result;
  }

  // Over the group's regions.
  double lowest(const std::vector<double>& pixels) const {
    double result = std::numeric_limits<double>::infinity();
    for (const size_t i : group_) {
      result = std::min(result, -most(targets_[i], pixels, -1.0));
    }
    return result;
  }

  // Over the regions of other classes' targets.
  double highest(const std::vector<double>& pixels) const {
    double result = -std::numeric_limits<double>::infinity();
    for (const Target& target : targets_) {
      if (target.label == label_) continue;
      result = std::max(result, most(target, pixels, 1.0));
    }
    return result;
  }

  static double most(const Target& target, const std::vector<double>& pixels, double sign) {
    if (target.region == nullptr) return sign * dot(pixels, target.reference);
    std::vector<float> weights;
    for (const double pixel : pixels) weights.push_back(static_cast<float>(sign * pixel));
    float value = 0.0F;
    support_of (*target.region)(1, weights.data(), &value, nullptr);
    return value;
  }

  static double highest_of(const std::vector<double>& pixels,
                           const std::vector<std::vector<double>>& images) {
    double result = -std::numeric_limits<double>::infinity();
    for (const auto& image : images) result = std::max(result, dot(pixels, image));
    return result;
  }

  // Adds the samples that are beyond all that the plane was found for. Returns whether there are any.
  bool join(const std::vector<double>& scores, double known, std::vector<std::vector<double>>& far) const {
    std::vector<size_t> beyond;
    for (size_t k = 0; k < others_.size(); ++k) {
      if (scores[k] > known) beyond.push_back(k);
    }
    std::sort(beyond.begin(), beyond.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    if (static_cast<int64_t>(beyond.size()) > kMoreSamples) beyond.resize(kMoreSamples);
    for (const size_t k : beyond) far.push_back(sample(others_[k]));
    return !beyond.empty();
  }

  // The function is pixels . x + constant; 1 where pixels . x is `low`, -1 where it is `high`.
  Parting scaled(std::vector<double> weights, const std::vector<double>& pixels, double low,
                 double high) const {
    const std::vector<double>& reference = targets_[group_.front()].reference;
    const double constant = dot(weights, carry_.values(reference)) - dot(pixels, reference);
    const double gain = 2.0 / (low - high);
    for (double& weight : weights) weight *= gain;
    return {std::move(weights), -gain * (constant + (low + high) / 2)};
  }

  const Carry& carry_;
  std::span<const Target> targets_;
  const std::vector<size_t>& group_;
  const train::Samples& samples_;
  int64_t label_ = 0;
  std::vector<int64_t> others_;  // samples of other classes
};

}  // namespace

std::optional<Parting> part(const Carry& carry, std::span<const Target> targets,
                            const std::vector<size_t>& group, const train::Samples& samples,
                            const StopToken& stop) {
  return Search(carry, targets, group, samples).run(stop);
}

}  // namespace verissim::repair
