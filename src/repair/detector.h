// Repair by neurons that recognise the surroundings of the references.
#pragma once

#include <memory>

#include "repair/method.h"

namespace verissim::repair {

// For each target that was not proved, or some of one class together, one neuron of the first dense layer and
// one of each further hidden layer become a detector: 1 at least on the whole region, by an exact bound (the
// region's support function of a linear function of the image, which a few channels of the convolutions
// carry there, see carry.h), and 0 at the training samples of other classes. The plane runs in the middle of
// the widest gap between the two, see hulls.h. The detector adds to its class's score so much that bounds of
// the rest of the network, loose as they are, do not matter. Of neurons and channels those are taken that
// matter least; the layers behind them are fitted so that they do with the others what they did before.
//
// What is proved so says nothing of images away from the references; nearly all of these keep their scores.
//
// For networks that are a chain of convolutions and dense layers with a hidden one, of which all layers may
// change; an Improvement is helpless for others. Needs no LibTorch.
std::unique_ptr<Method> make_detector_method(const train::Samples& samples, const MethodOptions& options);

}  // namespace verissim::repair
