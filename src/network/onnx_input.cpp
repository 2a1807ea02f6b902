#include "network/onnx_input.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

constexpr int64_t kMostValues = INT64_C(1) << 28;

class InputReader {
 public:
  InputReader(const std::string& file, const OnnxPort& port, const InputHint& hint)
      : file_(file), port_(port), hint_(hint) {}

  OnnxInput read() {
    input_.shape = port_.shape;
    if (!port_.has_shape || port_.shape.empty() || port_.shape.size() > 4) {
      throw refuse(port_.has_shape ? "shape " + shape_text() : "no shape", "[N, C, H, W], [N, n] or [n]");
    }
    set_batch();
    fill_open_sizes();
    const int64_t count = element_count(input_.shape);
    if (count <= 0 || count > kMostValues) throw refuse("shape " + shape_text(), "1 to 2^28 values");
    if (is_flat()) {
      set_flat(count);
    } else {
      set_image();
    }
    return std::move(input_);
  }

 private:
  InputError refuse(const std::string& got, const std::string& wanted) const {
    return {file_, "input " + quote(port_.name), got, wanted};
  }

  // Open sizes are -1.
  std::string shape_text() const { return to_string(port_.shape); }

  // The first of two or four sizes; the first of three if it is open: otherwise it is the channels'.
  void set_batch() {
    const size_t rank = input_.shape.size();
    if (rank == 1 || (rank == 3 && input_.shape[0] >= 0)) return;
    input_.batch = std::max<int64_t>(input_.shape[0], 1);
    input_.shape[0] = 1;
  }

  std::vector<int64_t> image_sizes() const {
    std::vector<int64_t> sizes = input_.shape;
    if (sizes.size() == 4) sizes.erase(sizes.begin());
    sizes.insert(sizes.begin(), 3 - std::min<size_t>(sizes.size(), 3), 1);
    return sizes;
  }

  void fill_open_sizes() {
    const auto is_open = [](int64_t size) { return size < 0; };
    if (std::none_of(input_.shape.begin(), input_.shape.end(), is_open)) return;
    const std::optional<Shape>& known = hint_.given ? hint_.given : hint_.from_name;
    if (!known || input_.shape.size() < 3) {
      throw refuse("shape " + shape_text() + " with open sizes (-1)",
                   "the input's channels, height and width to be given");
    }
    const std::vector<int64_t> sizes{known->channels, known->height, known->width};
    const size_t first = input_.shape.size() - 3;
    for (size_t k = 0; k < 3; ++k) {
      if (input_.shape[first + k] < 0) input_.shape[first + k] = sizes[k];
    }
    open_ = true;
  }

  // A row of values, however many sizes of 1 it is written with.
  bool is_flat() const {
    const std::vector<int64_t> sizes = image_sizes();
    return std::count(sizes.begin(), sizes.end(), 1) >= 2;
  }

  void set_flat(int64_t count) {
    input_.image = {1, 1, count};
    if (hint_.given) {
      if (hint_.given->size() != count) {
        throw refuse(std::to_string(count) + " values",
                     std::to_string(hint_.given->size()) + " for images of " + to_string(*hint_.given));
      }
      input_.image = *hint_.given;
      input_.source = InputSource::kGiven;
    } else if (hint_.from_name && hint_.from_name->size() == count) {
      input_.image = *hint_.from_name;
      input_.source = InputSource::kFileName;
    }
  }

  void set_image() {
    const std::vector<int64_t> sizes = image_sizes();
    input_.image = {sizes[0], sizes[1], sizes[2]};
    input_.source = open_ && !hint_.given ? InputSource::kFileName : InputSource::kFile;
    if (!hint_.given) return;
    if (*hint_.given != input_.image) {
      throw refuse("images of " + to_string(input_.image), "images of " + to_string(*hint_.given));
    }
    input_.source = InputSource::kGiven;
  }

  const std::string& file_;
  const OnnxPort& port_;
  const InputHint& hint_;
  OnnxInput input_;
  bool open_ = false;
};

}  // namespace

OnnxInput read_onnx_input(const std::string& file, const OnnxPort& port, const InputHint& hint) {
  return InputReader(file, port, hint).read();
}

}  // namespace verissim::network
