#pragma once

#include <memory>

#include "repair/method.h"

namespace verissim::repair {

// The change of the last layer that alters the outputs on the training samples least, in the mean square,
// among those after which every point of the pool wins by its margin (least_change.h). Where all layers
// before are still the original's, it is a change of the original's last layer, so that repairs do not add
// up. Needs no LibTorch. Changes nothing where the network does not end with a dense layer, or that layer may
// not change.
std::unique_ptr<Method> make_last_layer_method(const train::Samples& samples, const MethodOptions& options);

}  // namespace verissim::repair
