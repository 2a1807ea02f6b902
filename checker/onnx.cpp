#include <map>

#include "check.h"

namespace check {
namespace {

struct Field {
  uint64_t value = 0;
  Message bytes;  // of a text, a list or a message
  std::string text() const { return {bytes.begin(), bytes.end()}; }
};

// A message of protocol buffers: its fields, by their numbers. kinds[number - 1] says what a field must be,
// as another reader would pass over what is not: v a whole number, f a float, b bytes, n whole numbers one by
// one or packed, a blank anything; in capitals, once at most. Fields without a letter are not known here.
class Fields {
 public:
  Fields(Message message, const std::string& place, std::string_view kinds) : place_(place) {
    for (Reader in(message, place); !in.at_end();) {
      const uint64_t key = in.varint(false);
      const uint64_t number = key >> 3;
      const char due = number - 1 < kinds.size() ? kinds[number - 1] : '-';
      const char own = "vdb--f--"[key & 7];
      const char small = static_cast<char>(due | 32);
      const bool fits = due == ' ' || small == own || (small == 'n' && (own == 'v' || own == 'b'));
      auto& same = all_[number];
      const bool twice = due != small && !same.empty();
      if (!fits || own == '-' || twice)
        throw Rejected(place, (twice ? "two fields " : "unknown kind of field ") + std::to_string(number));
      const uint64_t value = own == 'f' || own == 'd' ? in.word(own == 'd' ? 8 : 4) : in.varint(false);
      same.push_back(own == 'b' ? Field{0, in.take(value)} : Field{value, {}});
    }
  }
  const std::vector<Field>& operator[](uint64_t number) { return all_[number]; }
  Field first(uint64_t number) { return all_[number].empty() ? Field() : all_[number][0]; }
  std::vector<int64_t> numbers(uint64_t number) {
    std::vector<int64_t> result;
    for (const Field& field : all_[number]) {
      if (field.bytes.empty()) result.push_back(static_cast<int64_t>(field.value));
      for (Reader in(field.bytes, place_); !in.at_end();)
        result.push_back(static_cast<int64_t>(in.varint(false)));
    }
    return result;
  }

 private:
  std::string place_;
  std::map<uint64_t, std::vector<Field>> all_;
};

// Its name and values: float32, float64 or int64, as raw data or a list.
std::pair<std::string, Tensor> read_tensor(Message message, const std::string& place) {
  Fields all(message, place, "nV-B--nBB--b");
  const uint64_t type = all.first(2).value;
  const std::vector<int64_t> listed = all.numbers(7);
  Tensor tensor{all.numbers(1), Numbers(listed.begin(), listed.end())};
  const bool floats = !all[4].empty();
  const bool known = type == 1 || type == 11 || (type == 7 && !floats);
  demand(known && (type == 1 || !floats) && (type == 7 || listed.empty()), place, "numbers of unknown kind");
  demand(floats + !listed.empty() + !all[9].empty() <= 1, place, "numbers in two places");
  for (Reader in(all.first(floats ? 4 : 9).bytes, place); !in.at_end();)
    tensor.values.push_back(type == 7 ? static_cast<double>(static_cast<int64_t>(in.word(8)))
                                      : in.number(type == 1 ? 4 : 8));
  demand(size_of(tensor.shape) == static_cast<int64_t>(tensor.values.size()), place, "not so many numbers");
  return {all.first(8).text(), std::move(tensor)};
}

class Graph {
 public:
  Graph(const std::string& file, size_t bytes, bool single) : file_(file), network_(file, bytes, single) {}

  Network read(Message message) {
    Fields graph(message, file_, "bb--b----bbbbb-b");
    for (const Field& each : graph[5])
      demand(constants_.insert(read_tensor(each.bytes, file_ + ", initializer")).second,
             "two initializers with one name");
    for (const Field& each : graph[11]) read_input(each.bytes);
    demand(!network_.nodes.empty() && graph[12].size() == 1, "it has no input, or not one output");
    for (const Field& each : graph[1]) read_step(each.bytes);
    network_.place = file_;
    const Signal output = signal(Fields(graph.first(12).bytes, file_, kPort).first(1).text());
    demand(output.node + 1 == network_.nodes.size(), "its output is not its last value");
    return std::move(network_);
  }

 private:
  static constexpr std::string_view kPort = "BBbb";  // name, type

  void demand(bool holds, std::string_view why) const { check::demand(holds, network_.place, why); }

  void read_input(Message message) {
    Fields port(message, file_, kPort);
    if (constants_.count(port.first(1).text()) > 0) return;
    Fields type(port.first(2).bytes, file_, "B----b");
    Fields tensor(type.first(1).bytes, file_, "VB");
    Fields dimensions(tensor.first(2).bytes, file_, "b");
    Shape shape;
    for (const Field& each : dimensions[1]) {  // a number, or a name
      Fields size(each.bytes, file_, "VBb");
      shape.push_back(static_cast<int64_t>(size[2].empty() ? size.first(1).value : 0));
    }
    const bool images = shape.size() == 4 && (shape[1] == 1 || shape[1] == 3);
    demand(network_.nodes.empty() && (images || shape.size() == 2) && (shape[0] == 0 || shape[0] == 1),
           "more inputs than one, or it is neither [1, n] nor [1, channels, height, width]");
    shape.erase(shape.begin());
    if (images) network_.image = shape;
    signals_[port.first(1).text()] = network_.input(shape);
  }

  void read_step(Message message) {
    Fields step(message, file_, "bbbBbbB  b");
    const std::string op = step.first(4).text();
    const std::string out = step.first(2).text();
    network_.place = file_ + ", " + op + " that gives '" + out + "'";
    demand(step[2].size() == 1 && step.first(7).bytes.empty(), "it has two outputs, or is of another domain");
    inputs_.clear();
    settings_.clear();
    tensor_ = {};
    for (const Field& each : step[1]) inputs_.push_back(each.text());
    for (const Field& each : step[5]) read_attribute(each.bytes);
    demand(signals_.count(out) + constants_.count(out) == 0, "this value is there already");
    demand((op == "Constant") == inputs_.empty() && inputs_.empty() != tensor_.values.empty(),
           "no inputs, or a tensor");
    if (inputs_.empty()) constants_[out] = tensor_;
    if (!inputs_.empty()) signals_[out] = apply(op);
    for (const auto& [name, setting] : settings_)
      demand(setting.empty(), "attribute " + name + " is not known here");
  }

  // Numbers and lists of them; texts count as their first letter.
  void read_attribute(Message message) {
    Fields all(message, network_.place, "BFVBB--n----b------V");
    const uint64_t type = all.first(20).value;
    for (uint64_t number = 2; number <= 8; ++number)
      demand(all[number].empty() == (number != type + 1), "an attribute without a value of its type alone");
    const std::vector<int64_t> whole = all.numbers(type == 2 ? 3 : 8);
    Numbers list(whole.begin(), whole.end());
    if (type == 1) list = {std::bit_cast<float>(static_cast<uint32_t>(all.first(2).value))};
    if (type == 3) list = {all.first(4).bytes.empty() ? 0.0 : all.first(4).bytes[0]};
    if (type == 4) tensor_ = read_tensor(all.first(5).bytes, network_.place).second;
    demand(!list.empty() || type == 4, "an attribute of an unknown kind");
    demand(settings_.emplace(all.first(1).text(), list).second, "an attribute is there twice");
  }

  // Takes a setting, which is known then.
  Numbers take(const std::string& name, const Numbers& otherwise) {
    const Numbers own = std::exchange(settings_[name], {});
    demand(own.empty() || own.size() == otherwise.size(), name);
    return own.empty() ? otherwise : own;
  }
  void expect(const std::string& name, double value) {
    demand(take(name, {value})[0] == value, "another " + name + " than known here");
  }
  Signal signal(const std::string& name) const {
    demand(signals_.count(name) > 0, "a value that is not there");
    return signals_.at(name);
  }
  const Tensor& constant(size_t k) const {
    demand(k < inputs_.size() && constants_.count(inputs_[k]) > 0, "a constant that is not there");
    return constants_.at(inputs_[k]);
  }

  Signal apply(const std::string& op) {
    demand(!network_.single || (op != "Div" && op != "BatchNormalization"), "not known here in float32");
    if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") return arithmetic(op);
    const Signal x = signal(inputs_[0]);
    if (op == "Relu") return network_.relu(x);
    if (op == "Gemm" || op == "MatMul") return dense(x);
    if (op == "BatchNormalization") return normalise(x);
    if (op == "Conv" || op == "AveragePool" || op == "GlobalAveragePool" || op == "MaxPool")
      return windows(op, x);
    if (op == "Dropout") take("ratio", {0.0});
    if (op == "Identity" || op == "Dropout") return x;
    demand(op == "Flatten" || op == "Reshape", "an operator that is not known here");
    expect("axis", 1.0);
    expect("allowzero", 0.0);
    const Numbers to = op == "Flatten" ? Numbers{1.0, -1.0} : constant(1).values;
    const auto size = static_cast<double>(size_of(x.shape));
    const bool flat = to == Numbers{1.0, -1.0} || to == Numbers{1.0, size} || to == Numbers{-1.0, size};
    demand(flat, "not to [1, all]");
    return {x.node, {size_of(x.shape)}};
  }

  // A number for each value of x, from a constant that is repeated along axes where it has one.
  Numbers spread(Tensor tensor, Shape shape) {
    network_.claim(shape);
    shape.insert(shape.begin(), 1);  // that of the batch
    demand(tensor.shape.size() <= shape.size(), "a constant of more axes than the values have");
    tensor.shape.insert(tensor.shape.begin(), shape.size() - tensor.shape.size(), 1);
    Numbers values;
    for (int64_t i = 0; i < size_of(shape); ++i) {
      int64_t rest = i;
      int64_t place = 0;
      int64_t step = 1;
      for (size_t k = shape.size(); k-- > 0; step *= tensor.shape[k], rest /= shape[k]) {
        demand(tensor.shape[k] == 1 || tensor.shape[k] == shape[k], "a constant of another shape");
        if (tensor.shape[k] > 1) place += rest % shape[k] * step;
      }
      values.push_back(tensor.values[static_cast<size_t>(place)]);
    }
    return values;
  }
  // A number for each value of x, from constants of its channels.
  Numbers of_channels(Tensor tensor, const Shape& shape) {
    demand(tensor.shape == Shape{shape[0]}, "constants of another shape");
    tensor.shape.resize(shape.size(), 1);
    return spread(tensor, shape);
  }
  // Of Gemm and Conv, for values of this shape.
  Numbers bias(const Shape& shape) {
    if (inputs_.size() < 3 || inputs_[2].empty()) return spread({{}, {0.0}}, shape);
    return shape.size() == 1 ? spread(constant(2), shape) : of_channels(constant(2), shape);
  }

  Signal arithmetic(const std::string& op) {
    demand(inputs_.size() == 2, "not two inputs");
    const bool product = op == "Mul" || op == "Div";
    const double sign = op == "Sub" ? -1.0 : 1.0;
    const bool second = signals_.count(inputs_[1]) > 0;
    if (!product && second && signals_.count(inputs_[0]) > 0)
      return network_.add(signal(inputs_[0]), signal(inputs_[1]), sign);
    const size_t own = second && (op == "Add" || op == "Mul") ? 0 : 1;
    const Signal x = signal(inputs_[1 - own]);
    Numbers numbers = spread(constant(own), x.shape);
    for (double& value : numbers) value = op == "Div" ? 1.0 / value : sign * value;
    const Numbers rest(numbers.size(), product ? 0.0 : 1.0);
    return network_.diagonal(x, product ? numbers : rest, product ? rest : numbers);
  }

  Signal dense(const Signal& x) {
    for (const char* name : {"alpha", "beta"}) expect(name, 1.0);
    expect("transA", 0.0);
    const bool rows = take("transB", {0.0})[0] != 0.0;
    const Tensor& w = constant(1);
    demand(x.shape.size() == 1 && w.shape.size() == 2 && w.shape[rows ? 1 : 0] == x.shape[0], "sizes");
    const auto inputs = static_cast<size_t>(x.shape[0]);
    const size_t outputs = w.values.size() / inputs;
    Numbers weight = w.values;
    for (size_t k = 0; k < weight.size() && !rows; ++k)
      weight[k] = w.values[k % inputs * outputs + k / inputs];
    return network_.dense(x, std::move(weight), bias({static_cast<int64_t>(outputs)}));
  }

  // y = s x + t with s = gamma / sqrt(variance + epsilon), t = beta - s mean, each operation rounded.
  Signal normalise(const Signal& x) {
    const double epsilon = take("epsilon", {static_cast<double>(1e-5F)})[0];
    take("momentum", {0.0});
    expect("training_mode", 0.0);
    expect("spatial", 1.0);
    Numbers c[4];
    for (size_t k = 0; k < 4; ++k) c[k] = of_channels(constant(k + 1), x.shape);
    for (size_t i = 0; i < c[0].size(); ++i) {
      c[0][i] /= std::sqrt(c[3][i] + epsilon);
      const double moved = c[0][i] * c[2][i];
      c[1][i] -= moved;
    }
    return network_.diagonal(x, std::move(c[0]), std::move(c[1]));
  }

  // Operators that move a window over images.
  Signal windows(const std::string& op, const Signal& x) {
    const bool convolves = op == "Conv";
    const Shape& of = convolves ? constant(1).shape : x.shape;
    demand(x.shape.size() == 3 && (!convolves || of.size() == 4), "no images, or no kernels");
    const Numbers all = {static_cast<double>(of[of.size() - 2]), static_cast<double>(of.back())};
    const bool sized = settings_.count("kernel_shape") > 0 || convolves || op == "GlobalAveragePool";
    const Numbers kernel = take("kernel_shape", all);
    demand(sized && (!convolves || kernel == all), "kernels of no size, or of another than said");
    expect("auto_pad", 'N');
    expect("ceil_mode", 0.0);
    const Numbers stride = take("strides", {1.0, 1.0});
    const Numbers dilation = take("dilations", {1.0, 1.0});
    const Numbers pad = take("pads", {0.0, 0.0, 0.0, 0.0});
    const double padded = op == "AveragePool" ? take("count_include_pad", {0.0})[0] : 0.0;
    const double groups = convolves ? take("group", {1.0})[0] : 1.0;
    const auto whole = [&](double value) {
      demand(value >= 0.0 && value < 1 << 20, "an impossible window");
      return static_cast<int64_t>(value);
    };
    Window w{};
    for (size_t k = 0; k < 2; ++k) {
      Window::Axis& a = w.axes[k];
      a = {whole(kernel[k]), whole(stride[k]),  whole(dilation[k]),
           whole(pad[k]),    whole(pad[k + 2]), x.shape[k + 1]};
      const int64_t free = a.in + a.pad + a.end - a.dilation * (a.kernel - 1) - 1;
      demand(a.kernel > 0 && a.stride > 0 && a.dilation > 0 && free >= 0, "the kernel does not fit");
      a.out = free / a.stride + 1;
    }
    demand(op != "MaxPool" || pad == Numbers(4, 0.0), "padding");
    if (op == "MaxPool") return network_.maximum(x, w);
    if (!convolves) return network_.average(x, w, padded != 0.0);
    Numbers biases = bias({of[0], w.axes[0].out, w.axes[1].out});
    return network_.convolve(x, w, whole(groups), constant(1).values, std::move(biases));
  }

  std::string file_;
  Network network_;
  std::map<std::string, Signal> signals_;
  std::map<std::string, Tensor> constants_;
  // Of the operator: what it reads; attributes, those that are known being empty; its tensor.
  std::vector<std::string> inputs_;
  std::map<std::string, Numbers> settings_;
  Tensor tensor_;
};

}  // namespace

Network read_onnx(const Bytes& data, const std::string& file, bool single) {
  Fields model(data, file, "      Bb-----b");
  uint64_t opset = 0;
  for (const Field& each : model[8]) {
    Fields set(each.bytes, file, "BV");
    if (set.first(1).text().empty()) opset = set.first(2).value;
  }
  demand(!model.first(7).bytes.empty(), file, "neither a file of torch.save nor an ONNX file");
  demand(opset >= 7 && opset <= 28, file, "a version of ONNX's operators that is not known here");
  return Graph(file, data.size(), single).read(model.first(7).bytes);
}

}  // namespace check
