#include "repair/detector.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "repair/carry.h"
#include "repair/chain.h"
#include "repair/parting.h"
#include "repair/refit.h"
#include "train/forward.h"

namespace verissim::repair {
namespace {

// Samples on which layers are fitted and neurons judged.
constexpr int64_t kSamplesOfFit = 4000;
constexpr int64_t kSamplesOfMeans = 500;
constexpr int64_t kPlacesOfFit = 20000;
constexpr int64_t kMostValues = INT64_C(1) << 25;
// Of a hidden layer's neurons, one at least, may become detectors.
constexpr int64_t kShare = 4;
// What a detector adds to its class, in spreads of the scores on the samples.
constexpr double kBonus = 300.0;

using Indices = std::vector<int64_t>;

RowMajor values_at(const network::Network& network, size_t node, const train::Samples& samples) {
  const std::vector<double> images(samples.images.begin(), samples.images.end());
  const std::vector<double> values =
      node == 0 ? images : train::scores(up_to(network, node), std::span(images));
  return Eigen::Map<const RowMajor>(values.data(), samples.count(), network.nodes[node].size);
}

// The `count` smallest, in order of their place.
Indices smallest(const Eigen::VectorXd& costs, int64_t count) {
  Indices order(static_cast<size_t>(costs.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return costs[a] < costs[b]; });
  order.resize(static_cast<size_t>(count));
  std::sort(order.begin(), order.end());
  return order;
}

Eigen::VectorXd variances(const RowMajor& values) {
  const Eigen::RowVectorXd mean = values.colwise().mean();
  return (values.rowwise() - mean).colwise().squaredNorm().transpose() / static_cast<double>(values.rows());
}

Eigen::VectorXd per_channel(const Eigen::VectorXd& values, int64_t channels) {
  const int64_t places = values.size() / channels;
  return Eigen::Map<const RowMajor>(values.data(), channels, places).rowwise().mean();
}

// For each input value (of a dense layer) or channel (of a convolution) the squared norm of its weights.
Eigen::VectorXd use_of_inputs(const network::Op& op) {
  if (const auto* dense = std::get_if<network::Dense>(&op))
    return Eigen::Map<const RowMajor>(dense->weight.data(), dense->out, dense->in)
        .colwise()
        .squaredNorm()
        .transpose();
  const auto& conv = std::get<network::Conv2d>(op);
  const int64_t taps = conv.kernel_h * conv.kernel_w;
  Eigen::VectorXd result = Eigen::VectorXd::Zero(conv.in.channels);
  for (size_t i = 0; i < conv.weight.size(); ++i) {
    result[static_cast<int64_t>(i) / taps % conv.in.channels] += conv.weight[i] * conv.weight[i];
  }
  return result;
}

// A network in which detectors have their neurons, and nothing depends on them yet.
struct Prepared {
  network::Network network;
  std::vector<std::vector<size_t>> groups;  // the targets of each detector
  Indices neurons;                          // of the last hidden layer, that the detectors end in
};

class Surgery {
 public:
  Surgery(const network::Network& original, const Chain& chain, const train::Samples& samples)
      : original_(original),
        chain_(chain),
        carry_(original, chain),
        fit_(train::evenly_spread(samples, std::min(kSamplesOfFit, affordable(original)))),
        means_(train::evenly_spread(samples, std::min(kSamplesOfMeans, affordable(original)))) {}

  const Carry& carry() const { return carry_; }

  Prepared prepare(const std::vector<std::vector<size_t>>& groups, const std::vector<Parting>& partings) {
    network_ = original_;
    take_channels();
    const auto count = static_cast<int64_t>(partings.size());
    Indices neurons = take_neurons(0, count);
    auto& first = dense(0);
    const Indices carried = carried_inputs();
    keep_others(0, carried, neurons);
    for (size_t k = 0; k < partings.size(); ++k) {
      const int64_t row = neurons[k] * first.in;
      std::fill_n(first.weight.begin() + row, first.in, 0.0);
      for (size_t i = 0; i < carried.size(); ++i)
        first.weight[static_cast<size_t>(row + carried[i])] = rounded(partings[k].weights[i]);
      first.bias[static_cast<size_t>(neurons[k])] = rounded(partings[k].bias);
    }
    for (size_t layer = 1; layer + 1 < chain_.dense.size(); ++layer) neurons = pass_on(layer, neurons);
    keep_others(chain_.dense.size() - 1, neurons, {});
    return {network_, groups, std::move(neurons)};
  }

 private:
  // Samples of which all values of a layer are in memory at once.
  static int64_t affordable(const network::Network& network) {
    int64_t widest = 1;
    for (const network::Node& node : network.nodes) widest = std::max(widest, node.size);
    return std::max<int64_t>(1, kMostValues / widest);
  }

  static double rounded(double value) { return static_cast<double>(static_cast<float>(value)); }

  network::Dense& dense(size_t layer) {
    return std::get<network::Dense>(network_.nodes[chain_.dense[layer]].op);
  }
  network::Conv2d& convolution(size_t layer) {
    return std::get<network::Conv2d>(network_.nodes[chain_.convolutions[layer]].op);
  }

  // The output channels or neurons of the layer at `node` that matter least to the layer after its ReLU.
  Indices take(size_t node, int64_t channels, int64_t count) const {
    const Eigen::VectorXd spread = variances(values_at(original_, node + 1, means_));
    const Eigen::VectorXd use = use_of_inputs(original_.nodes[node + 2].op);
    if (use.size() == spread.size()) {
      const Eigen::VectorXd costs = spread.cwiseProduct(use);
      return smallest(per_channel(costs, channels), count);
    }
    return smallest(per_channel(spread, channels).cwiseProduct(use), count);
  }

  Indices take_neurons(size_t layer, int64_t count) {
    return take(chain_.dense[layer], dense(layer).out, count);
  }

  void take_channels() {
    Indices before;
    channels_.clear();
    for (size_t layer = 0; layer < chain_.convolutions.size(); ++layer) {
      const network::Conv2d& carrying = carry_.convolutions()[layer];
      network::Conv2d& conv = convolution(layer);
      channels_ = take(chain_.convolutions[layer], conv.out.channels, carrying.out.channels);
      if (layer > 0) forget(layer, before);
      install(carrying, before, conv);
      before = channels_;
    }
  }

  static size_t taps(const network::Conv2d& conv) {
    return static_cast<size_t>(conv.kernel_h * conv.kernel_w);
  }
  static auto filter(network::Conv2d& conv, int64_t out, int64_t in) {
    return conv.weight.begin() + static_cast<std::ptrdiff_t>(taps(conv)) * (out * conv.in.channels + in);
  }

  // The convolution does without these channels of its input.
  void forget(size_t layer, const Indices& channels) {
    network::Conv2d& conv = convolution(layer);
    const size_t node = chain_.convolutions[layer];
    Kept kept{std::vector<bool>(static_cast<size_t>(conv.in.channels) * taps(conv), true),
              std::vector<bool>(static_cast<size_t>(conv.out.channels), true)};
    for (const int64_t channel : channels)
      std::fill_n(kept.inputs.begin() + channel * static_cast<int64_t>(taps(conv)), taps(conv), false);
    const Indices places = places_of_fit(conv.out);
    refit(patches(conv, values_at(network_, node - 1, means_), places),
          pixels(conv.out, values_at(original_, node, means_), places), kept, map_of(conv));
  }

  // Numbers of sample and place together, spread evenly.
  Indices places_of_fit(const Shape& planes) const {
    const int64_t all = means_.count() * planes.height * planes.width;
    Indices result(static_cast<size_t>(std::min(all, kPlacesOfFit)));
    for (size_t k = 0; k < result.size(); ++k)
      result[k] = static_cast<int64_t>(k) * all / static_cast<int64_t>(result.size());
    return result;
  }

  // What the kernel sees there, places x (channels x kernel), of values (samples x conv.in).
  static RowMajor patches(const network::Conv2d& conv, const RowMajor& values, const Indices& places) {
    const int64_t count = static_cast<int64_t>(taps(conv));
    RowMajor result = RowMajor::Zero(static_cast<int64_t>(places.size()), conv.in.channels * count);
    for (size_t k = 0; k < places.size(); ++k) {
      const int64_t place = places[k] % (conv.out.height * conv.out.width);
      const int64_t sample = places[k] / (conv.out.height * conv.out.width);
      for (int64_t i = 0; i < result.cols(); ++i) {
        const int64_t y =
            place / conv.out.width * conv.stride_h - conv.pad_h + i % count / conv.kernel_w * conv.dilation_h;
        const int64_t x =
            place % conv.out.width * conv.stride_w - conv.pad_w + i % conv.kernel_w * conv.dilation_w;
        if (y < 0 || y >= conv.in.height || x < 0 || x >= conv.in.width) continue;
        result(static_cast<int64_t>(k), i) =
            values(sample, (i / count * conv.in.height + y) * conv.in.width + x);
      }
    }
    return result;
  }

  // places x channels, of values (samples x planes).
  static RowMajor pixels(const Shape& planes, const RowMajor& values, const Indices& places) {
    const int64_t size = planes.height * planes.width;
    RowMajor result(static_cast<int64_t>(places.size()), planes.channels);
    for (size_t k = 0; k < places.size(); ++k) {
      for (int64_t channel = 0; channel < planes.channels; ++channel)
        result(static_cast<int64_t>(k), channel) =
            values(places[k] / size, channel * size + places[k] % size);
    }
    return result;
  }

  // `inputs`: the channels before it that carry; those of the image for the first.
  void install(const network::Conv2d& carrying, const Indices& inputs, network::Conv2d& conv) const {
    for (int64_t map = 0; map < carrying.out.channels; ++map) {
      const int64_t out = channels_[static_cast<size_t>(map)];
      std::fill_n(filter(conv, out, 0), taps(conv) * static_cast<size_t>(conv.in.channels), 0.0);
      for (int64_t in = 0; in < carrying.in.channels; ++in) {
        const int64_t from = inputs.empty() ? in : inputs[static_cast<size_t>(in)];
        const auto* source =
            carrying.weight.data() + taps(conv) * static_cast<size_t>(map * carrying.in.channels + in);
        std::transform(source, source + taps(conv), filter(conv, out, from), rounded);
      }
      conv.bias[static_cast<size_t>(out)] = carrying.bias[static_cast<size_t>(map)];
    }
  }

  // Of the first dense layer, in the carry's order.
  Indices carried_inputs() const {
    Indices result(static_cast<size_t>(carry_.size()));
    if (channels_.empty()) {
      std::iota(result.begin(), result.end(), int64_t{0});
      return result;
    }
    const auto places = carry_.size() / static_cast<int64_t>(channels_.size());
    for (int64_t i = 0; i < carry_.size(); ++i)
      result[static_cast<size_t>(i)] = channels_[static_cast<size_t>(i / places)] * places + i % places;
    return result;
  }

  // All outputs of a dense layer but `taken` become what they were, without the inputs `lost`.
  void keep_others(size_t layer, const Indices& lost, const Indices& taken) {
    network::Dense& changed = dense(layer);
    if (layer == 0 && channels_.empty()) return;  // nothing is lost: the inputs are the image
    const size_t node = chain_.dense[layer];
    Kept kept{std::vector<bool>(static_cast<size_t>(changed.in), true),
              std::vector<bool>(static_cast<size_t>(changed.out), true)};
    for (const int64_t input : lost) kept.inputs[static_cast<size_t>(input)] = false;
    for (const int64_t output : taken) kept.outputs[static_cast<size_t>(output)] = false;
    refit(values_at(network_, node - 1, fit_), values_at(original_, node, fit_), kept, map_of(changed));
  }

  // The detectors' neurons in a further hidden layer, which repeat them.
  Indices pass_on(size_t layer, const Indices& before) {
    const Indices neurons = take_neurons(layer, static_cast<int64_t>(before.size()));
    keep_others(layer, before, neurons);
    network::Dense& passing = dense(layer);
    for (size_t k = 0; k < before.size(); ++k) {
      const int64_t row = neurons[k] * passing.in;
      std::fill_n(passing.weight.begin() + row, passing.in, 0.0);
      passing.weight[static_cast<size_t>(row + before[k])] = 1.0;
      passing.bias[static_cast<size_t>(neurons[k])] = 0.0;
    }
    return neurons;
  }

  const network::Network& original_;
  const Chain& chain_;
  Carry carry_;
  train::Samples fit_;
  train::Samples means_;
  network::Network network_;
  Indices channels_;  // of the last convolution, that carry
};

double spread_of_scores(const network::Network& network, const train::Samples& samples) {
  const RowMajor scores =
      values_at(network, network.nodes.size() - 1, train::evenly_spread(samples, kSamplesOfMeans));
  return (scores.rowwise().maxCoeff() - scores.rowwise().minCoeff()).maxCoeff();
}

double distance(const Target& a, const Target& b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.reference.size(); ++i) {
    sum += (a.reference[i] - b.reference[i]) * (a.reference[i] - b.reference[i]);
  }
  return sum;
}

// At most `most` groups of targets of one class, the nearest together; more if there are more classes.
std::vector<std::vector<size_t>> group(std::span<const Target> targets, const std::set<size_t>& wanted,
                                       size_t most) {
  std::vector<std::vector<size_t>> groups;
  for (const size_t i : wanted) groups.push_back({i});
  while (groups.size() > most) {
    double nearest = std::numeric_limits<double>::infinity();
    std::pair<size_t, size_t> best{0, 0};
    for (size_t a = 0; a < groups.size(); ++a) {
      for (size_t b = a + 1; b < groups.size(); ++b) {
        const Target& one = targets[groups[a].front()];
        const Target& other = targets[groups[b].front()];
        if (one.label != other.label || distance(one, other) >= nearest) continue;
        nearest = distance(one, other);
        best = {a, b};
      }
    }
    if (best.second == 0) break;
    auto& into = groups[best.first];
    into.insert(into.end(), groups[best.second].begin(), groups[best.second].end());
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(best.second));
  }
  return groups;
}

class DetectorMethod : public Method {
 public:
  DetectorMethod(const train::Samples& samples, const MethodOptions& options)
      : samples_(samples), all_may_change_(options.layers.empty()) {}

  bool wants_points() const override { return false; }
  bool may_shrink() const override { return false; }

  Improvement improve(const Work& work, const StopToken& stop) override {
    const std::optional<Chain> chain = all_may_change_ ? find_chain(work.original) : std::nullopt;
    if (!chain) return helpless(work);
    if (work.known != nullptr) note_failed(*work.known);
    for (;;) {
      if (!prepared_ && !prepare(work, *chain, stop)) return helpless(work);
      network::Network network = with_bonuses(work);
      if (note_wrong(work, network)) {
        prepared_.reset();
        continue;
      }
      const bool again = std::exchange(last_margins_, {work.margins.begin(), work.margins.end()}) ==
                         std::vector<double>(work.margins.begin(), work.margins.end());
      Improvement result{std::move(network), 0, 1};
      result.wrong = count_wrong(work.pool, result.network, work.margins);
      result.helpless = again;
      return result;
    }
  }

 private:
  static Improvement helpless(const Work& work) {
    Improvement result{work.start, count_wrong(work.pool, work.start, work.margins), 0};
    result.helpless = true;
    return result;
  }

  void note_failed(const Verifications& known) {
    for (size_t i = 0; i < known.size(); ++i) {
      if (known[i] && known[i]->verdict != search::Verdict::kRobust && failed_.insert(i).second)
        prepared_.reset();
    }
  }

  // Targets that were proved before, and of which a point is wrong now. Returns whether there are any.
  bool note_wrong(const Work& work, const network::Network& network) {
    const std::vector<double> reached = work.pool.margins(network);
    bool found = false;
    for (size_t k = 0; k < reached.size(); ++k) {
      const auto target = static_cast<size_t>(work.pool.targets()[k]);
      if (!(reached[k] >= work.margins[target])) found = failed_.insert(target).second || found;
    }
    return found;
  }

  bool prepare(const Work& work, const Chain& chain, const StopToken& stop) {
    Surgery surgery(work.original, chain, samples_);
    size_t most = std::numeric_limits<size_t>::max();
    for (size_t k = 0; k + 1 < chain.dense.size(); ++k) {
      const auto size = static_cast<size_t>(work.original.nodes[chain.dense[k]].size);
      most = std::min(most, std::max<size_t>(1, size / kShare));
    }
    std::vector<std::vector<size_t>> groups;
    std::vector<Parting> partings;
    for (const std::vector<size_t>& each : group(work.targets, failed_, most)) {
      if (stop.stop_requested() || groups.size() == most) break;
      std::optional<Parting> parting = part(surgery.carry(), work.targets, each, samples_, stop);
      if (!parting) continue;
      groups.push_back(each);
      partings.push_back(std::move(*parting));
    }
    if (groups.empty()) return false;
    prepared_ = surgery.prepare(groups, partings);
    spread_ = spread_of_scores(work.original, samples_);
    return true;
  }

  network::Network with_bonuses(const Work& work) const {
    network::Network network = prepared_->network;
    auto& last = std::get<network::Dense>(network.nodes.back().op);
    for (size_t k = 0; k < prepared_->groups.size(); ++k) {
      double margin = 0.0;
      for (const size_t target : prepared_->groups[k]) margin = std::max(margin, work.margins[target]);
      const auto bonus = static_cast<float>(kBonus * spread_ + margin);
      const int64_t label = work.targets[prepared_->groups[k].front()].label;
      last.weight[static_cast<size_t>(label * last.in + prepared_->neurons[k])] = static_cast<double>(bonus);
    }
    return network;
  }

  const train::Samples& samples_;
  bool all_may_change_;
  std::set<size_t> failed_;  // targets that need a detector
  std::optional<Prepared> prepared_;
  std::vector<double> last_margins_;
  double spread_ = 0.0;
};

}  // namespace

std::unique_ptr<Method> make_detector_method(const train::Samples& samples, const MethodOptions& options) {
  return std::make_unique<DetectorMethod>(samples, options);
}

}  // namespace verissim::repair
