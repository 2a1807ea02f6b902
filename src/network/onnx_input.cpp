#include "network/onnx_input.h"

#include <algorithm>
#include <array>
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
    constexpr std::array<int64_t, 5> kReal{0, 1, 10, 11, 16};  // unknown, float, float16, double, bfloat16
    if (std::find(kReal.begin(), kReal.end(), port_.element_type) == kReal.end()) {
      throw refuse("values of type " + std::to_string(port_.element_type), "floating-point numbers");
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
    const size_t first = input_.shape.size() - 3;
    std::vector<int64_t> sizes{known->channels, known->height, known->width};
    const auto fits = [&] {
      for (size_t k = 0; k < 3; ++k) {
        if (input_.shape[first + k] >= 0 && input_.shape[first + k] != sizes[k]) return false;
      }
      return true;
    };
    if (!fits()) sizes = {known->height, known->width, known->channels};
    if (!fits()) sizes = {known->channels, known->height, known->width};  // what does not fit is told later
    for (size_t k = 0; k < 3; ++k) {
      if (input_.shape[first + k] < 0) input_.shape[first + k] = sizes[k];
    }
    open_ = true;
  }

  bool has_channels_last(const std::vector<int64_t>& sizes) const {
    if (hint_.given) {
      const std::vector<int64_t> first{hint_.given->channels, hint_.given->height, hint_.given->width};
      const std::vector<int64_t> last{hint_.given->height, hint_.given->width, hint_.given->channels};
      return sizes != first && sizes == last;
    }
    const auto is_usual = [](int64_t channels) { return channels == 1 || channels == 3; };
    return is_usual(sizes[2]) && !is_usual(sizes[0]);
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
    input_.channels_last = has_channels_last(sizes);
    input_.image = {sizes[0], sizes[1], sizes[2]};
    if (input_.channels_last) input_.image = {sizes[2], sizes[0], sizes[1]};
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
