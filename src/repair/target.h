// A reference image and what must become true around it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/stop.h"
#include "network/network.h"
#include "region/region.h"
#include "search/verify.h"

namespace verissim::repair {

// Repair knows neither the property nor the engine: both are behind the functions of a Target (engine.h makes
// them for a region and the search engine).
struct Target {
  int64_t label = 0;              // the class that must win
  std::vector<double> reference;  // must be classified correctly in any case
  // Decides whether the network is robust.
  std::function<search::Result(const network::Network&, const StopToken&)> verify;
  // Points of the region that win by less than `margin`: as many as are cheaply found, may be none. They make
  // the next network right in more places than where the verifier looked. May be empty.
  std::function<std::vector<std::vector<double>>(const network::Network&, double margin, uint64_t seed,
                                                 const StopToken&)>
      explore;
  // The region itself, for methods that bound the network over it; null if there is none.
  const region::Region* region = nullptr;
};

}  // namespace verissim::repair
