#pragma once

#include <memory>

#include "repair/method.h"

namespace verissim::repair {

// The original tool's method: Adam over the training samples on
//   mean cross entropy + sum_i weight_i * max(0, aim - margin_i),
// where i runs over the pool and weight_i is multiplied by penalty_increase after each epoch in which point i
// was still wrong. Unlike the original's, points count as right only by a strict margin.
std::unique_ptr<Method> make_penalty_method(const train::Samples& samples, const MethodOptions& options);

}  // namespace verissim::repair
