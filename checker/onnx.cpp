#include <bit>
#include <map>

#include "check.h"

namespace check {
namespace {

// A field of a message of protocol buffers.
struct Field {
  uint64_t number = 0, value = 0;
  Message bytes;  // of a text, a list or a message
  std::string text() const { return {bytes.begin(), bytes.end()}; }
};

// kinds[number - 1]: what a field must be, as another reader would pass over what is not: 0 a whole number, 2
// bytes, 5 a float, n whole numbers one by one or packed. Blank, or behind its end: anything.
std::vector<Field> fields(Message message, const std::string& place, std::string_view kinds = {}) {
  std::vector<Field> result;
  for (Reader in(message, place); !in.at_end();) {
    const uint64_t key = in.varint(false);
    const uint64_t kind = key & 7;
    const char due = (key >> 3) - 1 < kinds.size() ? kinds[(key >> 3) - 1] : ' ';
    const bool fits = due == ' ' || due == static_cast<char>('0' + kind) || (due == 'n' && kind % 2 == 0);
    demand(fits && (kind <= 2 || kind == 5), place, "an unknown kind of field");
    Field& field = result.emplace_back(Field{key >> 3, 0, {}});
    if (kind == 2) {
      field.bytes = in.take(in.varint(false));
    } else {
      field.value = kind == 0 ? in.varint(false) : in.word(kind == 1 ? 8 : 4);
    }
  }
  return result;
}

// Whole numbers, one by one or packed.
template <typename Number>
void add_numbers(const Field& field, std::vector<Number>& to, const std::string& place) {
  if (field.bytes.empty()) to.push_back(static_cast<Number>(static_cast<int64_t>(field.value)));
  for (Reader in(field.bytes, place); !in.at_end();)
    to.push_back(static_cast<Number>(static_cast<int64_t>(in.varint(false))));
}

// float32, float64 or int64, as raw data or a list.
Tensor read_tensor(Message message, const std::string& place) {
  Tensor tensor;
  uint64_t type = 0;
  Message raw;
  for (const Field& field : fields(message, place, "n0 2  n22")) {
    if (field.number == 1) add_numbers(field, tensor.shape, place);
    if (field.number == 2) type = field.value;
    if (field.number == 7) add_numbers(field, tensor.values, place);
    if (field.number == 4 || field.number == 9) {
      demand(raw.empty() && (field.number == 9 || type == 1), place, "numbers of another kind than said");
      raw = field.bytes;
    }
    demand(field.number < 10 || field.number == 12, place, "a tensor of an unknown kind");
  }
  demand((type == 1 || type == 11 || type == 7) && (tensor.values.empty() || (raw.empty() && type == 7)),
         place, "numbers that are neither float32, float64 nor int64");
  for (Reader in(raw, place); !in.at_end();)
    tensor.values.push_back(type == 7 ? static_cast<double>(static_cast<int64_t>(in.word(8)))
                                      : in.number(type == 1 ? 4 : 8));
  demand(size_of(tensor.shape) == static_cast<int64_t>(tensor.values.size()), place,
         "too few or many numbers");
  return tensor;
}

class Graph {
 public:
  explicit Graph(const std::string& file) : place_(file) {}

  Network read(Message message) {
    const std::vector<Field> parts = fields(message, place_);
    const std::string file = place_;
    std::string output;
    for (const Field& field : parts) {
      demand(field.number != 15 && (field.number != 12 || output.empty()), place_, "two outputs, or sparse");
      if (field.number == 12) output = name_of(field.bytes);
      if (field.number != 5) continue;
      const Tensor tensor = read_tensor(field.bytes, place_ + ", initializer");
      demand(constants_.emplace(text_in(field.bytes, 8), tensor).second, place_,
             "two initializers with one name");
    }
    for (const Field& field : parts)
      if (field.number == 11 && constants_.count(name_of(field.bytes)) == 0) read_input(field.bytes);
    demand(!network_.nodes.empty(), place_, "it has no input");
    for (const Field& field : parts)
      if (field.number == 1) read_step(field.bytes, file);
    demand(signal(output).node + 1 == network_.nodes.size(), file, "its output is not its last value");
    return std::move(network_);
  }

 private:
  std::string text_in(Message message, uint64_t number) const {
    std::string text;  // the last one counts
    for (const Field& field : fields(message, place_))
      if (field.number == number) text = field.text();
    return text;
  }
  std::string name_of(Message message) const { return text_in(message, 1); }

  // name, type { tensor { shape { dimension { size } } } }
  void read_input(Message message) {
    std::vector<Message> open = {message};
    for (const uint64_t step : {2U, 1U, 2U, 1U}) {
      for (const Message& each : std::exchange(open, {}))
        for (const Field& field : fields(each, place_))
          if (field.number == step) open.push_back(field.bytes);
    }
    Shape shape;
    for (const Message& each : open) {
      const std::vector<Field> size = fields(each, place_);
      shape.push_back(size.empty() || size[0].number != 1 ? 0 : static_cast<int64_t>(size[0].value));
    }
    const bool images = shape.size() == 4 && (shape[1] == 1 || shape[1] == 3);
    demand(network_.nodes.empty() && (images || shape.size() == 2) && (shape[0] == 0 || shape[0] == 1),
           place_, "more inputs than one, or it is neither [1, n] nor [1, channels, height, width]");
    shape.erase(shape.begin());
    if (images) network_.image = shape;
    signals_[name_of(message)] = network_.input(shape);
  }

  void read_step(Message message, const std::string& file) {
    std::string out;
    std::string op;
    inputs_.clear();
    settings_.clear();
    tensor_ = {};
    place_ = file;
    for (const Field& field : fields(message, file, "22 22 2")) {
      if (field.number == 1) inputs_.push_back(field.text());
      if (field.number == 4) op = field.text();
      demand((field.number != 2 || out.empty()) && (field.number != 7 || field.bytes.empty()), file,
             "an operator with two outputs or of another domain");
      if (field.number == 2) out = field.text();
      if (field.number == 5) read_attribute(field.bytes);
    }
    network_.place = place_ = file + ", " + op + " that gives '" + out + "'";
    demand(signals_.count(out) + constants_.count(out) == 0, place_, "this value is there already");
    demand((op == "Constant") == inputs_.empty() && inputs_.empty() != tensor_.values.empty(), place_,
           "no inputs, or a tensor");
    if (inputs_.empty()) {
      constants_[out] = tensor_;
    } else {
      signals_[out] = apply(op);
    }
    for (const auto& [name, setting] : settings_)
      demand(setting.empty(), place_, "attribute " + name + " is not known here");
  }

  // Numbers and lists of them; texts count as their first letter.
  void read_attribute(Message message) {
    Numbers list;
    uint64_t type = 0;
    uint64_t given = 0;
    for (const Field& field : fields(message, place_, "25022  n")) {
      if (field.number == 20) type = field.value;
      if (field.number > 1 && field.number < 9) given = field.number;
      if (field.number == 2) list.push_back(std::bit_cast<float>(static_cast<uint32_t>(field.value)));
      if (field.number == 3 || field.number == 8) add_numbers(field, list, place_);
      if (field.number == 4) list.push_back(field.bytes.empty() ? 0.0 : field.bytes[0]);
      if (field.number == 5) tensor_ = read_tensor(field.bytes, place_);
      demand(field.number < 6 || field.number == 8 || field.number == 13 || field.number == 20, place_,
             "an attribute of an unknown kind");
    }
    demand(list.empty() != tensor_.values.empty() && given == type + 1, place_,
           "an attribute without a value of its type");
    demand(settings_.emplace(name_of(message), list).second, place_, "an attribute is there twice");
  }

  // Takes a setting, which is known then.
  Numbers take(const std::string& name, const Numbers& otherwise) {
    const Numbers own = std::exchange(settings_[name], {});
    demand(own.empty() || own.size() == otherwise.size(), place_, name);
    return own.empty() ? otherwise : own;
  }
  void expect(const std::string& name, double value) {
    demand(take(name, {value})[0] == value, place_, "another " + name + " than known here");
  }
  Signal signal(const std::string& name) const {
    demand(signals_.count(name) > 0, place_, "a value that is not there");
    return signals_.at(name);
  }
  const Tensor& constant(size_t k) const {
    demand(k < inputs_.size() && constants_.count(inputs_[k]) > 0, place_, "a constant that is not there");
    return constants_.at(inputs_[k]);
  }

  Signal apply(const std::string& op) {
    if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") return arithmetic(op);
    const Signal x = signal(inputs_[0]);
    if (op == "Relu") return network_.relu(x);
    if (op == "Gemm" || op == "MatMul") return dense(x);
    if (op == "BatchNormalization") return normalise(x);
    if (op == "Conv" || op == "AveragePool" || op == "GlobalAveragePool") return windows(op, x);
    if (op == "Identity" || op == "Dropout") {
      take("ratio", {0.0});
      return x;
    }
    demand(op == "Flatten" || op == "Reshape", place_, "an operator that is not known here");
    expect("axis", 1.0);
    expect("allowzero", 0.0);
    const Numbers to = op == "Flatten" ? Numbers{1.0, -1.0} : constant(1).values;
    const auto size = static_cast<double>(size_of(x.shape));
    const bool flat = to == Numbers{1.0, -1.0} || to == Numbers{1.0, size} || to == Numbers{-1.0, size};
    demand(flat, place_, "not to [1, all]");
    return {x.node, {size_of(x.shape)}};
  }

  // A number for each value of x, from a constant that is repeated along axes where it has one.
  Numbers spread(const Tensor& tensor, const Shape& shape) const {
    Numbers values;
    demand(tensor.shape.size() <= shape.size() + 1, place_, "a constant of more axes than the values have");
    for (int64_t i = 0; i < size_of(shape); ++i) {
      int64_t rest = i;
      int64_t place = 0;
      int64_t step = 1;
      for (size_t k = 1; k <= tensor.shape.size(); ++k) {  // from the last axis on
        const int64_t own = tensor.shape[tensor.shape.size() - k];
        const int64_t all = k <= shape.size() ? shape[shape.size() - k] : 1;
        demand(own == 1 || own == all, place_, "a constant of another shape");
        if (own > 1) place += rest % all * step;
        step *= own;
        rest /= all;
      }
      values.push_back(tensor.values[static_cast<size_t>(place)]);
    }
    return values;
  }
  Numbers bias(int64_t size) const {  // of Gemm and Conv
    const bool given = inputs_.size() > 2 && !inputs_[2].empty();
    return given ? spread(constant(2), {size}) : Numbers(static_cast<size_t>(size), 0.0);
  }

  Signal arithmetic(const std::string& op) {
    demand(inputs_.size() == 2, place_, "not two inputs");
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
    demand(x.shape.size() == 1 && w.shape.size() == 2 && w.shape[rows ? 1 : 0] == x.shape[0], place_,
           "sizes");
    const auto inputs = static_cast<size_t>(x.shape[0]);
    const size_t outputs = w.values.size() / inputs;
    Numbers weight = w.values;
    for (size_t k = 0; k < weight.size() && !rows; ++k)
      weight[k] = w.values[k % inputs * outputs + k / inputs];
    return network_.dense(x, std::move(weight), bias(static_cast<int64_t>(outputs)));
  }

  // y = s x + t with s = gamma / sqrt(variance + epsilon), t = beta - s mean, each operation rounded.
  Signal normalise(const Signal& x) {
    const double epsilon = take("epsilon", {static_cast<double>(1e-5F)})[0];
    take("momentum", {0.0});
    expect("training_mode", 0.0);
    expect("spatial", 1.0);
    Numbers factors;
    Numbers offsets;
    for (int64_t i = 0; i < size_of(x.shape); ++i) {
      double c[4];
      for (size_t k = 0; k < 4; ++k) {
        demand(constant(k + 1).shape == Shape{x.shape[0]}, place_, "constants of another shape");
        c[k] = constant(k + 1).values[static_cast<size_t>(i / (size_of(x.shape) / x.shape[0]))];
      }
      factors.push_back(c[0] / std::sqrt(c[3] + epsilon));
      const double moved = factors.back() * c[2];
      offsets.push_back(c[1] - moved);
    }
    return network_.diagonal(x, std::move(factors), std::move(offsets));
  }

  // Operators that move a window over images.
  Signal windows(const std::string& op, const Signal& x) {
    const bool convolves = op == "Conv";
    const Shape& of = convolves ? constant(1).shape : x.shape;
    demand(x.shape.size() == 3 && (!convolves || of.size() == 4), place_, "no images, or no kernels");
    const Numbers all = {static_cast<double>(of[of.size() - 2]), static_cast<double>(of.back())};
    const Numbers kernel = take("kernel_shape", all);
    demand(!convolves || kernel == all, place_, "kernels of another size than said");
    expect("auto_pad", 'N');
    expect("ceil_mode", 0.0);
    const Numbers stride = take("strides", {1.0, 1.0});
    const Numbers dilation = take("dilations", {1.0, 1.0});
    const Numbers pads = take("pads", {0.0, 0.0, 0.0, 0.0});
    const double padded = take("count_include_pad", {0.0})[0];
    const double groups = take("group", {1.0})[0];
    const auto whole = [&](double value) {
      demand(value >= 0.0 && value < 1 << 20, place_, "an impossible window");
      return static_cast<int64_t>(value);
    };
    Window window{};
    for (size_t k = 0; k < 2; ++k) {
      window.kernel[k] = whole(kernel[k]), window.stride[k] = whole(stride[k]);
      window.dilation[k] = whole(dilation[k]);
      window.pad[k] = whole(pads[k]), window.end[k] = whole(pads[k + 2]);
    }
    window.fit(x, place_);
    if (!convolves) return network_.average(x, window, padded != 0.0);
    return network_.convolve(x, window, whole(groups), constant(1).values, bias(of[0]));
  }

  std::string place_;
  Network network_;
  std::map<std::string, Signal> signals_;
  std::map<std::string, Tensor> constants_;
  // Of the operator: what it reads; attributes, those that are known being empty; its tensor.
  std::vector<std::string> inputs_;
  std::map<std::string, Numbers> settings_;
  Tensor tensor_;
};

}  // namespace

Network read_onnx(const Bytes& data, const std::string& file) {
  Message graph;
  uint64_t opset = 0;
  for (const Field& field : fields(data, file)) {
    demand(field.number != 7 || graph.empty(), file, "two graphs");
    demand(field.number <= 8 || field.number == 14, file, "training, or functions of its own");
    if (field.number == 7) graph = field.bytes;
    if (field.number != 8) continue;
    uint64_t version = 0;
    bool own = true;
    for (const Field& inner : fields(field.bytes, file)) {
      if (inner.number == 1) own = inner.bytes.empty();
      if (inner.number == 2) version = inner.value;
    }
    if (own) opset = version;
  }
  demand(!graph.empty(), file, "neither a file of torch.save nor an ONNX file");
  demand(opset >= 7 && opset <= 28, file, "a version of ONNX's operators that is not known here");
  return Graph(file).read(graph);
}

}  // namespace check
