// The learner of learner.h in LibTorch; compiled into the module only.
//
// Shapes: values of a node are batch x size; convolutions see them as batch x C x H x W.
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/nn/functional/loss.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>
#include <torch/version.h>

#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/version.h"
#include "train/torch/module.h"

namespace verissim::train {
namespace {

// The weight and bias of a node; undefined tensors for nodes that have none.
struct Parameters {
  torch::Tensor weight;
  torch::Tensor bias;
};

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
  const auto count = static_cast<int64_t>(picks.index.size());
  torch::Tensor index = torch::empty({count}, torch::kInt64);
  auto* data = index.data_ptr<int64_t>();
  for (const int64_t i : picks.index) *data++ = i < 0 ? x.size(1) : i;
  const torch::Tensor y = torch::cat({x, torch::zeros({x.size(0), 1})}, 1).index_select(1, index);
  return picks.negated ? -y : y;
}

// A view of memory that outlives it; LibTorch has no read-only tensors, and nothing here writes to it.
template <typename T>
torch::Tensor view_of(std::span<const T> values, at::IntArrayRef shape) {
  return torch::from_blob(const_cast<T*>(values.data()), shape, c10::CppTypeToScalarType<T>::value);
}

// Holds LibTorch and OpenBLAS, which LibTorch may call and which has a setting of its own, to one thread.
class OneThread {
 public:
  OneThread() : torch_threads_(at::get_num_threads()) {
    at::set_num_threads(1);
    using Get = int (*)();
    const auto get = reinterpret_cast<Get>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
    set_blas_ = reinterpret_cast<Set>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    if (get != nullptr && set_blas_ != nullptr) blas_threads_ = get();
    if (blas_threads_ > 1) set_blas_(1);
  }
  ~OneThread() {
    at::set_num_threads(torch_threads_);
    if (blas_threads_ > 1) set_blas_(blas_threads_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  using Set = void (*)(int);
  int torch_threads_;
  int blas_threads_ = 0;
  Set set_blas_ = nullptr;
};

// By what an optimiser finds a parameter's state: a text in LibTorch 1, the address in LibTorch 2.
using StateKey = std::decay_t<decltype(std::declval<torch::optim::Optimizer&>().state())>::key_type;
template <typename Key = StateKey>
Key key_of(const torch::Tensor& parameter) {
  if constexpr (std::is_same_v<Key, std::string>) {
    std::ostringstream text;
    text << parameter.unsafeGetTensorImpl();
    return text.str();
  } else {
    return parameter.unsafeGetTensorImpl();
  }
}

int64_t count_correct(const torch::Tensor& scores, const torch::Tensor& labels) {
  return scores.detach().argmax(1).eq(labels).sum().item<int64_t>();
}

// See Penalty.
torch::Tensor penalty_term(const torch::Tensor& scores, const Penalty& penalty) {
  const auto count = static_cast<int64_t>(penalty.labels.size());
  const torch::Tensor weights = view_of(penalty.weights, {count});
  if (penalty.cross_entropy) {
    const torch::Tensor classes = view_of(penalty.labels, {count});
    return (weights * torch::cross_entropy_loss(scores, classes, {}, at::Reduction::None)).sum();
  }
  const torch::Tensor labels = view_of(penalty.labels, {count}).unsqueeze(1);
  const torch::Tensor own = scores.gather(1, labels).squeeze(1);
  const torch::Tensor rival = std::get<0>(scores.scatter(1, labels, -INFINITY).max(1));
  const torch::Tensor margins = view_of(penalty.margins, {count});
  return (weights * torch::relu(margins - (own - rival))).sum();
}

class TorchLearner : public Learner {
 public:
  TorchLearner(network::Network network, const Samples& samples, const Optimiser& optimiser)
      : network_(std::move(network)),
        images_(view_of(std::span(samples.images), {samples.count(), samples.shape.size()})),
        labels_(view_of(std::span(samples.labels), {samples.count()})) {
    std::vector<torch::Tensor> tensors;
    for (const network::Node& node : network_.nodes) {
      parameters_.push_back(make_parameters(node.op));
      if (!parameters_.back().weight.defined()) continue;
      tensors.push_back(parameters_.back().weight);
      tensors.push_back(parameters_.back().bias);
    }
    if (optimiser.kind == OptimiserKind::kAdam) {
      optimiser_ = std::make_unique<torch::optim::Adam>(std::move(tensors),
                                                        torch::optim::AdamOptions(optimiser.learning_rate));
    } else {
      optimiser_ = std::make_unique<torch::optim::SGD>(
          std::move(tensors), torch::optim::SGDOptions(optimiser.learning_rate).momentum(optimiser.momentum));
    }
  }

  Step step(std::span<const int64_t> batch, const Penalty& penalty) override {
    const torch::Tensor index = view_of(batch, {static_cast<int64_t>(batch.size())});
    const torch::Tensor labels = labels_.index_select(0, index);
    const torch::Tensor scores = forward(images_.index_select(0, index));
    torch::Tensor loss = torch::cross_entropy_loss(scores, labels);
    Step result;
    result.loss = loss.item<double>();
    result.correct = count_correct(scores, labels);
    if (!penalty.labels.empty()) {
      const auto count = static_cast<int64_t>(penalty.labels.size());
      const torch::Tensor term =
          penalty_term(forward(view_of(penalty.images, {count, images_.size(1)})), penalty);
      result.penalty = term.item<double>();
      loss = loss + term;
    }
    optimiser_->zero_grad();
    loss.backward();
    optimiser_->step();
    return result;
  }

  std::vector<std::vector<float>> momenta() const override {
    std::vector<std::vector<float>> result;
    for (const torch::Tensor& parameter : optimiser_->param_groups().front().params()) {
      const auto found = optimiser_->state().find(key_of(parameter));
      if (found == optimiser_->state().end()) return {};
      const auto* state = dynamic_cast<const torch::optim::SGDParamState*>(found->second.get());
      if (state == nullptr || !state->momentum_buffer().defined()) return {};
      const torch::Tensor buffer = state->momentum_buffer().contiguous();
      result.emplace_back(buffer.data_ptr<float>(), buffer.data_ptr<float>() + buffer.numel());
    }
    return result;
  }

  void set_momenta(const std::vector<std::vector<float>>& momenta) override {
    if (momenta.empty()) return;
    const std::vector<torch::Tensor>& tensors = optimiser_->param_groups().front().params();
    VERISSIM_CHECK(momenta.size() == tensors.size());
    for (size_t i = 0; i < momenta.size(); ++i) {
      auto state = std::make_unique<torch::optim::SGDParamState>();
      state->momentum_buffer(view_of(std::span(momenta[i]), tensors[i].sizes()).clone());
      optimiser_->state()[key_of(tensors[i])] = std::move(state);
    }
  }

  network::Network network() const override {
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

 private:
  torch::Tensor value(size_t i, const std::vector<torch::Tensor>& values) const {
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

  torch::Tensor forward(torch::Tensor x) const {
    std::vector<torch::Tensor> values;
    values.reserve(network_.nodes.size());
    values.push_back(std::move(x));
    for (size_t i = 1; i < network_.nodes.size(); ++i) values.push_back(value(i, values));
    return values.back();
  }

  OneThread one_thread_;
  network::Network network_;
  torch::Tensor images_;
  torch::Tensor labels_;
  std::vector<Parameters> parameters_;  // one for each node
  std::unique_ptr<torch::optim::Optimizer> optimiser_;
};

std::unique_ptr<Learner> make_torch_learner(const network::Network& network, const Samples& samples,
                                            const Optimiser& optimiser) {
  return std::make_unique<TorchLearner>(network, samples, optimiser);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const ModuleInterface verissim_torch_module;
const ModuleInterface verissim_torch_module{kVersion, TORCH_VERSION, make_torch_learner};

}  // namespace verissim::train
