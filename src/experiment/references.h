// The reference images of an experiment, in the ways that a config can name them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/decimal.h"
#include "experiment/config.h"
#include "image/image.h"
#include "network/network.h"
#include "train/samples.h"

namespace verissim::experiment {

struct Reference {
  std::string name;         // for people: the file as the config calls it, or "test image 17"
  std::string file;         // where it lies; "" if it is no file but a test image
  int64_t test_index = -1;  // of a test image
  int64_t label = 0;        // an output of the network
  Decimal threshold;
  image::Image image;
};

// Whether the references are test images that the network classifies correctly.
bool references_are_test_images(const Config& config);

// Those that are files, resized to the config's dimension, in the order of the list or of the CSV file, or by
// class and name. At least one. Throws InputError for files that cannot be read, classes that the network
// does not have, thresholds out of range, a CSV file that is none.
std::vector<Reference> load_references(const Config& config);

// The first config.reference_first of the test images that `network` classifies correctly. Throws InputError
// if there are fewer.
std::vector<Reference> first_references(const Config& config, const train::Samples& test,
                                        const network::Network& network);

}  // namespace verissim::experiment
