#include "repair/engine.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "attack/attack.h"
#include "property/property.h"

namespace verissim::repair {
namespace {

// Points wanted from each exploration; more crowd the same corners of the region.
constexpr int kPointsWanted = 64;
// Starting points of an exploration, for all rivals together.
constexpr int kStarts = 80;
constexpr int kMostRestarts = 20;

// "y[label] - y[rival] > margin" for every rival. A violation of it is a point that the label wins by too
// little.
property::Property wins_by(int64_t label, int64_t classes, double margin) {
  property::Property result = property::strictly_largest(label, classes);
  for (property::Goal& goal : result.goals) goal.offset = -margin;
  return result;
}

std::vector<std::vector<double>> explore(const network::Network& network, const region::Region& region,
                                         int64_t label, double margin, uint64_t seed, const StopToken& stop) {
  attack::Options options;
  options.seed = seed;
  options.wanted = kPointsWanted;
  options.restarts = std::clamp(kStarts / static_cast<int>(network.outputs() - 1), 1, kMostRestarts);
  const property::Property property = wins_by(label, network.outputs(), margin);
  std::vector<std::vector<double>> points;
  for (attack::Violation& violation :
       attack::find_violations(network, region, property, options, stop, nullptr)) {
    points.push_back(std::move(violation.values));
  }
  return points;
}

}  // namespace

Target make_target(const region::Region& region, int64_t label, const search::Options& options,
                   search::Observer* observer) {
  Target target;
  target.label = label;
  target.reference.assign(region.reference().begin(), region.reference().end());
  target.region = &region;
  target.verify = [&region, label, options, observer](const network::Network& network,
                                                      const StopToken& stop) {
    const property::Property property = property::strictly_largest(label, network.outputs());
    return search::verify({network, region, property}, options, stop, observer);
  };
  target.explore = [&region, label](const network::Network& network, double margin, uint64_t seed,
                                    const StopToken& stop) {
    return explore(network, region, label, margin, seed, stop);
  };
  return target;
}

}  // namespace verissim::repair
