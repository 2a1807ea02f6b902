// Reads the user's model and image. What is not known is rejected by name; nothing in a file is executed.
#pragma once

#include "bytes.h"
#include "network.h"

namespace check {

// A file of torch.save with a state_dict of Linear layers, read as Linear, ReLU, Linear, ..., Linear.
Network read_pytorch(const Bytes& data, const std::string& file);
Network read_onnx(const Bytes& data, const std::string& file);

// 8 bits a value, channels interleaved.
struct Pixels {
  int64_t height = 0, width = 0, channels = 0;
  Bytes values;
};
// PNG: 8 bits, grey or RGB, not interlaced, no transparency.
Pixels read_png(const std::string& file);
// Grey or RGB as wanted and resized as Pillow does (bilinear); then k / 255 in float32, plane by plane.
std::vector<float> as_values(Pixels image, const Shape& shape);

}  // namespace check
