#include "image/read_image.h"

#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "image/npy.h"
#include "image/png.h"
#include "image/pnm.h"
#include "image/resize.h"

namespace verissim::image {
namespace {

constexpr uint64_t kMaxFileBytes = UINT64_C(1) << 32;

Image8 decode_pixels(std::span<const std::byte> data, const std::string& path) {
  if (looks_like_png(data)) return decode_png(data, path);
  if (looks_like_pnm(data)) return decode_pnm(data, path);
  throw InputError(path, "format", data.empty() ? "an empty file" : "none that is known",
                   "a PNG, PGM, PPM or NPY image");
}

void check_wanted(const std::string& path, const Shape& wanted) {
  const bool fits = wanted.channels > 0 && wanted.height > 0 && wanted.width > 0 &&
                    wanted.channels <= kMaxPixels && wanted.height <= kMaxPixels / wanted.channels &&
                    wanted.width <= kMaxPixels / (wanted.channels * wanted.height);
  if (fits) return;
  throw InputError(path, "dimension", to_string(wanted),
                   "positive numbers and at most " + std::to_string(kMaxPixels) + " values");
}

std::vector<int64_t> sizes(const Shape& shape) { return {shape.channels, shape.height, shape.width}; }

// An array of bytes as pixels, if its shape allows that.
std::optional<Image8> as_pixels(const NpyArray& array) {
  const auto& shape = array.shape;
  if (array.type != NpyType::kUint8 || (shape.size() != 2 && shape.size() != 3)) return {};
  const int64_t channels = shape.size() == 2 ? 1 : shape[2];
  if (channels > 4) return {};
  return Image8{shape[0], shape[1], static_cast<Mode>(channels), {array.values.begin(), array.values.end()}};
}

// The wanted values one by one, if the array holds them.
bool holds_values(const NpyArray& array, const Shape& wanted) {
  const std::vector<int64_t> planes = sizes(wanted);
  if (array.shape == planes) return true;
  if (array.type == NpyType::kUint8) return false;
  const bool one_of_batch =
      array.shape == std::vector<int64_t>{1, wanted.channels, wanted.height, wanted.width};
  const bool grey = wanted.channels == 1 && array.shape == std::vector<int64_t>{wanted.height, wanted.width};
  const bool flat = array.shape == std::vector<int64_t>{wanted.size()};
  return one_of_batch || grey || flat;
}

std::vector<double> values_of(const NpyArray& array, const std::string& path) {
  std::vector<double> values = array.values;
  for (size_t i = 0; i < values.size(); ++i) {
    if (array.type == NpyType::kUint8)
      values[i] = static_cast<double>(to_unit(static_cast<uint8_t>(values[i])));
    if (values[i] >= 0.0 && values[i] <= 1.0) continue;
    throw InputError(path, "value " + std::to_string(i), std::to_string(values[i]), "a number in [0, 1]");
  }
  return values;
}

std::vector<double> fit_to_values(const Image8& image, const Shape& wanted, const LoadOptions& options,
                                  const std::string& path) {
  if (wanted.channels != 1 && wanted.channels != 3) {
    throw InputError(path, "dimension", std::to_string(wanted.channels) + " channels",
                     "1 or 3 for an image of pixels (an NPY file of floats may have others)");
  }
  const Image result = to_image(fit(image, wanted, options));
  return {result.values.begin(), result.values.end()};
}

std::vector<double> load_array(const NpyArray& array, const Shape& wanted, const LoadOptions& options,
                               const std::string& path) {
  if (holds_values(array, wanted)) return values_of(array, path);
  if (const std::optional<Image8> image = as_pixels(array))
    return fit_to_values(*image, wanted, options, path);
  throw InputError(path, "NPY shape", to_string(array.shape),
                   to_string(sizes(wanted)) + " (arrays of values are not resized)");
}

}  // namespace

Image8 fit(const Image8& image, const Shape& wanted, const LoadOptions& options) {
  VERISSIM_CHECK(wanted.channels == 1 || wanted.channels == 3);
  const Image8 opaque = composite(image, options.background);
  return resize_bilinear(wanted.channels == 1 ? to_grey(opaque) : to_rgb(opaque), wanted.height,
                         wanted.width);
}

Image8 read_image8(const std::string& path) { return decode_pixels(read_file(path, kMaxFileBytes), path); }

std::vector<double> load_values(const std::string& path, const Shape& wanted, const LoadOptions& options) {
  check_wanted(path, wanted);
  const std::vector<std::byte> data = read_file(path, kMaxFileBytes);
  if (looks_like_npy(data)) return load_array(decode_npy(data, path), wanted, options, path);
  return fit_to_values(decode_pixels(data, path), wanted, options, path);
}

Image load_image(const std::string& path, const Shape& wanted, const LoadOptions& options) {
  const std::vector<double> values = load_values(path, wanted, options);
  return {wanted, {values.begin(), values.end()}};
}

Shape stored_shape(const std::string& path) {
  const std::vector<std::byte> data = read_file(path, kMaxFileBytes);
  const auto of_pixels = [](const Image8& image) {
    return Shape{image.channels() <= 2 ? 1 : 3, image.height, image.width};
  };
  if (!looks_like_npy(data)) return of_pixels(decode_pixels(data, path));
  const NpyArray array = decode_npy(data, path);
  if (const std::optional<Image8> image = as_pixels(array)) return of_pixels(*image);
  if (array.shape.empty() || array.shape.size() > 3) {
    throw InputError(path, "NPY shape", to_string(array.shape), "1, 2 or 3 dimensions");
  }
  std::vector<int64_t> padded(3 - array.shape.size(), 1);
  padded.insert(padded.end(), array.shape.begin(), array.shape.end());
  return {padded[0], padded[1], padded[2]};
}

}  // namespace verissim::image
