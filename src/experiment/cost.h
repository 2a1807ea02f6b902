// What a repair cost and what it gained beside its references.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/stop.h"
#include "experiment/config.h"
#include "experiment/weight_change.h"
#include "network/network.h"
#include "train/samples.h"

namespace verissim::experiment {

// On the test samples of one class.
struct ClassAccuracy {
  int64_t count = 0;
  double before = 0.0;  // share classified correctly; 0 if there is none
  double after = 0.0;
};

// Verdicts around images that no repair has seen.
struct Unseen {
  int64_t images = 0;
  int64_t proved_before = 0;
  int64_t proved_after = 0;
  int64_t refuted_before = 0;
  int64_t refuted_after = 0;
};

struct Cost {
  std::vector<ClassAccuracy> classes;  // by output
  double agreement = 0.0;              // share of the test samples that both networks give the same class
  std::vector<LayerChange> weight_changes;
  Unseen same_classes;  // images of the references' classes
  Unseen other_classes;
};

// All but the images unseen.
Cost measure_cost(const network::Network& before, const network::Network& after, const train::Samples& test);

// Verifies both networks around the first `count` test images that are not in `seen`, of the classes given or
// of all others, and that the network before classifies correctly, by the config's measure and threshold, for
// at most `seconds` each (<= 0: no limit).
Unseen measure_unseen(const network::Network& before, const network::Network& after,
                      const train::Samples& test, const std::vector<int64_t>& seen,
                      const std::vector<int64_t>& classes, bool of_these_classes, int64_t count,
                      const Config& config, double seconds, const StopToken& stop);

}  // namespace verissim::experiment
