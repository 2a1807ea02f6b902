// Looks for points of a region that violate a property.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/stop.h"
#include "network/network.h"
#include "property/property.h"
#include "region/region.h"

namespace verissim::attack {

// A point confirmed in exact arithmetic.
struct Violation {
  std::vector<double> values;
  int64_t rival = -1;  // Goal::rival of the worst goal
  // The worst goal's value, <= 0, rounded to nearest; in float32 an upper bound, <= 0, of its computed
  // values.
  double margin = 0.0;
};

// SOUND: decides in exact arithmetic whether x lies in the region and violates the property; the violation if
// so. In float32 (network.arithmetic): whether x consists of numbers of float32, lies in the region, and a
// goal fails in every evaluation, as far as error bounds show that; what they do not show is no violation.
std::optional<Violation> confirm(const network::Network& network, const region::Region& region,
                                 const property::Property& property, std::span<const double> x);

// What confirm says of x, or in float32 of a point near it.
struct Trial {
  std::optional<Violation> violation;
  // No violation, but x is one in real arithmetic: nothing can be proved of the region any more.
  bool between = false;
};
Trial try_point(const network::Network& network, const region::Region& region,
                const property::Property& property, std::span<const double> x);

// The point of float32 numbers nearest to x, or, where that lies outside the region, one as near as can be on
// the way to the reference. Nothing if none was found. Heuristic, but for membership: what it gives is a
// member.
std::optional<std::vector<double>> round_to_single(const region::Region& region, std::span<const double> x);

struct Options {
  uint64_t seed = 1;
  int restarts = 20;       // random starting points for each goal
  int steps = 30;          // ascent steps from each
  int wanted = 1;          // stop when that many different violations were found
  bool eight_bit = false;  // only images of 8 bits count, see eight_bit.h
};

// Confirmed violations, the worst margin first; empty if none was found. `best_margin`, if not null, receives
// the smallest margin seen at any point of the region.
std::vector<Violation> find_violations(const network::Network& network, const region::Region& region,
                                       const property::Property& property, const Options& options,
                                       const StopToken& stop, double* best_margin);

// The same with all that was seen.
struct Findings {
  std::vector<Violation> violations;
  double best_margin = 0.0;  // infinite if none was seen
  // eight_bit, float32: whether there is a violation, confirmed in real arithmetic, that does not count.
  bool between = false;
};
Findings search_violations(const network::Network& network, const region::Region& region,
                           const property::Property& property, const Options& options, const StopToken& stop);

}  // namespace verissim::attack
