// The learner of learner.h in LibTorch; compiled into the module only.
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/nn/functional/loss.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/version.h"
#include "train/torch/bounder.h"
#include "train/torch/model.h"
#include "train/torch/module.h"

namespace verissim::train {
namespace {

constexpr int64_t kImagesAtOnce = 1000;

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

// The k-th of a sequence that fills [0, 1) evenly, for an irrational step.
double spread(int64_t k, double step) {
  const double at = static_cast<double>(k) * step;
  return at - std::floor(at);
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

// |w - original w|^2 / |original w|^2 over all layers.
torch::Tensor relative_change(const std::vector<Parameters>& layers,
                              const std::vector<Parameters>& original) {
  torch::Tensor change = torch::zeros({});
  torch::Tensor size = torch::zeros({});
  for (size_t i = 0; i < layers.size(); ++i) {
    change = change + (layers[i].weight - original[i].weight).square().sum() +
             (layers[i].bias - original[i].bias).square().sum();
    size = size + original[i].weight.square().sum() + original[i].bias.square().sum();
  }
  return change / size.clamp_min(1e-12);
}

// The rest of the network's layers get no gradients.
std::vector<torch::Tensor> free_tensors(const Model& model, const std::vector<int64_t>& chosen) {
  std::vector<torch::Tensor> tensors;
  int64_t number = 0;
  for (const Parameters& layer : model.layers()) {
    ++number;
    const bool frozen = !chosen.empty() && std::find(chosen.begin(), chosen.end(), number) == chosen.end();
    for (torch::Tensor tensor : {layer.weight, layer.bias}) {
      tensor.set_requires_grad(!frozen);
      if (!frozen) tensors.push_back(tensor);
    }
  }
  return tensors;
}

std::unique_ptr<torch::optim::Optimizer> make_optimiser(std::vector<torch::Tensor> tensors,
                                                        const Optimiser& optimiser) {
  if (optimiser.kind == OptimiserKind::kAdam) {
    return std::make_unique<torch::optim::Adam>(std::move(tensors),
                                                torch::optim::AdamOptions(optimiser.learning_rate));
  }
  return std::make_unique<torch::optim::SGD>(
      std::move(tensors), torch::optim::SGDOptions(optimiser.learning_rate).momentum(optimiser.momentum));
}

class TorchLearner : public Learner {
 public:
  TorchLearner(const network::Network& network, const Samples& samples, const Optimiser& optimiser,
               const Extras& extras)
      : model_(network),
        extras_(extras),
        images_(view_of(std::span(samples.images), {samples.count(), samples.shape.size()})),
        labels_(view_of(std::span(samples.labels), {samples.count()})) {
    if (extras_.keep.original != nullptr) original_ = std::make_unique<Model>(*extras_.keep.original);
    if (original_ != nullptr) {
      for (const Parameters& layer : original_->layers()) {
        layer.weight.set_requires_grad(false);
        layer.bias.set_requires_grad(false);
      }
      if (extras_.keep.outputs > 0) remember_outputs();
    }
    for (const BoundTarget& target : extras_.targets) bounders_.emplace_back(model_, target);
    optimiser_ = make_optimiser(free_tensors(model_, extras_.layers), optimiser);
  }

  Step step(std::span<const int64_t> batch, const Penalty& penalty, const BoundTerm& bound) override {
    const torch::Tensor index = view_of(batch, {static_cast<int64_t>(batch.size())});
    const torch::Tensor labels = labels_.index_select(0, index);
    const torch::Tensor images = images_.index_select(0, index);
    const torch::Tensor scores = model_.forward(images);
    torch::Tensor loss = torch::cross_entropy_loss(scores, labels);
    Step result;
    result.loss = loss.item<double>();
    result.correct = count_correct(scores, labels);
    if (!penalty.labels.empty()) {
      const auto count = static_cast<int64_t>(penalty.labels.size());
      const torch::Tensor points = view_of(penalty.images, {count, images_.size(1)});
      const torch::Tensor term = penalty_term(model_.forward(points), penalty);
      result.penalty = term.item<double>();
      loss = loss + term;
    }
    if (!bound.wanted.empty()) {
      const torch::Tensor term = bound_term(bound);
      result.bound = term.item<double>();
      loss = loss + term;
    }
    loss = loss + keep_term(images, scores, index);
    optimiser_->zero_grad();
    loss.backward();
    optimiser_->step();
    return result;
  }

  std::vector<double> bounds(int64_t target, double scale) override {
    const torch::NoGradGuard guard;
    VERISSIM_CHECK(target >= 0 && target < static_cast<int64_t>(bounders_.size()));
    const torch::Tensor margins =
        Bounder(model_, extras_.targets[static_cast<size_t>(target)]).margins(scale, 1);
    const auto* data = margins.data_ptr<float>();
    return {data, data + margins.size(0)};
  }

  network::Network network() const override { return model_.snapshot(); }

 private:
  void remember_outputs() {
    const torch::NoGradGuard guard;
    std::vector<torch::Tensor> parts;
    for (const torch::Tensor& part : images_.split(kImagesAtOnce)) parts.push_back(original_->forward(part));
    outputs_ = torch::cat(parts);
  }

  torch::Tensor bound_term(const BoundTerm& bound) {
    VERISSIM_CHECK(bound.wanted.size() == bounders_.size());
    torch::Tensor sum = torch::zeros({});
    for (int64_t k = 0; k < std::min(bound.at_a_time, static_cast<int64_t>(bounders_.size())); ++k) {
      const size_t target = next_++ % bounders_.size();
      const torch::Tensor least = bounders_[target].margins(bound.scale, bound.turns).min();
      sum = sum + torch::relu(bound.wanted[target] - least);
    }
    return bound.weight * sum;
  }

  torch::Tensor keep_term(const torch::Tensor& images, const torch::Tensor& scores,
                          const torch::Tensor& index) {
    torch::Tensor sum = torch::zeros({});
    if (outputs_.defined()) {
      const torch::Tensor mixed = mixtures(images);
      const torch::Tensor distance = (scores - outputs_.index_select(0, index)).square().mean() +
                                     (model_.forward(mixed) - answers_of_original(mixed)).square().mean();
      sum = sum + extras_.keep.outputs / 2 * distance;
    }
    if (original_ != nullptr && extras_.keep.weights > 0)
      sum = sum + extras_.keep.weights * relative_change(model_.layers(), original_->layers());
    return sum;
  }

  torch::Tensor answers_of_original(const torch::Tensor& images) const {
    const torch::NoGradGuard guard;
    return original_->forward(images);
  }

  // Each image with its neighbour in the batch, which is in random order.
  torch::Tensor mixtures(const torch::Tensor& images) {
    ++mixed_;
    const double share = spread(mixed_, 0.618033988749895);
    const double contrast = 0.6 + 0.8 * spread(mixed_, 0.754877666246693);
    const torch::Tensor mixed = share * images + (1 - share) * images.roll(1, 0);
    const torch::Tensor mean = mixed.mean(1, true);
    return (mean + contrast * (mixed - mean)).clamp(0, 1);
  }

  OneThread one_thread_;
  Model model_;
  Extras extras_;
  torch::Tensor images_;
  torch::Tensor labels_;
  std::unique_ptr<Model> original_;  // null if nothing is to be kept
  torch::Tensor outputs_;            // the original's on all samples, if they are to be kept
  std::deque<Bounder> bounders_;     // one for each target
  size_t next_ = 0;                  // whose turn it is
  int64_t mixed_ = 0;                // steps that had mixtures
  std::unique_ptr<torch::optim::Optimizer> optimiser_;
};

std::unique_ptr<Learner> make_torch_learner(const network::Network& network, const Samples& samples,
                                            const Optimiser& optimiser, const Extras& extras) {
  return std::make_unique<TorchLearner>(network, samples, optimiser, extras);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const ModuleInterface verissim_torch_module;
const ModuleInterface verissim_torch_module{kVersion, TORCH_VERSION, make_torch_learner};

}  // namespace verissim::train
