#include "train/epoch.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "base/error.h"

namespace verissim::train {
namespace {

// Keeps the order of batches apart from other numbers drawn from the same seed.
constexpr uint64_t kShuffleSalt = 0x7368756666666c65ULL;

// Fisher and Yates; std::shuffle differs between libraries.
void shuffle(std::vector<int64_t>& values, Rng& rng) {
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[rng.below(i)]);
}

}  // namespace

Batches::Batches(int64_t count, int64_t batch_size, uint64_t seed)
    : order_(static_cast<size_t>(count)), batch_size_(batch_size), rng_(seed ^ kShuffleSalt) {
  VERISSIM_CHECK(count > 0 && batch_size > 0);
  std::iota(order_.begin(), order_.end(), 0);
}

Pass Batches::run(Learner& learner, const Penalty& penalty, const StopToken& stop, int64_t max_steps,
                  const BoundTerm& bound) {
  shuffle(order_, rng_);
  const auto all = static_cast<int64_t>(order_.size());
  const int64_t steps = (all + batch_size_ - 1) / batch_size_;
  const bool cut = max_steps > 0 && max_steps < steps;
  const auto count = static_cast<size_t>(cut ? max_steps * batch_size_ : all);
  size_t seen = 0;
  Pass pass;
  while (seen < count && !stop.stop_requested()) {
    const size_t size = std::min(static_cast<size_t>(batch_size_), count - seen);
    const Step step = learner.step(std::span(order_).subspan(seen, size), penalty, bound);
    pass.loss += step.loss * static_cast<double>(size);
    pass.penalty += step.penalty * static_cast<double>(size);
    pass.bound += step.bound * static_cast<double>(size);
    pass.accuracy += static_cast<double>(step.correct);
    seen += size;
  }
  const auto total = static_cast<double>(std::max<size_t>(seen, 1));
  return {pass.loss / total, pass.penalty / total, pass.bound / total, pass.accuracy / total, seen == count};
}

}  // namespace verissim::train
