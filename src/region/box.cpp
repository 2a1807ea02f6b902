#include "region/box.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/sound_sum.h"

namespace verissim::region {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string side(size_t i) { return "value " + std::to_string(i); }

void check_sides(const std::vector<double>& lower, const std::vector<double>& upper) {
  if (lower.empty()) throw InputError("", "box", "no bounds", "at least one value");
  if (lower.size() != upper.size()) {
    throw InputError("", "box", std::to_string(upper.size()) + " upper bounds",
                     std::to_string(lower.size()) + ", as there are lower ones");
  }
  for (size_t i = 0; i < lower.size(); ++i) {
    if (!std::isfinite(lower[i]) || !std::isfinite(upper[i]) || lower[i] > upper[i]) {
      throw InputError("", "box, " + side(i),
                       "bounds " + std::to_string(lower[i]) + " and " + std::to_string(upper[i]),
                       "two finite numbers, the smaller one first");
    }
  }
}

// Rounding may bring the middle of two neighbours to either, never beyond.
std::vector<double> centre(const std::vector<Interval>& sides) {
  std::vector<double> result;
  for (const Interval& s : sides) result.push_back(std::clamp(s.middle(), s.lo, s.hi));
  return result;
}

bool inside(const std::vector<Interval>& sides, std::span<const double> x) {
  // SOUND: comparisons of doubles are exact, and false for NaN.
  for (size_t i = 0; i < sides.size(); ++i) {
    if (!sides[i].contains(x[i])) return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<Region> make_box(std::vector<double> lower, std::vector<double> upper,
                                 std::vector<double> reference) {
  check_sides(lower, upper);
  std::vector<Interval> sides;
  for (size_t i = 0; i < lower.size(); ++i) sides.emplace_back(lower[i], upper[i]);
  if (reference.empty()) reference = centre(sides);
  if (reference.size() != sides.size() || !inside(sides, reference)) {
    throw InputError("", "box", "a reference outside", "a point of the box");
  }
  return std::make_unique<Box>(std::move(reference), std::move(sides));
}

Box::Box(std::vector<double> reference, std::vector<Interval> sides)
    : Region(std::move(reference), std::move(sides)) {
  for (const Interval& s : box()) {
    lower_.push_back(static_cast<float>(s.lo));
    upper_.push_back(static_cast<float>(s.hi));
  }
}

std::string Box::describe() const { return "box of " + std::to_string(size()) + " values"; }

Slab Box::whole_slab() const { return {-kInfinity, kInfinity}; }

double Box::scalar(std::span<const double>) const { return 0.0; }

void Box::support(const SupportBatch& batch) const {
  const int64_t n = size();
  for (int64_t r = 0; r < batch.rows; ++r) {
    const float* w = batch.weights + r * n;
    float value = 0.0F;
#pragma omp simd reduction(+ : value)
    for (int64_t i = 0; i < n; ++i) value += std::max(w[i] * lower_[i], w[i] * upper_[i]);
    batch.values[r] = value;
    batch.multipliers[r] = {};
    if (batch.maximisers == nullptr) continue;
    float* x = batch.maximisers + r * n;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) x[i] = w[i] > 0.0F ? upper_[i] : lower_[i];
  }
}

// SOUND: the maximiser of each term is an end of its side, so w . x is that of exact numbers, and the sum is
// enclosed. Weights that are not finite give infinity. A slab takes nothing away.
double Box::sound_support(std::span<const double> w, const Slab&, const Multipliers&) const {
  VERISSIM_CHECK(static_cast<int64_t>(w.size()) == size());
  std::vector<double> x(w.size());
  for (size_t i = 0; i < w.size(); ++i) x[i] = w[i] > 0.0 ? box()[i].hi : box()[i].lo;
  return sound_dot(w, x).hi;
}

bool Box::contains(std::span<const double> x) const {
  VERISSIM_CHECK(static_cast<int64_t>(x.size()) == size());
  return inside(box(), x);
}

void Box::pull_in(std::span<double> x) const {
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::clamp(x[i], box()[i].lo, box()[i].hi);
}

double Box::slack(std::span<const double> x) const {
  double least = kInfinity;
  for (size_t i = 0; i < x.size(); ++i) least = std::min({least, x[i] - box()[i].lo, box()[i].hi - x[i]});
  return least;
}

}  // namespace verissim::region
