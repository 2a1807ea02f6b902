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
};

// [N, C, H, W]; [C, H, W], where N may stand in place of C for images of one channel; [N, n]; [n]. Sizes that
// are open (but the batch's) are taken from the hint. Throws InputError naming the input.
OnnxInput read_onnx_input(const std::string& file, const OnnxPort& port, const InputHint& hint);

}  // namespace verissim::network
