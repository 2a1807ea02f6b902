#include "region/linf_ball.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/rounding.h"
#include "region/balls.h"
#include "region/reference.h"

namespace verissim::region {
namespace {

std::vector<Interval> parts(const std::vector<LinfSide>& sides, Interval LinfSide::*part) {
  std::vector<Interval> result;
  for (const LinfSide& side : sides) result.push_back(side.*part);
  return result;
}

// SOUND: the double nearest to x or its neighbour is the largest one that is not above x, and the next one
// above that is not below x, or is x.
LinfSide side_of(double reference, const mpq_class& radius) {
  const mpq_class low = std::max(mpq_class(0), mpq_class(mpq_class(reference) - radius));
  const mpq_class high = std::min(mpq_class(1), mpq_class(mpq_class(reference) + radius));
  double low_inside = nearest_double(low);
  if (mpq_class(low_inside) < low) low_inside = next_up(low_inside);
  double high_inside = nearest_double(high);
  if (mpq_class(high_inside) > high) high_inside = next_down(high_inside);
  const double low_outside = mpq_class(low_inside) == low ? low_inside : next_down(low_inside);
  const double high_outside = mpq_class(high_inside) == high ? high_inside : next_up(high_inside);
  return {{low_inside, high_inside}, {low_outside, high_outside}};
}

}  // namespace

std::unique_ptr<Region> make_linf_ball(std::span<const float> reference, const Decimal& radius) {
  std::vector<double> values = check_ball(reference, radius);
  std::map<double, LinfSide> known;
  std::vector<LinfSide> sides;
  for (const double value : values) {
    const auto [place, is_new] = known.try_emplace(value);
    if (is_new) place->second = side_of(value, radius.exact());
    sides.push_back(place->second);
  }
  return std::make_unique<LinfBall>(std::move(values), sides, radius);
}

LinfBall::LinfBall(std::vector<double> reference_values, const std::vector<LinfSide>& sides,
                   const Decimal& radius)
    : Region(reference_values, parts(sides, &LinfSide::outer)),
      radius_(radius),
      inner_(parts(sides, &LinfSide::inner)),
      outer_(reference_values, parts(sides, &LinfSide::outer)) {}

bool LinfBall::contains(std::span<const double> x) const {
  VERISSIM_CHECK(x.size() == inner_.size());
  // SOUND: comparisons of doubles are exact, and false for NaN.
  for (size_t i = 0; i < x.size(); ++i) {
    if (!inner_[i].contains(x[i])) return false;
  }
  return true;
}

void LinfBall::pull_in(std::span<double> x) const {
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::clamp(x[i], inner_[i].lo, inner_[i].hi);
}

double LinfBall::slack(std::span<const double> x) const {
  double distance = 0.0;
  for (size_t i = 0; i < x.size(); ++i) distance = std::max(distance, std::abs(x[i] - reference()[i]));
  return radius_.nearest() - distance;
}

}  // namespace verissim::region
