#include <bit>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
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
};

std::vector<Field> fields(std::span<const uint8_t> message, const std::string& place) {
  std::vector<Field> result;
  for (Reader in(message, place); !in.at_end();) {
    const uint64_t key = in.protobuf_number();
    Field field;
    field.number = key >> 3;
    switch (key & 7) {
      case 0: field.value = in.protobuf_number(); break;
      case 1: field.value = in.word(8); break;
      case 2: field.bytes = in.take(in.protobuf_number()); break;
      case 5: field.value = in.word(4); break;
      default: in.fail("an unknown kind of field");
    }
    result.push_back(field);
  }
  return result;
}

// Whole numbers, one by one or packed.
void add_numbers(const Field& field, std::vector<int64_t>& to, const std::string& place) {
  if (field.bytes.empty()) {
    to.push_back(static_cast<int64_t>(field.value));
    return;
  }
  for (Reader in(field.bytes, place); !in.at_end();) to.push_back(static_cast<int64_t>(in.protobuf_number()));
}

struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

Tensor read_tensor(std::span<const uint8_t> message, std::string& name, const std::string& place) {
  Tensor tensor;
  uint64_t type = 0;
  std::span<const uint8_t> raw;
  std::vector<double> listed;
  for (const Field& field : fields(message, place)) {
    if (field.number == 1) add_numbers(field, tensor.shape, place);
    if (field.number == 2) type = field.value;
    if (field.number == 8) name = field.text();
    if (field.number == 9) raw = field.bytes;
    if (field.number == 4 && field.bytes.empty())
      listed.push_back(static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(field.value))));
    if (field.number == 4) {
      for (Reader in(field.bytes, place); !in.at_end();)
        listed.push_back(static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(in.word(4)))));
    }
    if (field.number == 7) {
      std::vector<int64_t> numbers;
      add_numbers(field, numbers, place);
      for (const int64_t value : numbers) listed.push_back(static_cast<double>(value));
    }
    demand(field.number < 10 || field.number == 12, place, "a tensor of an unknown kind (doubles, or outside of the file)");
  }
  demand(type == 1 || type == 7, place, "numbers that are neither float32 nor int64");
  int64_t count = 1;
  for (const int64_t size : tensor.shape) {
    demand(size >= 0 && size < (1 << 28) && count < (int64_t{1} << 31), place, "impossible sizes");
    count *= size;
  }
  if (!raw.empty()) {
    Reader in(raw, place);
    while (!in.at_end())
      listed.push_back(type == 1 ? static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(in.word(4))))
                                 : static_cast<double>(static_cast<int64_t>(in.word(8))));
  }
  demand(static_cast<int64_t>(listed.size()) == count, place, "a tensor has too few or too many numbers");
  for (const double value : listed) demand(std::isfinite(value), place, "a number is not finite");
  tensor.values = std::move(listed);
  return tensor;
}

struct Attribute {
  double real = 0.0;
  int64_t whole = 0;
  std::string text;
  std::vector<int64_t> list;
  std::optional<Tensor> tensor;
};

// A value on its way through the graph: a node of the network and the shape of one image's values.
struct Signal {
  int node = 0;
  std::vector<int64_t> shape;
};

class Graph {
 public:
  explicit Graph(const std::string& file) : file_(file) {}

  Network read(std::span<const uint8_t> message) {
    std::vector<std::span<const uint8_t>> steps;
    std::vector<std::span<const uint8_t>> inputs;
    std::vector<std::span<const uint8_t>> outputs;
    for (const Field& field : fields(message, file_)) {
      if (field.number == 1) steps.push_back(field.bytes);
      if (field.number == 11) inputs.push_back(field.bytes);
      if (field.number == 12) outputs.push_back(field.bytes);
      demand(field.number != 15, file_, "sparse weights");
      if (field.number != 5) continue;
      std::string name;
      Tensor tensor = read_tensor(field.bytes, name, file_ + ", initializer");
      demand(constants_.emplace(name, std::move(tensor)).second, file_, "two initializers with one name");
    }
    for (const auto& input : inputs) read_input(input);
    demand(!network_.nodes.empty(), file_, "it has no input");
    for (const auto& step : steps) read_step(step);
    demand(outputs.size() == 1, file_, "not one output");
    std::string name;
    for (const Field& field : fields(outputs[0], file_))
      if (field.number == 1) name = field.text();
    const auto found = signals_.find(name);
    demand(found != signals_.end() && found->second.node + 1 == static_cast<int>(network_.nodes.size()), file_,
           "its output is not the last value");
    return std::move(network_);
  }

 private:
  void read_input(std::span<const uint8_t> message) {
    std::string name;
    std::vector<int64_t> shape;
    for (const Field& field : fields(message, file_)) {
      if (field.number == 1) name = field.text();
      if (field.number != 2) continue;
      for (const Field& type : fields(field.bytes, file_)) {
        if (type.number != 1) continue;
        for (const Field& part : fields(type.bytes, file_)) {
          if (part.number != 2) continue;
          for (const Field& dimension : fields(part.bytes, file_)) {
            int64_t size = 0;
            for (const Field& value : fields(dimension.bytes, file_))
              if (value.number == 1) size = static_cast<int64_t>(value.value);
            shape.push_back(size);
          }
        }
      }
    }
    if (constants_.count(name) > 0) return;
    demand(network_.nodes.empty(), file_, "it has more than one input");
    demand((shape.size() == 2 || shape.size() == 4) && shape[0] >= 0 && shape[0] <= 1, file_,
           "its input is neither [1, n] nor [1, C, H, W]");
    const auto colours = [](int64_t n) { return n == 1 || n == 3; };
    demand(shape.size() == 2 || colours(shape[1]) || !colours(shape[3]), file_, "its channels are the last of its sizes");
    shape.erase(shape.begin());
    int64_t size = 1;
    for (const int64_t each : shape) {
      demand(each > 0 && each < (1 << 20) && size < (1 << 28), file_, "its input's shape is not fixed");
      size *= each;
    }
    if (shape.size() == 3) network_.channels = shape[0], network_.height = shape[1], network_.width = shape[2];
    network_.add({Kind::kInput, size, {}, {}, {}, {}, 0});
    signals_[name] = {0, shape};
  }

  void read_step(std::span<const uint8_t> message) {
    std::vector<std::string> in;
    std::vector<std::string> out;
    std::string op;
    std::string domain;
    attributes_.clear();
    for (const Field& field : fields(message, file_)) {
      if (field.number == 1) in.push_back(field.text());
      if (field.number == 2) out.push_back(field.text());
      if (field.number == 4) op = field.text();
      if (field.number == 7) domain = field.text();
      if (field.number == 5) read_attribute(field.bytes);
    }
    place_ = file_ + ", " + op + (out.empty() ? "" : " that gives '" + out[0] + "'");
    demand(domain.empty() || domain == "ai.onnx", place_, "an operator of another domain");
    demand(out.size() == 1 && signals_.count(out[0]) == 0 && constants_.count(out[0]) == 0, place_, "its outputs");
    if (op == "Constant") {
      demand(attributes_.count("value") > 0 && attributes_["value"].tensor.has_value(), place_, "no tensor");
      constants_[out[0]] = *attributes_["value"].tensor;
      return;
    }
    demand(!in.empty(), place_, "it has no inputs");
    if (op == "Relu") {
      const Signal x = signal(in, 0);
      signals_[out[0]] = append(Kind::kRelu, {x.node}, size(x.shape), x.shape);
    } else if (op == "Flatten") {
      demand(whole("axis", 1) == 1, place_, "another axis");
      const Signal x = signal(in, 0);
      signals_[out[0]] = {x.node, {size(x.shape)}};
    } else if (op == "Reshape") {
      reshape(signal(in, 0), constant(in, 1), out[0]);
    } else if (op == "Gemm" || op == "MatMul") {
      dense(in, op == "Gemm", out[0]);
    } else if (op == "Conv") {
      convolve(in, out[0]);
    } else if (op == "Add" && is_signal(in, 0) && is_signal(in, 1)) {
      const Signal a = signal(in, 0);
      const Signal b = signal(in, 1);
      demand(a.shape == b.shape, place_, "sums of values of different shapes");
      signals_[out[0]] = append(Kind::kAdd, {a.node, b.node}, size(a.shape), a.shape);
    } else if (op == "Add" && is_signal(in, 0)) {
      add_constant(signal(in, 0), constant(in, 1), 1.0, out[0]);
    } else if (op == "Add") {
      add_constant(signal(in, 1), constant(in, 0), 1.0, out[0]);
    } else if (op == "Sub" && is_signal(in, 0)) {
      add_constant(signal(in, 0), constant(in, 1), -1.0, out[0]);
    } else {
      throw Rejected(place_, "an operator that is not known here");
    }
  }

  void read_attribute(std::span<const uint8_t> message) {
    std::string name;
    Attribute attribute;
    for (const Field& field : fields(message, place_)) {
      if (field.number == 1) name = field.text();
      if (field.number == 2) attribute.real = static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(field.value)));
      if (field.number == 3) attribute.whole = static_cast<int64_t>(field.value);
      if (field.number == 4) attribute.text = field.text();
      if (field.number == 8) add_numbers(field, attribute.list, place_);
      std::string unused;
      if (field.number == 5) attribute.tensor = read_tensor(field.bytes, unused, place_);
    }
    attributes_[name] = std::move(attribute);
  }

  static int64_t size(const std::vector<int64_t>& shape) {
    int64_t result = 1;
    for (const int64_t each : shape) result *= each;
    return result;
  }
  bool is_signal(const std::vector<std::string>& in, size_t k) const {
    return k < in.size() && signals_.count(in[k]) > 0;
  }
  Signal signal(const std::vector<std::string>& in, size_t k) const {
    demand(is_signal(in, k), place_, "a value that is not there");
    return signals_.at(in[k]);
  }
  const Tensor& constant(const std::vector<std::string>& in, size_t k) const {
    demand(k < in.size() && constants_.count(in[k]) > 0, place_, "a constant that is not there");
    return constants_.at(in[k]);
  }
  int64_t whole(const std::string& name, int64_t otherwise) const {
    const auto found = attributes_.find(name);
    return found == attributes_.end() ? otherwise : found->second.whole;
  }
  Signal append(Kind kind, std::vector<int> inputs, int64_t values, std::vector<int64_t> shape) {
    network_.add({kind, values, std::move(inputs), {}, {}, {}, 0});
    return {static_cast<int>(network_.nodes.size()) - 1, std::move(shape)};
  }

  // Values stay in their order.
  void reshape(const Signal& x, const Tensor& shape, const std::string& out) {
    const std::vector<double>& to = shape.values;
    const bool flat = to.size() == 2 && (to[0] == 1.0 || to[0] == -1.0 || to[0] == 0.0) &&
                      (to[1] == -1.0 || to[1] == static_cast<double>(size(x.shape))) && to[0] + to[1] != -2.0;
    demand(flat, place_, "a shape that is not [1, all]");
    signals_[out] = {x.node, {size(x.shape)}};
  }

  void dense(const std::vector<std::string>& in, bool gemm, const std::string& out) {
    const Signal x = signal(in, 0);
    const Tensor& w = constant(in, 1);
    const auto one = [&](const char* name) { return attributes_.count(name) == 0 || attributes_[name].real == 1.0; };
    demand(one("alpha") && one("beta") && whole("transA", 0) == 0, place_, "factors or a transposed image");
    const bool rows = gemm && whole("transB", 0) == 1;
    demand(x.shape.size() == 1 && w.shape.size() == 2 && w.shape[rows ? 1 : 0] == x.shape[0], place_, "sizes do not fit");
    const auto outputs = static_cast<size_t>(w.shape[rows ? 0 : 1]);
    const auto inputs = static_cast<size_t>(x.shape[0]);
    demand(outputs > 0, place_, "it has no outputs");
    const Signal y = append(Kind::kDense, {x.node}, static_cast<int64_t>(outputs), {static_cast<int64_t>(outputs)});
    Node& node = network_.nodes.back();
    node.weight.resize(outputs * inputs);
    for (size_t i = 0; i < outputs; ++i) {
      for (size_t j = 0; j < inputs; ++j)
        node.weight[i * inputs + j] = w.values[rows ? i * inputs + j : j * outputs + i];
    }
    node.bias.assign(outputs, 0.0);
    if (gemm && in.size() > 2 && !in[2].empty()) node.bias = broadcast(constant(in, 2), {1, y.shape[0]});
    signals_[out] = y;
  }

  // The constant for each value of a shape that begins with the batch.
  std::vector<double> broadcast(const Tensor& tensor, const std::vector<int64_t>& shape) const {
    demand(tensor.shape.size() <= shape.size(), place_, "a constant does not fit");
    const size_t skipped = shape.size() - tensor.shape.size();
    std::vector<double> values;
    for (int64_t i = 0; i < size(shape); ++i) {
      int64_t rest = i;
      int64_t place = 0;
      int64_t step = 1;
      for (size_t k = shape.size(); k-- > skipped;) {
        const int64_t own = tensor.shape[k - skipped];
        demand(own == 1 || own == shape[k], place_, "a constant does not fit");
        place += own == 1 ? 0 : rest % shape[k] * step;
        step *= own;
        rest /= shape[k];
      }
      values.push_back(tensor.values[static_cast<size_t>(place)]);
    }
    return values;
  }

  // A layer of its own: each value by itself.
  void add_constant(const Signal& x, const Tensor& tensor, double sign, const std::string& out) {
    std::vector<int64_t> shape = x.shape;
    shape.insert(shape.begin(), 1);
    std::vector<double> values = broadcast(tensor, shape);
    for (double& value : values) value *= sign;
    const Signal y = append(Kind::kConv, {x.node}, size(x.shape), x.shape);
    Node& node = network_.nodes.back();
    const int64_t n = size(x.shape);
    node.window = {n, 1, 1, n, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, n};
    node.weight.assign(values.size(), 1.0);
    node.bias = std::move(values);
    signals_[out] = y;
  }

  std::pair<int64_t, int64_t> two(const char* name, int64_t otherwise) {
    if (attributes_.count(name) == 0) return {otherwise, otherwise};
    const auto& list = attributes_[name].list;
    demand(list.size() == 2 && list[0] >= 0 && list[1] >= 0 && list[0] < (1 << 20) && list[1] < (1 << 20), place_, name);
    return {list[0], list[1]};
  }

  void convolve(const std::vector<std::string>& in, const std::string& out) {
    const Signal x = signal(in, 0);
    const Tensor& w = constant(in, 1);
    demand(x.shape.size() == 3 && w.shape.size() == 4, place_, "no convolution of planes");
    demand(attributes_.count("auto_pad") == 0 || attributes_["auto_pad"].text == "NOTSET", place_, "automatic padding");
    Node::Window c;
    c.channels = x.shape[0], c.height = x.shape[1], c.width = x.shape[2];
    c.out_channels = w.shape[0], c.kernel_h = w.shape[2], c.kernel_w = w.shape[3];
    std::tie(c.stride_h, c.stride_w) = two("strides", 1);
    std::tie(c.dilation_h, c.dilation_w) = two("dilations", 1);
    c.groups = whole("group", 1);
    const std::vector<int64_t> pads = attributes_.count("pads") > 0 ? attributes_["pads"].list : std::vector<int64_t>(4, 0);
    demand(pads.size() == 4 && pads[0] == pads[2] && pads[1] == pads[3] && pads[0] >= 0 && pads[1] >= 0 &&
               pads[0] < 1024 && pads[1] < 1024,
           place_, "padding that is not the same on both sides");
    c.pad_h = pads[0], c.pad_w = pads[1];
    demand(c.stride_h > 0 && c.stride_w > 0 && c.dilation_h > 0 && c.dilation_w > 0 && c.groups > 0 &&
               c.kernel_h > 0 && c.kernel_w > 0 && c.out_channels > 0 && w.shape[1] * c.groups == c.channels &&
               c.out_channels % c.groups == 0,
           place_, "sizes do not fit");
    const int64_t free_h = c.height + 2 * c.pad_h - c.dilation_h * (c.kernel_h - 1) - 1;
    const int64_t free_w = c.width + 2 * c.pad_w - c.dilation_w * (c.kernel_w - 1) - 1;
    demand(free_h >= 0 && free_w >= 0, place_, "the kernel does not fit");
    c.out_height = free_h / c.stride_h + 1, c.out_width = free_w / c.stride_w + 1;
    const std::vector<int64_t> shape = {c.out_channels, c.out_height, c.out_width};
    const Signal y = append(Kind::kConv, {x.node}, size(shape), shape);
    Node& node = network_.nodes.back();
    node.window = c;
    node.weight = w.values;
    node.bias.assign(static_cast<size_t>(c.out_channels), 0.0);
    if (in.size() > 2 && !in[2].empty()) node.bias = broadcast(constant(in, 2), {c.out_channels});
    signals_[out] = y;
  }

  const std::string& file_;
  std::string place_;
  Network network_;
  std::map<std::string, Tensor> constants_;
  std::map<std::string, Signal> signals_;
  std::map<std::string, Attribute> attributes_;
};

}  // namespace

Network read_onnx(const Bytes& data, const std::string& file) {
  std::span<const uint8_t> graph;
  int graphs = 0;
  for (const Field& field : fields(data, file)) {
    if (field.number == 7) graph = field.bytes, ++graphs;
    demand(field.number != 25, file, "functions of its own");
  }
  demand(graphs == 1, file, "neither a file of torch.save nor an ONNX file");
  return Graph(file).read(graph);
}

}  // namespace check
