// The shape of an ONNX graph's input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network/network_builder.h"
#include "network/onnx_model.h"

namespace verissim::network {

struct OnnxInput {
  Shape image;
  InputSource source = InputSource::kFlat;
  std::vector<int64_t> shape;  // for one image
  int64_t batch = 1;           // as declared; 1 if it is any
  bool channels_last = false;  // whether `shape` ends with height, width and channels
};

// [N, C, H, W]; [C, H, W], where N may stand in place of C for images of one channel; [N, n]; [n]. Sizes that
// are open (but the batch's) are taken from the hint. Images whose last size is 1 or 3 and whose first is
// neither, or which are so according to the hint, have their channels last: [N, H, W, C], [H, W, C]. Throws
// InputError naming the input.
OnnxInput read_onnx_input(const std::string& file, const OnnxPort& port, const InputHint& hint);

}  // namespace verissim::network
