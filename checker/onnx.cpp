#include <bit>
#include <cmath>
#include <map>
#include <utility>

#include "model.h"

namespace check {
namespace {

// A field of a message of protocol buffers.
struct Field {
  uint64_t number = 0;
  uint64_t value = 0;              // of a number
  std::span<const uint8_t> bytes;  // of a text, a list or a message
  std::string text() const { return {bytes.begin(), bytes.end()}; }
  float real() const { return std::bit_cast<float>(static_cast<uint32_t>(value)); }
};

std::vector<Field> fields(std::span<const uint8_t> message, const std::string& place) {
  std::vector<Field> result;
  for (Reader in(message, place); !in.at_end();) {
    const uint64_t key = in.protobuf_number();
    const uint64_t kind = key & 7;
    demand(kind <= 2 || kind == 5, place, "an unknown kind of field");
    Field field{key >> 3, 0, {}};
    if (kind == 2) {
      field.bytes = in.take(in.protobuf_number());
    } else {
      field.value = kind == 0 ? in.protobuf_number() : in.word(kind == 1 ? 8 : 4);
    }
    result.push_back(field);
  }
  return result;
}

// Whole numbers, one by one or packed.
void add_numbers(const Field& field, std::vector<int64_t>& to, const std::string& place) {
  if (field.bytes.empty()) to.push_back(static_cast<int64_t>(field.value));
  for (Reader in(field.bytes, place); !in.at_end();) to.push_back(static_cast<int64_t>(in.protobuf_number()));
}

struct Tensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<double> values;
};

// float32 or int64, in the field for raw data.
Tensor read_tensor(std::span<const uint8_t> message, const std::string& place) {
  Tensor tensor;
  uint64_t type = 0;
  std::span<const uint8_t> raw;
  for (const Field& field : fields(message, place)) {
    if (field.number == 1) add_numbers(field, tensor.shape, place);
    if (field.number == 2) type = field.value;
    if (field.number == 8) tensor.name = field.text();
    if (field.number == 9) raw = field.bytes;
    demand(field.number <= 2 || field.number == 8 || field.number == 9 || field.number == 12, place,
           "a tensor with other than raw data");
  }
  demand(type == 1 || type == 7, place, "numbers that are neither float32 nor int64");
  size_t count = 1;
  for (const int64_t size : tensor.shape) {
    demand(size > 0 && size < (1 << 28) && count < (size_t{1} << 31), place, "impossible sizes");
    count *= static_cast<size_t>(size);
  }
  for (Reader in(raw, place); !in.at_end();) {
    tensor.values.push_back(type == 1
                                ? static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(in.word(4))))
                                : static_cast<double>(static_cast<int64_t>(in.word(8))));
    demand(std::isfinite(tensor.values.back()), place, "a number is not finite");
  }
  demand(tensor.values.size() == count, place, "a tensor has too few or too many numbers");
  return tensor;
}

// A chain of operators, each of which reads what the one before gave.
class Graph {
 public:
  explicit Graph(const std::string& file) : file_(file), place_(file) {}

  Network read(std::span<const uint8_t> message) {
    std::vector<std::span<const uint8_t>> steps;
    std::vector<std::span<const uint8_t>> inputs;
    std::string output;
    for (const Field& field : fields(message, file_)) {
      if (field.number == 1) steps.push_back(field.bytes);
      if (field.number == 11) inputs.push_back(field.bytes);
      if (field.number == 12) {
        demand(output.empty(), file_, "more than one output");
        output = fields(field.bytes, file_).front().text();
      }
      if (field.number != 5) continue;
      Tensor tensor = read_tensor(field.bytes, file_ + ", initializer");
      demand(constants_.emplace(tensor.name, tensor).second, file_, "two initializers with one name");
    }
    for (const auto& input : inputs) read_input(input);
    demand(!shape_.empty(), file_, "it has no input");
    for (const auto& step : steps) read_step(step);
    demand(output == value_ && !network_.layers.empty() && !behind_relu_, file_,
           "its output is not that of a last layer");
    return std::move(network_);
  }

 private:
  // name, type { tensor { shape { dimension { size } } } }
  void read_input(std::span<const uint8_t> message) {
    std::string name;
    std::vector<int64_t> shape;
    std::vector<std::pair<std::span<const uint8_t>, int>> open = {{message, 0}};
    while (!open.empty()) {
      const auto [bytes, depth] = open.back();
      open.pop_back();
      std::vector<Field> inner = fields(bytes, file_);
      if (depth == 4)
        shape.insert(shape.begin(),
                     inner.empty() || inner[0].number != 1 ? 0 : static_cast<int64_t>(inner[0].value));
      for (const Field& field : inner) {
        if (depth == 0 && field.number == 1) name = field.text();
        constexpr uint64_t kPath[] = {2, 1, 2, 1};
        if (depth < 4 && field.number == kPath[depth]) open.emplace_back(field.bytes, depth + 1);
      }
    }
    if (constants_.count(name) > 0) return;
    demand(shape_.empty(), file_, "it has more than one input");
    demand((shape.size() == 2 || shape.size() == 4) && shape[0] >= 0 && shape[0] <= 1, file_,
           "its input is neither [1, n] nor [1, C, H, W]");
    const auto colours = [](int64_t n) { return n == 1 || n == 3; };
    demand(shape.size() == 2 || colours(shape[1]) || !colours(shape[3]), file_,
           "its channels are the last of its sizes");
    shape.erase(shape.begin());
    for (const int64_t each : shape)
      demand(each > 0 && each < (1 << 16), file_, "its input's shape is not fixed");
    if (shape.size() == 3)
      network_.channels = shape[0], network_.height = shape[1], network_.width = shape[2];
    shape_ = shape;
    value_ = name;
  }

  void read_step(std::span<const uint8_t> message) {
    std::vector<std::string> in;
    std::string out;
    std::string op;
    numbers_.clear();
    for (const Field& field : fields(message, file_)) {
      if (field.number == 1) in.push_back(field.text());
      if (field.number == 2) out = field.text();
      if (field.number == 4) op = field.text();
      demand(field.number != 7 || field.bytes.empty(), file_, "an operator of another domain");
      if (field.number == 5) read_attribute(field.bytes, out);
    }
    place_ = file_ + ", " + op + " that gives '" + out + "'";
    if (op == "Constant") return;
    demand(!in.empty() && (in[0] == value_ || (op == "Add" && in.size() == 2 && in[1] == value_)), place_,
           "it does not read the value before");
    if (op == "Add" && in[0] != value_) std::swap(in[0], in[1]);
    value_ = out;
    if (op == "Relu") {
      demand(!network_.layers.empty() && !behind_relu_, place_, "a ReLU that is not behind a layer");
      behind_relu_ = true;
    } else if (op == "Flatten" || op == "Reshape") {
      demand(op == "Reshape" ? flattens(constant(in, 1).values) : number("axis", 1, 0) == 1, place_,
             "not to [1, all]");
      shape_ = {size()};
    } else if (op == "Gemm" || op == "MatMul") {
      dense(in, op == "Gemm");
    } else if (op == "Conv") {
      convolve(in);
    } else if (op == "Add") {
      demand(fresh_ && !behind_relu_, place_, "a sum that is not a layer's bias");
      fresh_ = false;
      network_.layers.back().bias = bias(constant(in, 1), shape_);
    } else {
      throw Rejected(place_, "an operator that is not known here");
    }
  }

  // Numbers and lists of them; texts count as their first letter. A tensor is a constant's value.
  void read_attribute(std::span<const uint8_t> message, const std::string& out) {
    std::string name;
    std::vector<int64_t> list;
    for (const Field& field : fields(message, place_)) {
      if (field.number == 1) name = field.text();
      if (field.number == 2)
        list = {static_cast<int64_t>(field.real() * 1024.0F), field.real() == 1.0F ? 0 : 1};
      if (field.number == 3) list = {static_cast<int64_t>(field.value)};
      if (field.number == 4) list = {field.bytes.empty() ? 0 : field.bytes[0]};
      if (field.number == 8) add_numbers(field, list, place_);
      if (field.number == 5) constants_[out] = read_tensor(field.bytes, place_);
    }
    numbers_[name] = list;
  }

  int64_t size() const {
    int64_t result = 1;
    for (const int64_t each : shape_) result *= each;
    return result;
  }
  const Tensor& constant(const std::vector<std::string>& in, size_t k) const {
    demand(k < in.size() && constants_.count(in[k]) > 0, place_, "a constant that is not there");
    return constants_.at(in[k]);
  }
  int64_t number(const std::string& name, int64_t otherwise, size_t k) const {
    const auto found = numbers_.find(name);
    if (found == numbers_.end()) return otherwise;
    demand(k < found->second.size() && std::abs(found->second[k]) < (1 << 20), place_, name);
    return found->second[k];
  }
  bool flattens(const std::vector<double>& to) const {
    return to.size() == 2 && (to[0] == 1.0 || to[0] == -1.0) &&
           (to[1] == static_cast<double>(size()) || (to[1] == -1.0 && to[0] == 1.0));
  }

  void append(Layer layer, std::vector<int64_t> shape, bool without_bias) {
    demand(network_.layers.empty() || behind_relu_, place_, "two layers without a ReLU between them");
    network_.add(std::move(layer));
    shape_ = std::move(shape);
    behind_relu_ = false;
    fresh_ = without_bias;
  }

  // One value for each channel, or for each value of flat ones: [n] or [1, n].
  std::vector<double> bias(const Tensor& tensor, const std::vector<int64_t>& shape) const {
    const bool fits = shape.size() == 1 && !tensor.shape.empty() && tensor.shape.back() == shape[0] &&
                      static_cast<int64_t>(tensor.values.size()) == shape[0];
    demand(fits, place_, "a bias of another shape");
    return tensor.values;
  }

  void dense(const std::vector<std::string>& in, bool gemm) {
    const Tensor& w = constant(in, 1);
    const auto one = [&](const char* name) {
      return number(name, 1024, 0) == 1024 && (numbers_.count(name) == 0 || number(name, 0, 1) == 0);
    };
    demand(one("alpha") && one("beta") && number("transA", 0, 0) == 0, place_,
           "factors, or a transposed image");
    const bool rows = gemm && number("transB", 0, 0) == 1;
    demand(shape_.size() == 1 && w.shape.size() == 2 && w.shape[rows ? 1 : 0] == shape_[0], place_,
           "sizes do not fit");
    Layer layer;
    layer.in = static_cast<size_t>(shape_[0]);
    layer.out = static_cast<size_t>(w.shape[rows ? 0 : 1]);
    for (size_t i = 0; i < layer.out; ++i) {
      for (size_t j = 0; j < layer.in; ++j)
        layer.weight.push_back(w.values[rows ? i * layer.in + j : j * layer.out + i]);
    }
    const std::vector<int64_t> shape = {static_cast<int64_t>(layer.out)};
    const bool has_bias = gemm && in.size() > 2 && !in[2].empty();
    layer.bias = has_bias ? bias(constant(in, 2), shape) : std::vector<double>(layer.out, 0.0);
    append(std::move(layer), shape, !has_bias);
  }

  // A convolution as the matrix that it is.
  void convolve(const std::vector<std::string>& in) {
    const Tensor& w = constant(in, 1);
    demand(shape_.size() == 3 && w.shape.size() == 4 && number("auto_pad", 'N', 0) == 'N', place_,
           "an unknown kind");
    const int64_t groups = number("group", 1, 0);
    int64_t stride[2], dilation[2], pad[2], out[2];
    for (size_t k = 0; k < 2; ++k) {
      stride[k] = number("strides", 1, k);
      dilation[k] = number("dilations", 1, k);
      pad[k] = number("pads", 0, k);
      demand(stride[k] > 0 && dilation[k] > 0 && pad[k] >= 0 && pad[k] == number("pads", 0, k + 2), place_,
             "an unknown kind");
      const int64_t free = shape_[k + 1] + 2 * pad[k] - dilation[k] * (w.shape[k + 2] - 1) - 1;
      demand(free >= 0, place_, "the kernel does not fit");
      out[k] = free / stride[k] + 1;
    }
    demand(groups > 0 && w.shape[1] * groups == shape_[0] && w.shape[0] % groups == 0, place_,
           "sizes do not fit");
    const std::vector<int64_t> shape = {w.shape[0], out[0], out[1]};
    Layer layer;
    layer.in = static_cast<size_t>(size());
    layer.out = static_cast<size_t>(shape[0] * shape[1] * shape[2]);
    demand(layer.in * layer.out <= size_t{1} << 26, place_, "too large");
    layer.weight.assign(layer.in * layer.out, 0.0);
    const bool has_bias = in.size() > 2 && !in[2].empty();
    const std::vector<double> biases = has_bias ? bias(constant(in, 2), {shape[0]})
                                                : std::vector<double>(static_cast<size_t>(shape[0]), 0.0);
    for (size_t i = 0; i < layer.out; ++i) {
      const auto place = static_cast<int64_t>(i);
      const int64_t channel = place / (out[0] * out[1]);
      layer.bias.push_back(biases[static_cast<size_t>(channel)]);
      for (int64_t t = 0; t < w.shape[1] * w.shape[2] * w.shape[3]; ++t) {  // the kernel's taps
        const int64_t depth = channel / (shape[0] / groups) * w.shape[1] + t / (w.shape[2] * w.shape[3]);
        const int64_t y =
            place / out[1] % out[0] * stride[0] - pad[0] + t / w.shape[3] % w.shape[2] * dilation[0];
        const int64_t x = place % out[1] * stride[1] - pad[1] + t % w.shape[3] * dilation[1];
        if (y < 0 || y >= shape_[1] || x < 0 || x >= shape_[2]) continue;
        const int64_t from = (depth * shape_[1] + y) * shape_[2] + x;
        layer.weight[i * layer.in + static_cast<size_t>(from)] =
            w.values[static_cast<size_t>(channel * w.shape[1] * w.shape[2] * w.shape[3] + t)];
      }
    }
    append(std::move(layer), shape, false);
  }

  const std::string& file_;
  std::string place_;
  Network network_;
  std::string value_;           // the name of the last value
  std::vector<int64_t> shape_;  // its shape, for one image
  bool behind_relu_ = false;
  bool fresh_ = false;  // it is a layer's that may still get a bias
  std::map<std::string, Tensor> constants_;
  std::map<std::string, std::vector<int64_t>> numbers_;
};

}  // namespace

Network read_onnx(const Bytes& data, const std::string& file) {
  std::span<const uint8_t> graph;
  for (const Field& field : fields(data, file)) {
    if (field.number == 7) graph = field.bytes;
    demand(field.number != 25, file, "functions of its own");
  }
  demand(!graph.empty(), file, "neither a file of torch.save nor an ONNX file");
  return Graph(file).read(graph);
}

}  // namespace check
