#pragma once

#include "dataset/dataset.h"
#include "train/samples.h"

namespace verissim::train {

// The images with the values that networks see (float32(k) / float32(255)), and their labels.
Samples from_dataset(const dataset::Dataset& dataset);

}  // namespace verissim::train
