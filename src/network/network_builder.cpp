#include "network/network_builder.h"

#include <cmath>
#include <utility>

#include "base/error.h"
#include "network/conv_extent.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

std::string shape_text(const NamedTensor& named) { return "shape " + to_string(named.tensor.shape); }

// "[2, 5]": the place of a flat index.
std::string index_text(const std::vector<int64_t>& shape, size_t flat) {
  std::vector<int64_t> index(shape.size());
  auto rest = static_cast<int64_t>(flat);
  for (size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) index[axis] = rest % shape[axis];
  return to_string(index);
}

bool is_positive(const std::vector<int64_t>& shape) { return element_count(shape) > 0; }

constexpr int64_t kMostImageValues = INT64_C(1) << 28;

}  // namespace

NetworkBuilder::NetworkBuilder(std::string file, InputHint hint) : file_(std::move(file)), hint_(hint) {
  network_.nodes.push_back({Input{}, {}, 0, "input"});
}

void NetworkBuilder::linear(const std::string& name, const LayerTensors& tensors) {
  const NamedTensor& weight = *tensors.weight;
  const auto& shape = weight.tensor.shape;
  if (shape.size() != 2 || !is_positive(shape)) {
    throw InputError(file_, quote(weight.key), shape_text(weight), "[outputs, inputs] of a Linear layer");
  }
  if (network_.input.size() == 0) set_flat_input(weight, shape[1]);
  if (form_ == Form::kImage) {
    throw InputError(file_, quote(name), "a Linear layer on images of " + to_string(shape_),
                     "a Flatten before it");
  }
  if (shape[1] != network_.outputs()) {
    throw InputError(file_, quote(weight.key), shape_text(weight),
                     std::to_string(network_.outputs()) + " columns, as many as layer " + quote(last_layer_) +
                         " has outputs");
  }
  Dense dense{shape[1], shape[0], values(weight), bias_values(tensors.bias, shape[0])};
  append(std::move(dense), shape[0], name);
  add_slots(tensors);
  last_layer_ = name;
  form_ = Form::kFlat;
}

void NetworkBuilder::conv2d(const std::string& name, const LayerTensors& tensors,
                            const ConvSettings& settings) {
  const NamedTensor& weight = *tensors.weight;
  const auto& shape = weight.tensor.shape;
  const auto refuse = [&](const std::string& wanted) {
    return InputError(file_, quote(weight.key), shape_text(weight), wanted);
  };
  if (form_ == Form::kFlat) {
    throw InputError(file_, quote(name), "a Conv2d layer on flat values", "one on images");
  }
  if (shape.size() != 4 || !is_positive(shape))
    throw refuse("[out channels, in channels / groups, height, width]");
  if (network_.input.size() == 0) set_image_input(name);
  if (shape_.channels != shape[1] * settings.groups || shape[0] % settings.groups != 0) {
    throw refuse("a kernel for " + std::to_string(shape_.channels) + " channels in " +
                 std::to_string(settings.groups) + " groups");
  }
  Conv2d conv{shape_,
              {},
              shape[2],
              shape[3],
              settings.stride_h,
              settings.stride_w,
              settings.pad_h,
              settings.pad_w,
              settings.dilation_h,
              settings.dilation_w,
              settings.groups,
              values(weight),
              bias_values(tensors.bias, shape[0])};
  conv.out = shape_ = conv_output(name, conv, shape[0]);
  append(std::move(conv), shape_.size(), name);
  add_slots(tensors);
  last_layer_ = name;
  form_ = Form::kImage;
}

Shape NetworkBuilder::conv_output(const std::string& name, const Conv2d& conv, int64_t channels) const {
  const Shape out{channels,
                  conv_extent(conv.in.height, conv.pad_h, conv.dilation_h, conv.kernel_h, conv.stride_h),
                  conv_extent(conv.in.width, conv.pad_w, conv.dilation_w, conv.kernel_w, conv.stride_w)};
  const int64_t count = element_count(std::vector<int64_t>{out.channels, out.height, out.width});
  if (count > kMostImageValues) {
    throw InputError(file_, quote(name), "an output of " + to_string(out), "at most 2^28 values");
  }
  if (count <= 0) {
    throw InputError(file_, quote(name), "images of " + to_string(conv.in),
                     "larger ones: the kernel does not fit");
  }
  return out;
}

// Before the first layer with weights the number of values is not known, so the size is set when it is.
void NetworkBuilder::relu(const std::string& name) { append(Relu{}, network_.outputs(), name); }

// Values are stored in C, H, W order throughout, so nothing moves.
void NetworkBuilder::flatten() { form_ = Form::kFlat; }

void NetworkBuilder::layer(const std::string& name, const std::vector<NamedTensor>& tensors,
                           const Make& make) {
  if (network_.input.size() == 0) set_image_input(name);
  const LayerSite site{name,
                       [&](const std::string& got, const std::string& wanted) {
                         return InputError(file_, quote(name), got, wanted);
                       },
                       [&](int64_t count) {
                         budget_ -= count;
                         if (budget_ < 0)
                           throw InputError(file_, quote(name), "far too many values", "fewer");
                       }};
  Signal x{static_cast<int>(network_.nodes.size()) - 1, {1, network_.outputs()}, nullptr, false};
  if (form_ != Form::kFlat) x.shape = {1, shape_.channels, shape_.height, shape_.width};
  GraphBuilder graph = GraphBuilder::behind(std::move(network_));
  const Signal y = graph.in_order(name, make(graph, site, x));
  traces_.merge(graph.traces());
  network_ = graph.release(y);
  form_ = y.shape.size() == 4 ? Form::kImage : Form::kFlat;
  if (form_ == Form::kImage) shape_ = {y.shape[1], y.shape[2], y.shape[3]};
  for (const NamedTensor& named : tensors) {
    layout_.push_back(
        {named.key, named.tensor.dtype, named.tensor.shape, SlotRole::kOther, 0, named.tensor.bytes});
  }
}

std::vector<double> NetworkBuilder::numbers(const NamedTensor& named, int64_t count) const {
  if (named.tensor.shape != std::vector<int64_t>{count}) {
    throw InputError(file_, quote(named.key), shape_text(named), "[" + std::to_string(count) + "]");
  }
  return values(named);
}

int64_t NetworkBuilder::channels(const std::string& name) {
  if (network_.input.size() == 0) set_image_input(name);
  return form_ == Form::kFlat ? network_.outputs() : shape_.channels;
}

Network NetworkBuilder::finish() {
  if (layout_.empty()) throw InputError(file_, "", "no layer with weights", "Linear or Conv2d layers");
  check(network_);
  return std::move(network_);
}

void NetworkBuilder::set_input(const Shape& shape, InputSource source) {
  network_.input = shape_ = shape;
  input_source_ = source;
  for (Node& node : network_.nodes) node.size = shape.size();
  last_layer_ = "input";
}

void NetworkBuilder::set_flat_input(const NamedTensor& weight, int64_t count) {
  if (hint_.given) {
    if (hint_.given->size() == count) return set_input(*hint_.given, InputSource::kGiven);
    throw InputError(
        file_, quote(weight.key), shape_text(weight),
        std::to_string(hint_.given->size()) + " columns for images of " + to_string(*hint_.given));
  }
  if (hint_.from_name && hint_.from_name->size() == count) {
    return set_input(*hint_.from_name, InputSource::kFileName);
  }
  set_input({1, 1, count}, InputSource::kFlat);
}

void NetworkBuilder::set_image_input(const std::string& name) {
  const std::optional<Shape>& shape = hint_.given ? hint_.given : hint_.from_name;
  if (shape && shape->size() > kMostImageValues) {
    throw InputError(file_, quote(name), "images of " + to_string(*shape), "at most 2^28 values");
  }
  if (shape) return set_input(*shape, hint_.given ? InputSource::kGiven : InputSource::kFileName);
  throw InputError(file_, quote(name), "a convolution, which fits images of many sizes",
                   "the input's channels, height and width (--dimension C,H,W)");
}

void NetworkBuilder::append(Op op, int64_t size, const std::string& name) {
  const int last = static_cast<int>(network_.nodes.size()) - 1;
  network_.nodes.push_back({std::move(op), {last}, size, name});
}

void NetworkBuilder::add_slots(const LayerTensors& tensors) {
  const int node = static_cast<int>(network_.nodes.size()) - 1;
  const auto add = [&](const NamedTensor& named, SlotRole role) {
    layout_.push_back({named.key, named.tensor.dtype, named.tensor.shape, role, node, {}});
  };
  add(*tensors.weight, SlotRole::kWeight);
  if (tensors.bias != nullptr) add(*tensors.bias, SlotRole::kBias);
  NodeTrace trace{.weight = tensors.weight->tensor.trace};
  if (tensors.bias != nullptr) trace.bias = tensors.bias->tensor.trace;
  if (trace.weight || trace.bias) traces_[node] = std::move(trace);
}

std::vector<double> NetworkBuilder::values(const NamedTensor& named) const {
  if (!is_floating(named.tensor.dtype)) {
    throw InputError(file_, quote(named.key), to_string(named.tensor.dtype), "floating-point weights");
  }
  std::vector<double> result = decode(named.tensor);
  for (size_t k = 0; k < result.size(); ++k) {
    if (std::isfinite(result[k])) continue;
    throw InputError(file_, quote(named.key) + " " + index_text(named.tensor.shape, k),
                     std::isnan(result[k]) ? "NaN" : "infinity", "finite numbers");
  }
  return result;
}

std::vector<double> NetworkBuilder::bias_values(const NamedTensor* bias, int64_t count) const {
  if (bias == nullptr) return std::vector<double>(static_cast<size_t>(count), 0.0);
  if (bias->tensor.shape != std::vector<int64_t>{count}) {
    throw InputError(file_, quote(bias->key), shape_text(*bias), "[" + std::to_string(count) + "]");
  }
  return values(*bias);
}

}  // namespace verissim::network
