// Points that answer a query: found by the search, moved to numbers that other programs read as they are, and
// confirmed on the query itself.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/interval.h"
#include "network/network.h"
#include "property/query.h"

namespace verissim::search {

// A solution of a case. The network's values at it are rounded.
struct Witness {
  std::vector<double> inputs;
  std::vector<double> outputs;
  size_t conjunction = 0;  // of the case's any_of
  double margin = 0.0;     // the largest left side of its constraints, at most 0, rounded
};

// Where in a case's box witnesses are looked for: numbers of float32 that lie in the exact ranges, as does
// the shortest decimal number that stands for each as a double. Ranges without such a number have doubles. A
// range without a double is hidden: its coordinate stands for a number between two doubles.
class WitnessBox {
 public:
  explicit WitnessBox(const std::vector<property::Side>& box);

  // The smallest and the largest number of each side.
  const std::vector<Interval>& sides() const { return sides_; }
  // Moves a point to numbers of the sides.
  std::vector<double> pull_in(std::span<const double> x) const;
  // SOUND: x, which pull_in gave; where a side is hidden, a range that holds all of it.
  std::vector<Interval> enclose(std::span<const double> x) const;
  bool hides_any() const;

 private:
  enum class Numbers { kSingle, kDouble, kHidden };

  std::vector<Interval> sides_;
  std::vector<Numbers> numbers_;
};

// SOUND: a witness only if x (which pull_in gave) satisfies a conjunction of the case: in exact arithmetic,
// or where coordinates are hidden, all over their ranges.
std::optional<Witness> confirm(const network::Network& network, const property::Case& question,
                               const WitnessBox& box, std::span<const double> x);

}  // namespace verissim::search
