#include "dataset/collector.h"

#include "base/digest.h"
#include "base/error.h"
#include "image/read_image.h"

namespace verissim::dataset {
namespace {

constexpr size_t kMaxPixels = size_t{1} << 34;

std::vector<int> make_labels(const std::vector<int>& selected, DatasetName name) {
  const int classes = class_count(name);
  std::vector<int> labels(static_cast<size_t>(classes), -1);
  for (int i = 0; i < classes && selected.empty(); ++i) labels[static_cast<size_t>(i)] = i;
  int next = 0;
  for (const int original : selected) {
    if (original < 0 || original >= classes) {
      throw InputError("", "selected classes of " + name_of(name), std::to_string(original),
                       "numbers from 0 to " + std::to_string(classes - 1));
    }
    int& label = labels[static_cast<size_t>(original)];
    if (label >= 0)
      throw InputError("", "selected classes", std::to_string(original) + " twice", "each once");
    label = next++;
  }
  return labels;
}

void check_shape(const Shape& shape) {
  const bool known = shape.channels == 1 || shape.channels == 3;
  const int64_t most = image::kMaxPixels;
  const bool fits =
      shape.height > 0 && shape.width > 0 && shape.height <= most && shape.width <= most / shape.height;
  if (known && fits) return;
  throw InputError("", "dimension of the data set's images", to_string(shape),
                   "1 or 3 channels and at most " + std::to_string(most) + " pixels");
}

}  // namespace

Collector::Collector(const Request& request)
    : request_(request), labels_(make_labels(request.selected_classes, request.name)) {
  check_shape(request.shape);
  data_.shape = request.shape;
  const auto selected = static_cast<int>(request.selected_classes.size());
  data_.classes = selected > 0 ? selected : class_count(request.name);
}

std::optional<int> Collector::label_of(int original) const {
  VERISSIM_CHECK(original >= 0 && original < class_count(request_.name));
  const int label = labels_[static_cast<size_t>(original)];
  return label < 0 ? std::nullopt : std::optional(label);
}

void Collector::add_file(const std::string& name, std::span<const std::byte> contents) {
  digests_ += name + ' ' + sha256(contents) + '\n';
}

void Collector::add_image(const image::Image8& image, int label) {
  const image::Image8 fitted = image::fit(image, data_.shape);
  const auto channels = static_cast<size_t>(fitted.channels());
  const size_t size = fitted.pixels.size();
  const size_t start = data_.pixels.size();
  if (start + size > kMaxPixels) {
    throw InputError("", "data set", "more than " + std::to_string(kMaxPixels) + " bytes in memory",
                     "a smaller dimension");
  }
  data_.pixels.resize(start + size);
  for (size_t i = 0; i < size; ++i) {
    data_.pixels[start + i % channels * (size / channels) + i / channels] = fitted.pixels[i];
  }
  data_.labels.push_back(label);
}

bool Collector::step(int64_t done, int64_t total) const {
  if (request_.stop.stop_requested()) return true;
  if (request_.progress) {
    request_.progress(
        {"reading " + name_of(request_.name), static_cast<uint64_t>(done), static_cast<uint64_t>(total)});
  }
  return false;
}

Dataset Collector::finish(const std::string& place) {
  if (data_.labels.empty()) throw InputError(place, "images of the selected classes", "none", "some");
  data_.digest = sha256(std::as_bytes(std::span(digests_)));
  return std::move(data_);
}

}  // namespace verissim::dataset
