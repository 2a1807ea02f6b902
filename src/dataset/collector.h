#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataset/dataset.h"
#include "image/pixels.h"

namespace verissim::dataset {

// Gathers the images of the selected classes, fitted to the wanted shape, and the digest of all that was
// read.
class Collector {
 public:
  // Throws InputError if the shape or the selection makes no sense.
  explicit Collector(const Request& request);

  // The label that images of this original class get; nothing if the class is not selected.
  std::optional<int> label_of(int original) const;
  // Must be called for every file from which images or labels come, in a fixed order.
  void add_file(const std::string& name, std::span<const std::byte> contents);
  void add_image(const image::Image8& image, int label);
  // Reports progress. True: stop.
  bool step(int64_t done, int64_t total) const;
  // Throws InputError, naming `place`, if there is no image.
  Dataset finish(const std::string& place);

 private:
  const Request& request_;
  Dataset data_;
  std::vector<int> labels_;  // by original class; -1: not selected
  std::string digests_;      // a line for each file
};

}  // namespace verissim::dataset
