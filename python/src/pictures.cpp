// Images: files, and SSIM between two.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/error.h"
#include "engine.h"
#include "image/read_image.h"
#include "similarity/ssim.h"

namespace verissim::python {
namespace nb = nanobind;
namespace {

template <typename T>
nb::object owned_copy(const std::vector<T>& values) {
  auto* copy = new std::vector<T>(values);
  const nb::capsule owner(copy, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, T, nb::ndim<1>>(copy->data(), {copy->size()}, owner));
}

// The shape must have as many values as are given.
template <typename T>
void check_values(std::span<const T> values, const Shape& shape) {
  const auto strange =
      std::find_if(values.begin(), values.end(), [](T x) { return !(x >= T{0} && x <= T{1}); });
  if (strange == values.end()) return;
  const int64_t k = strange - values.begin();
  const int64_t plane = shape.height * shape.width;
  throw InputError("",
                   "image, value [" + std::to_string(k / plane) + ", " +
                       std::to_string(k % plane / shape.width) + ", " + std::to_string(k % shape.width) + "]",
                   std::to_string(*strange), "a number from 0 to 1 (or pixels, as uint8)");
}

nb::object load_image(const std::string& path, const Dimension& dimension) {
  return to_array(image::load_image(path, to_shape(dimension)).values);
}

double ssim(const DoubleArray& a, const DoubleArray& b, const Dimension& dimension,
            const std::string& convention) {
  const Shape shape = to_shape(dimension);
  if (static_cast<int64_t>(a.size()) != shape.size() || a.size() != b.size()) {
    throw InputError("", "images of",
                     std::to_string(a.size()) + " and " + std::to_string(b.size()) + " values",
                     std::to_string(shape.size()) + " both");
  }
  check_values(std::span(a.data(), a.size()), shape);
  check_values(std::span(b.data(), b.size()), shape);
  return similarity::ssim({a.data(), a.size()}, {b.data(), b.size()}, shape,
                          similarity::parse_convention(convention));
}

std::vector<std::pair<std::string, std::string>> conventions() {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& row : similarity::conventions()) result.emplace_back(row.name, row.description);
  return result;
}

}  // namespace

image::Image to_image(const FloatArray& values, const Shape& shape) {
  if (static_cast<int64_t>(values.size()) != shape.size()) {
    throw InputError("", "image", std::to_string(values.size()) + " values",
                     std::to_string(shape.size()) + ", those of " + to_string(shape));
  }
  const std::span<const float> span(values.data(), values.size());
  check_values(span, shape);
  return {shape, {span.begin(), span.end()}};
}

nb::object to_array(const std::vector<double>& values) { return owned_copy(values); }
nb::object to_array(const std::vector<float>& values) { return owned_copy(values); }

void add_pictures(nb::module_& module) {
  module.def("load_image", load_image);
  module.def("stored_dimension",
             [](const std::string& path) { return to_dimension(image::stored_shape(path)); });
  module.def("ssim", ssim);
  module.def("conventions", conventions);
}

}  // namespace verissim::python
