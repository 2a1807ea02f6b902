#include "train/torch/model.h"

#include <utility>
#include <variant>

#include "base/error.h"

namespace verissim::train {
namespace {

torch::Tensor make_parameter(const std::vector<double>& values, at::IntArrayRef shape) {
  torch::Tensor tensor = torch::empty(shape, torch::kFloat32);
  auto* data = tensor.data_ptr<float>();
  for (const double value : values) *data++ = static_cast<float>(value);
  return tensor.set_requires_grad(true);
}

Parameters make_parameters(const network::Op& op) {
  if (const auto* dense = std::get_if<network::Dense>(&op)) {
    return {make_parameter(dense->weight, {dense->out, dense->in}),
            make_parameter(dense->bias, {dense->out})};
  }
  if (const auto* conv = std::get_if<network::Conv2d>(&op)) {
    const int64_t fan = conv->in.channels / conv->groups;
    return {make_parameter(conv->weight, {conv->out.channels, fan, conv->kernel_h, conv->kernel_w}),
            make_parameter(conv->bias, {conv->out.channels})};
  }
  return {};
}

void copy_values(const torch::Tensor& from, std::vector<double>& to) {
  const auto* data = from.data_ptr<float>();
  for (double& value : to) value = *data++;
}

torch::Tensor convolve(const network::Conv2d& conv, const Parameters& parameters, const torch::Tensor& x) {
  const torch::Tensor planes = x.view({x.size(0), conv.in.channels, conv.in.height, conv.in.width});
  const torch::Tensor y =
      torch::conv2d(planes, parameters.weight, parameters.bias, {conv.stride_h, conv.stride_w},
                    {conv.pad_h, conv.pad_w}, {conv.dilation_h, conv.dilation_w}, conv.groups);
  return y.reshape({x.size(0), conv.out.size()});
}

// A column of zeros behind the values stands for the index -1.
torch::Tensor gather(const network::Gather& picks, const torch::Tensor& x) {
  const torch::Tensor padded = torch::cat({x, torch::zeros({x.size(0), 1})}, 1);
  const torch::Tensor y = padded.index_select(1, index_of(picks, x.size(1)));
  return picks.negated ? -y : y;
}

}  // namespace

torch::Tensor index_of(const network::Gather& picks, int64_t missing) {
  torch::Tensor index = torch::empty({static_cast<int64_t>(picks.index.size())}, torch::kInt64);
  auto* data = index.data_ptr<int64_t>();
  for (const int64_t i : picks.index) *data++ = i < 0 ? missing : i;
  return index;
}

Model::Model(network::Network network) : network_(std::move(network)) {
  for (const network::Node& node : network_.nodes) parameters_.push_back(make_parameters(node.op));
}

std::vector<Parameters> Model::layers() const {
  std::vector<Parameters> result;
  for (const Parameters& each : parameters_) {
    if (each.weight.defined()) result.push_back(each);
  }
  return result;
}

torch::Tensor Model::value(size_t i, const std::vector<torch::Tensor>& values) const {
  const network::Node& node = network_.nodes[i];
  const auto operand = [&](size_t k) -> const torch::Tensor& {
    return values[static_cast<size_t>(node.inputs[k])];
  };
  if (std::holds_alternative<network::Dense>(node.op)) {
    return torch::addmm(parameters_[i].bias, operand(0), parameters_[i].weight.t());
  }
  if (const auto* conv = std::get_if<network::Conv2d>(&node.op))
    return convolve(*conv, parameters_[i], operand(0));
  if (std::holds_alternative<network::Relu>(node.op)) return torch::relu(operand(0));
  if (const auto* picks = std::get_if<network::Gather>(&node.op)) return gather(*picks, operand(0));
  VERISSIM_CHECK(std::holds_alternative<network::Add>(node.op));
  return operand(0) + operand(1);
}

torch::Tensor Model::linear(size_t node, const torch::Tensor& x, bool absolute) const {
  const network::Op& op = network_.nodes[node].op;
  if (const auto* picks = std::get_if<network::Gather>(&op)) {
    const torch::Tensor y = gather(*picks, x);
    return absolute && picks->negated ? -y : y;
  }
  const torch::Tensor weight = absolute ? parameters_[node].weight.abs() : parameters_[node].weight;
  if (const auto* conv = std::get_if<network::Conv2d>(&op)) return convolve(*conv, {weight, {}}, x);
  VERISSIM_CHECK(std::holds_alternative<network::Dense>(op));
  return torch::mm(x, weight.t());
}

std::vector<torch::Tensor> Model::values(torch::Tensor x) const {
  std::vector<torch::Tensor> values;
  values.reserve(network_.nodes.size());
  values.push_back(std::move(x));
  for (size_t i = 1; i < network_.nodes.size(); ++i) values.push_back(value(i, values));
  return values;
}

network::Network Model::snapshot() const {
  network::Network result = network_;
  for (size_t i = 0; i < result.nodes.size(); ++i) {
    const auto copy = [&](auto& layer) {
      copy_values(parameters_[i].weight, layer.weight);
      copy_values(parameters_[i].bias, layer.bias);
    };
    if (auto* dense = std::get_if<network::Dense>(&result.nodes[i].op)) copy(*dense);
    if (auto* conv = std::get_if<network::Conv2d>(&result.nodes[i].op)) copy(*conv);
  }
  return result;
}

}  // namespace verissim::train
