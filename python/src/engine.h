// The parts of the module, each in its own file.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/shape.h"
#include "image/image.h"
#include "network/model_file.h"
#include "network/network.h"

namespace verissim::python {

// A network that was read, kept between questions.
struct Model {
  std::shared_ptr<const network::Network> network;
  std::shared_ptr<const network::LoadedModel> read;  // all that was read; null for modules
  std::string format;                                // "ONNX", "PyTorch state_dict", "PyTorch nn.Module"
  std::string digest;                                // of the file; empty for modules
  bool flat = false;                                 // whether only the number of the input's values is known
  std::vector<std::string> notes;                    // what was assumed
  std::string path = {};                             // of its file; empty if there is none
};

using Dimension = std::tuple<int64_t, int64_t, int64_t>;  // channels, height, width
using FloatArray =
    nanobind::ndarray<const float, nanobind::ndim<1>, nanobind::c_contig, nanobind::device::cpu>;
using DoubleArray = nanobind::ndarray<const double, nanobind::c_contig, nanobind::device::cpu>;

inline Shape to_shape(const Dimension& d) { return {std::get<0>(d), std::get<1>(d), std::get<2>(d)}; }
inline Dimension to_dimension(const Shape& s) { return {s.channels, s.height, s.width}; }
// values: as many as the shape has.
image::Image to_image(const FloatArray& values, const Shape& shape);
// An array of NumPy that owns a copy.
nanobind::object to_array(const std::vector<double>& values);
nanobind::object to_array(const std::vector<float>& values);

void add_models(nanobind::module_& module);
void add_pictures(nanobind::module_& module);
void add_questions(nanobind::module_& module);
void add_trace(nanobind::module_& module);

}  // namespace verissim::python
