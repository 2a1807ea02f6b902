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
  int64_t rival = -1;   // Goal::rival of the worst goal
  double margin = 0.0;  // the worst goal's value, <= 0, rounded to nearest
};

// SOUND: decides in exact arithmetic whether x lies in the region and violates the property; the violation if
// so.
std::optional<Violation> confirm(const network::Network& network, const region::Region& region,
                                 const property::Property& property, std::span<const double> x);

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
  bool between = false;      // eight_bit: whether there is a violation, confirmed, that is no image of 8 bits
};
Findings search_violations(const network::Network& network, const region::Region& region,
                           const property::Property& property, const Options& options, const StopToken& stop);

}  // namespace verissim::attack
