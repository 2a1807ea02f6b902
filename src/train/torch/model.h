// A network's weights as tensors of LibTorch, and its evaluation on them; compiled into the module only.
//
// Shapes: values of a node are batch x size; convolutions see them as batch x C x H x W.
#pragma once

#include <torch/types.h>

#include <span>
#include <vector>

#include "network/network.h"

namespace verissim::train {

// The weight and bias of a node; undefined tensors for nodes that have none.
struct Parameters {
  torch::Tensor weight;
  torch::Tensor bias;
};

class Model {
 public:
  // float32 copies of the weights, with gradients.
  explicit Model(network::Network network);

  const network::Network& network() const { return network_; }
  const Parameters& parameters(size_t node) const { return parameters_[node]; }
  // The layers with weights, in order.
  std::vector<Parameters> layers() const;
  // The values of all nodes.
  std::vector<torch::Tensor> values(torch::Tensor x) const;
  torch::Tensor forward(torch::Tensor x) const { return values(std::move(x)).back(); }
  // A dense, convolutional or gathering node's values without its bias; with the absolute values of its
  // weights if `absolute`.
  torch::Tensor linear(size_t node, const torch::Tensor& x, bool absolute) const;
  // The network with the present weights.
  network::Network snapshot() const;

 private:
  torch::Tensor value(size_t i, const std::vector<torch::Tensor>& values) const;

  network::Network network_;
  std::vector<Parameters> parameters_;  // one for each node
};

// The picks as an index; `missing` stands for -1.
torch::Tensor index_of(const network::Gather& picks, int64_t missing);

// A view of memory that outlives it; LibTorch has no read-only tensors, and nothing here writes to it.
template <typename T>
torch::Tensor view_of(std::span<const T> values, at::IntArrayRef shape) {
  return torch::from_blob(const_cast<T*>(values.data()), shape, c10::CppTypeToScalarType<T>::value);
}

}  // namespace verissim::train
