#pragma once

#include <memory>

#include "repair/method.h"

namespace verissim::repair {

// Adam over the training samples on mean cross entropy, what is to be kept, and the bound term of
// train/bound.h: a lower bound of the margins over the whole region of every target, which is pushed up to
// the margin wanted. It begins with a small part of each region and takes in more whenever the bounds hold,
// until they hold for all of it or the search engine proves all targets. Targets without a region count with
// their points of the pool, as in the method "penalty".
std::unique_ptr<Method> make_bound_method(const train::Samples& samples, const MethodOptions& options);

}  // namespace verissim::repair
