#include "repair/support.h"

#include <limits>
#include <vector>

namespace verissim::repair {

train::Support support_of(const region::Region& region) {
  return [&region](int64_t rows, const float* weights, float* values, float* maximisers) {
    const std::vector<region::Slab> slabs(static_cast<size_t>(rows), region.whole_slab());
    region::Multipliers unknown{};
    unknown.front() = std::numeric_limits<float>::quiet_NaN();
    std::vector<region::Multipliers> multipliers(static_cast<size_t>(rows), unknown);
    region::SupportBatch batch;
    batch.rows = rows;
    batch.weights = weights;
    batch.slabs = slabs.data();
    batch.multipliers = multipliers.data();
    batch.values = values;
    batch.maximisers = maximisers;
    region.support(batch);
  };
}

}  // namespace verissim::repair
