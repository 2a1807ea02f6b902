// Linear functions of the image that tell regions from samples of other classes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/stop.h"
#include "repair/carry.h"
#include "repair/target.h"
#include "train/samples.h"

namespace verissim::repair {

// weights . carry.values(x) + bias: at least 1 on the regions, at most -1 at the samples of other classes and
// on the regions of other classes' targets, up to rounding.
struct Parting {
  std::vector<double> weights;  // carry.size()
  double bias = 0.0;
};

// `group`: numbers of targets, all of one class and with a region. Nothing if no plane parts them from the
// rest, or it was stopped.
std::optional<Parting> part(const Carry& carry, std::span<const Target> targets,
                            const std::vector<size_t>& group, const train::Samples& samples,
                            const StopToken& stop);

}  // namespace verissim::repair
