// The least change of an affine layer after which given points win by given margins: a convex program.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/stop.h"

namespace verissim::repair {

// Points that must win. Shapes: features count x width, what the layer is given of each point, the 1 that its
// bias is multiplied with included; scores count x outputs, of the unchanged layer; labels and margins count.
struct Demands {
  std::span<const double> features;
  std::span<const double> scores;
  std::span<const int64_t> labels;
  std::span<const double> margins;  // > 0
  int64_t outputs = 0;              // >= 2

  int64_t count() const { return static_cast<int64_t>(labels.size()); }
};

struct Change {
  std::vector<double> weights;  // outputs x width, to be added
  // Whether every point wins by its margin, up to rounding. If not, there is no such change, or only one that
  // alters the outputs beyond reason, or there was no time to find it; the weights are the last ones tried.
  bool met = false;
  int64_t sweeps = 0;  // over the demands that bind
};

// Minimises tr(D metric D') over the changes D, so that with the second moments of the features of some
// samples for a metric it is their outputs that change least, in the mean square.
class LeastChange {
 public:
  // metric: width x width, symmetric, positive definite.
  LeastChange(std::span<const double> metric, int64_t width);
  LeastChange(LeastChange&&) noexcept;
  ~LeastChange();

  // The same demands give the same change.
  Change solve(const Demands& demands, const StopToken& stop) const;

 private:
  struct Factor;
  std::unique_ptr<Factor> factor_;
};

}  // namespace verissim::repair
