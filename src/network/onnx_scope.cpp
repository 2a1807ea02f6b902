#include "network/onnx_scope.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "network/quote.h"

namespace verissim::network {
namespace {

constexpr int64_t kMostValues = INT64_C(1) << 28;
constexpr size_t kMostIntegers = 4096;  // in a list of sizes, axes or indices

// Little-endian two's complement of `size` bytes.
int64_t signed_integer(const std::byte* bytes, size_t size) {
  uint64_t bits = 0;
  for (size_t k = 0; k < size; ++k) bits |= static_cast<uint64_t>(bytes[k]) << (8 * k);
  const auto shift = static_cast<int>(64 - 8 * size);
  return static_cast<int64_t>(bits << shift) >> shift;
}

}  // namespace

std::string label(const OnnxNode& node) {
  if (!node.name.empty() || node.outputs.empty()) return node.name;
  return node.outputs.front();
}

OnnxScope::OnnxScope(const std::string& file, const OnnxModel& model, const OnnxInput& input)
    : file_(file), model_(model), graph_(input.image), batch_(input.batch) {
  budget_ = 16 * static_cast<int64_t>(model.bytes) + (INT64_C(1) << 25);
  count_uses();
  Signal signal{0, input.shape, nullptr, false};
  if (input.channels_last) {
    const Dims image{input.image.channels, input.image.height, input.image.width};
    signal.order = std::make_shared<Places>(transposed_places(image, {1, 2, 0}));
  }
  define(model.inputs.front().name, std::move(signal));
  for (const NamedTensor& tensor : model.initializers) define(tensor.key, tensor.tensor);
}

void OnnxScope::count_uses() {
  for (const OnnxNode& node : model_.nodes) {
    if (node.op == "Shape") continue;  // does not read the values
    for (const std::string& name : node.inputs) ++uses_[name];
  }
  for (const OnnxPort& port : model_.outputs) ++uses_[port.name];
}

bool OnnxScope::has_input(const OnnxNode& node, size_t k) {
  return k < node.inputs.size() && !node.inputs[k].empty();
}

const OnnxScope::Value& OnnxScope::value(const OnnxNode& node, size_t k) const {
  if (!has_input(node, k)) {
    throw error(node, std::to_string(node.inputs.size()) + " inputs", "input " + std::to_string(k));
  }
  const auto found = values_.find(node.inputs[k]);
  if (found == values_.end()) {
    throw error(node, "input " + quote(node.inputs[k]), "a value of the file or of an earlier node");
  }
  return found->second;
}

bool OnnxScope::is_constant(const OnnxNode& node, size_t k) const {
  return std::holds_alternative<Tensor>(value(node, k));
}

Signal OnnxScope::signal(const OnnxNode& node, size_t k) const {
  const auto* found = std::get_if<Signal>(&value(node, k));
  if (found == nullptr) {
    throw error(node, "the constant " + quote(node.inputs[k]), "a value that depends on the image");
  }
  Signal result = *found;
  const auto uses = uses_.find(node.inputs[k]);  // none, if only shapes are asked for
  result.exclusive = result.exclusive && uses != uses_.end() && uses->second == 1;
  return result;
}

const Tensor& OnnxScope::constant(const OnnxNode& node, size_t k) const {
  const auto* found = std::get_if<Tensor>(&value(node, k));
  if (found == nullptr) {
    throw error(node, quote(node.inputs[k]) + ", which depends on the image", "a constant");
  }
  return *found;
}

std::vector<double> OnnxScope::numbers(const OnnxNode& node, size_t k) const {
  const Tensor& tensor = constant(node, k);
  if (!is_floating(tensor.dtype)) {
    throw error(node, quote(node.inputs[k]) + " of " + to_string(tensor.dtype), "floating-point numbers");
  }
  std::vector<double> values = decode(tensor);
  for (const double number : values) {
    if (std::isfinite(number)) continue;
    throw error(node, (std::isnan(number) ? "NaN in " : "infinity in ") + quote(node.inputs[k]),
                "finite numbers");
  }
  return values;
}

std::vector<int64_t> OnnxScope::integers(const OnnxNode& node, size_t k) const {
  const Tensor& tensor = constant(node, k);
  if (tensor.dtype != DType::kInt64 && tensor.dtype != DType::kInt32) {
    throw error(node, quote(node.inputs[k]) + " of " + to_string(tensor.dtype), "int64");
  }
  const size_t size = size_of(tensor.dtype);
  if (tensor.bytes.size() / size > kMostIntegers) {
    throw error(node, quote(node.inputs[k]) + " of shape " + to_string(tensor.shape), "a short list");
  }
  std::vector<int64_t> result(tensor.bytes.size() / size);
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = signed_integer(tensor.bytes.data() + i * size, size);
  }
  return result;
}

Signal OnnxScope::output() {
  const std::string& name = model_.outputs.front().name;
  const auto found = values_.find(name);
  if (found == values_.end()) {
    throw InputError(file_, "output " + quote(name), "no node that gives it", "one");
  }
  const auto* signal = std::get_if<Signal>(&found->second);
  if (signal == nullptr || signal->node == 0) {
    throw InputError(file_, "output " + quote(name), signal == nullptr ? "a constant" : "the input itself",
                     "layers");
  }
  return graph_.in_order(name, *signal);
}

void OnnxScope::define(const OnnxNode& node, Signal signal, size_t k) {
  define(node.outputs[k], Value(std::move(signal)));
}
void OnnxScope::define(const OnnxNode& node, Tensor tensor, size_t k) {
  define(node.outputs[k], Value(std::move(tensor)));
}

void OnnxScope::define(const std::string& name, Value value) {
  if (name.empty() || !values_.emplace(name, std::move(value)).second) {
    throw InputError(file_, quote(name), name.empty() ? "a value without a name" : "two values of this name",
                     "one name for each value");
  }
}

const OnnxAttribute* OnnxScope::find(const OnnxNode& node, const std::string& name) {
  for (const OnnxAttribute& attribute : node.attributes) {
    if (attribute.name == name) return &attribute;
  }
  return nullptr;
}

const OnnxAttribute* OnnxScope::find(const OnnxNode& node, const std::string& name,
                                     OnnxAttributeType type) const {
  const OnnxAttribute* attribute = find(node, name);
  if (attribute != nullptr && attribute->type != static_cast<int64_t>(type)) {
    throw error(node, "attribute " + quote(name) + " of type " + std::to_string(attribute->type),
                "type " + std::to_string(static_cast<int64_t>(type)));
  }
  return attribute;
}

int64_t OnnxScope::integer(const OnnxNode& node, const std::string& name, int64_t otherwise) const {
  const auto* attribute = find(node, name, OnnxAttributeType::kInt);
  return attribute == nullptr ? otherwise : attribute->integer;
}

double OnnxScope::real(const OnnxNode& node, const std::string& name, double otherwise) const {
  const auto* attribute = find(node, name, OnnxAttributeType::kFloat);
  if (attribute == nullptr) return otherwise;
  if (!std::isfinite(attribute->real)) throw error(node, "attribute " + quote(name), "a finite number");
  return attribute->real;
}

std::string OnnxScope::text(const OnnxNode& node, const std::string& name,
                            const std::string& otherwise) const {
  const auto* attribute = find(node, name, OnnxAttributeType::kString);
  return attribute == nullptr ? otherwise : attribute->text;
}

std::vector<int64_t> OnnxScope::integers(const OnnxNode& node, const std::string& name,
                                         const std::vector<int64_t>& otherwise) const {
  const auto* attribute = find(node, name, OnnxAttributeType::kInts);
  return attribute == nullptr ? otherwise : attribute->integers;
}

void OnnxScope::charge(const OnnxNode& node, int64_t count) {
  if (count > budget_) {
    throw error(node, "far more numbers than the file has bytes", "fewer: the file may be damaged");
  }
  budget_ -= count;
}

int64_t OnnxScope::count(const OnnxNode& node, const std::vector<int64_t>& shape) const {
  const int64_t values = element_count(shape);
  if (values <= 0 || values > kMostValues || shape.size() > 64) {
    throw error(node, "values of shape " + to_string(shape), "1 to 2^28 values");
  }
  return values;
}

LayerSite OnnxScope::site(const OnnxNode& node) {
  return {label(node),
          [&](const std::string& got, const std::string& wanted) { return error(node, got, wanted); },
          [&](int64_t count) { charge(node, count); }};
}

InputError OnnxScope::error(const OnnxNode& node, const std::string& got, const std::string& wanted) const {
  return {file_, "node " + quote(label(node)) + " (" + node.op.substr(0, 80) + ")", got, wanted};
}

}  // namespace verissim::network
