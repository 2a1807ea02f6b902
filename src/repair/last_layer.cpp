#include "repair/last_layer.h"

#include <Eigen/Dense>
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "repair/least_change.h"
#include "repair/matrix.h"
#include "train/finite.h"
#include "train/forward.h"

namespace verissim::repair {
namespace {

// Of the features' mean square, added to it: what no sample uses may change, but not without limit.
constexpr double kRidge = 0.1;
// Rounding the weights to float32 moves margins by far less than the tolerance of the program, unless the
// weights are huge; then it is solved again for margins larger by what was missing.
constexpr int kAttempts = 4;
constexpr int64_t kChunk = 4096;

int64_t layers_with_weights(const network::Network& network) {
  return std::count_if(network.nodes.begin(), network.nodes.end(), [](const network::Node& node) {
    return std::holds_alternative<network::Dense>(node.op) ||
           std::holds_alternative<network::Conv2d>(node.op);
  });
}

// The part of the network before its last layer. Nodes that lead elsewhere do not matter.
network::Network before_last(const network::Network& network) {
  const auto kept = network.nodes.back().inputs.front() + 1;
  return {network.input, {network.nodes.begin(), network.nodes.begin() + kept}};
}

bool same_weights(const network::Network& a, const network::Network& b) {
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    const auto same = [&](const auto& layer) {
      const auto& other = std::get<std::decay_t<decltype(layer)>>(b.nodes[i].op);
      return layer.weight == other.weight && layer.bias == other.bias;
    };
    const auto* dense = std::get_if<network::Dense>(&a.nodes[i].op);
    const auto* conv = std::get_if<network::Conv2d>(&a.nodes[i].op);
    if ((dense != nullptr && !same(*dense)) || (conv != nullptr && !same(*conv))) return false;
  }
  return true;
}

// The features and, behind them, the bias's 1; count x (features + 1).
template <typename T>
RowMajor features_of(const network::Network& body, std::span<const T> images) {
  const std::vector<T> values = train::scores(body, images);
  const int64_t width = body.outputs();
  const int64_t count = static_cast<int64_t>(values.size()) / width;
  RowMajor result(count, width + 1);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t k = 0; k < width; ++k) result(i, k) = values[static_cast<size_t>(i * width + k)];
    result(i, width) = 1.0;
  }
  return result;
}

RowMajor second_moments(const network::Network& body, const train::Samples& samples) {
  const int64_t width = body.outputs() + 1;
  RowMajor sum = RowMajor::Zero(width, width);
  for (int64_t first = 0; first < samples.count(); first += kChunk) {
    const int64_t size = std::min(kChunk, samples.count() - first);
    const auto images = std::span(samples.images)
                            .subspan(static_cast<size_t>(first * samples.shape.size()),
                                     static_cast<size_t>(size * samples.shape.size()));
    const RowMajor features = features_of(body, images);
    sum.noalias() += features.transpose() * features;
  }
  sum /= static_cast<double>(samples.count());
  sum.diagonal().array() += kRidge * sum.diagonal().mean();
  return sum;
}

// The layer's weights with the biases as a last column.
RowMajor joined(const network::Dense& layer) {
  RowMajor result(layer.out, layer.in + 1);
  result.leftCols(layer.in) = Eigen::Map<const RowMajor>(layer.weight.data(), layer.out, layer.in);
  result.col(layer.in) = Eigen::Map<const Eigen::VectorXd>(layer.bias.data(), layer.out);
  return result;
}

void put(const RowMajor& weights, network::Dense& layer) {
  const auto rounded = [](double value) { return static_cast<double>(static_cast<float>(value)); };
  for (int64_t k = 0; k < layer.out; ++k) {
    for (int64_t i = 0; i < layer.in; ++i) {
      layer.weight[static_cast<size_t>(k * layer.in + i)] = rounded(weights(k, i));
    }
    layer.bias[static_cast<size_t>(k)] = rounded(weights(k, layer.in));
  }
}

// A layer before the last one and what was computed of it.
struct Body {
  network::Network network;
  LeastChange program;
};

class LastLayerMethod : public Method {
 public:
  LastLayerMethod(const train::Samples& samples, const MethodOptions& options)
      : samples_(samples), layers_(options.layers) {}

  Improvement improve(const Work& work, const StopToken& stop) override {
    Improvement best{work.start, count_wrong(work.pool, work.start, work.margins), 0};
    if (best.wrong == 0 || !may_change(work.start) || stop.stop_requested()) return best;
    best.epochs = prepare(work.start);
    const network::Network base = base_of(work);
    const RowMajor features = features_of(body_->network, work.pool.values());
    const RowMajor weights = joined(std::get<network::Dense>(base.nodes.back().op));
    const RowMajor scores = features * weights.transpose();
    std::vector<double> wanted = margins_of_points(work);
    const std::vector<double> least = wanted;
    for (int attempt = 0; attempt < kAttempts && best.wrong > 0; ++attempt) {
      const Demands demands{view(features), view(scores), work.pool.labels(), wanted, base.outputs()};
      const Change change = body_->program.solve(demands, stop);
      network::Network changed = base;
      put(weights + Eigen::Map<const RowMajor>(change.weights.data(), weights.rows(), weights.cols()),
          std::get<network::Dense>(changed.nodes.back().op));
      if (!train::is_finite(changed)) break;
      raise(wanted, least, work.pool.margins(changed));
      consider(std::move(changed), work, best);
      if (!change.met) break;
    }
    return best;
  }

  bool only_grows() const override { return true; }

 private:
  static std::span<const double> view(const RowMajor& matrix) {
    return {matrix.data(), static_cast<size_t>(matrix.size())};
  }

  bool may_change(const network::Network& network) const {
    const bool allowed = layers_.empty() || std::find(layers_.begin(), layers_.end(),
                                                      layers_with_weights(network)) != layers_.end();
    return allowed && std::holds_alternative<network::Dense>(network.nodes.back().op);
  }

  // Returns how many passes over the samples it took: none if the layers before the last one are known.
  int64_t prepare(const network::Network& network) {
    network::Network body = before_last(network);
    if (body_ && same_weights(body, body_->network)) return 0;
    const RowMajor metric = second_moments(body, samples_);
    body_.reset();
    body_.emplace(Body{std::move(body), LeastChange(view(metric), metric.rows())});
    return 1;
  }

  // The network whose last layer is to change least.
  network::Network base_of(const Work& work) const {
    return same_weights(body_->network, before_last(work.original)) ? work.original : work.start;
  }

  static std::vector<double> margins_of_points(const Work& work) {
    std::vector<double> result;
    for (const int64_t target : work.pool.targets()) {
      result.push_back(work.margins[static_cast<size_t>(target)]);
    }
    return result;
  }

  static void consider(network::Network changed, const Work& work, Improvement& best) {
    const int64_t wrong = count_wrong(work.pool, changed, work.margins);
    if (wrong >= best.wrong) return;
    best.network = std::move(changed);
    best.wrong = wrong;
  }

  static void raise(std::vector<double>& wanted, const std::vector<double>& least,
                    const std::vector<double>& reached) {
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] += 2 * std::max(0.0, least[i] - reached[i]);
  }

  const train::Samples& samples_;
  std::vector<int64_t> layers_;
  std::optional<Body> body_;
};

}  // namespace

std::unique_ptr<Method> make_last_layer_method(const train::Samples& samples, const MethodOptions& options) {
  return std::make_unique<LastLayerMethod>(samples, options);
}

}  // namespace verissim::repair
