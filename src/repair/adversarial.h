#pragma once

#include <memory>

#include "repair/method.h"

namespace verissim::repair {

// Adversarial training: before each pass the network is attacked afresh inside of every target's region, and
// what is found is mixed into the batches beside the pool's points, by cross entropy. Ends when all points of
// the pool win by their margins and an attack finds none that does not.
std::unique_ptr<Method> make_adversarial_method(const train::Samples& samples, const MethodOptions& options);

}  // namespace verissim::repair
