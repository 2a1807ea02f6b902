#pragma once

#include <memory>

#include "repair/method.h"

namespace verissim::repair {

// The baseline that everybody tries first: Adam on the cross entropy of the training samples with the pool's
// points mixed into the batches, until all of them win by their margins.
std::unique_ptr<Method> make_fine_tune_method(const train::Samples& samples, const MethodOptions& options);

}  // namespace verissim::repair
