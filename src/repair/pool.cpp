#include "repair/pool.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "train/forward.h"

namespace verissim::repair {
namespace {

// Copies the rows `kept` of a matrix with `width` columns.
template <typename T>
std::vector<T> rows(const std::vector<T>& matrix, const std::vector<int64_t>& kept, int64_t width) {
  std::vector<T> result;
  result.reserve(kept.size() * static_cast<size_t>(width));
  for (const int64_t i : kept) {
    result.insert(result.end(), matrix.begin() + i * width, matrix.begin() + (i + 1) * width);
  }
  return result;
}

double margin_of(std::span<const double> scores, size_t label) {
  double rival = -std::numeric_limits<double>::infinity();
  for (size_t k = 0; k < scores.size(); ++k) {
    if (k != label) rival = std::max(rival, scores[k]);
  }
  return scores[label] - rival;
}

}  // namespace

Pool::Pool(int64_t inputs, int64_t limit) : inputs_(inputs), limit_(limit) { VERISSIM_CHECK(limit >= 1); }

bool Pool::add(std::span<const double> values, int64_t label, int64_t target) {
  VERISSIM_CHECK(static_cast<int64_t>(values.size()) == inputs_);
  for (int64_t i = 0; i < count(); ++i) {
    const bool same = std::equal(values.begin(), values.end(), values_.begin() + i * inputs_);
    if (same && targets_[static_cast<size_t>(i)] == target) return false;
  }
  values_.insert(values_.end(), values.begin(), values.end());
  for (const double value : values) images_.push_back(static_cast<float>(value));
  labels_.push_back(label);
  targets_.push_back(target);
  return true;
}

void Pool::shrink(const network::Network& network, int64_t newest) {
  if (count() <= limit_) return;
  const std::vector<double> margin = margins(network);
  const int64_t old = std::max<int64_t>(0, count() - newest);
  std::vector<int64_t> kept(static_cast<size_t>(count()));
  std::iota(kept.begin(), kept.end(), 0);
  // Oldest last among equals, so that which points go does not depend on the sort.
  const auto more_wanted = [&](int64_t a, int64_t b) {
    const bool a_new = a >= old;
    const bool b_new = b >= old;
    if (a_new != b_new) return a_new;
    const double difference = margin[static_cast<size_t>(a)] - margin[static_cast<size_t>(b)];
    return difference != 0 ? difference < 0 : a > b;
  };
  std::sort(kept.begin(), kept.end(), more_wanted);
  kept.resize(static_cast<size_t>(limit_));
  std::sort(kept.begin(), kept.end());
  values_ = rows(values_, kept, inputs_);
  images_ = rows(images_, kept, inputs_);
  labels_ = rows(labels_, kept, 1);
  targets_ = rows(targets_, kept, 1);
}

std::vector<double> Pool::margins(const network::Network& network) const {
  const std::vector<double> scores = train::scores(network, std::span(values_));
  const auto outputs = static_cast<size_t>(network.outputs());
  std::vector<double> result(labels_.size());
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = margin_of(std::span(scores).subspan(i * outputs, outputs), static_cast<size_t>(labels_[i]));
  }
  return result;
}

}  // namespace verissim::repair
