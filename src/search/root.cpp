#include "search/root.h"

#include <algorithm>
#include <limits>

namespace verissim::search {
namespace {

constexpr size_t kChunk = 32;           // neurons a chunk; each is two rows
constexpr int kHiddenIterations = 12;   // slope optimisation of the hidden layers' bounds

// SOUND: rounded outward, so that what the fast rooms see is no tighter than what is certified.
float round_down(double x) {
  const auto value = static_cast<float>(x);
  return value > x ? std::nextafterf(value, -std::numeric_limits<float>::infinity()) : value;
}
float round_up(double x) { return -round_down(-x); }

void take_bounds(Root& root) {
  root.lower.clear();
  root.upper.clear();
  root.unstable.clear();
  for (const Interval& z : root.facts.neurons) {
    if (z.lo < 0.0 && z.hi > 0.0) root.unstable.push_back(static_cast<int32_t>(root.lower.size()));
    root.lower.push_back(round_down(z.lo));
    root.upper.push_back(round_up(z.hi));
  }
}

// Whether a ReLU stands between the input and the node.
bool behind_relu(const bounds::Graph& graph, int node) {
  const bounds::Layer& layer = graph.layer(node);
  if (layer.kind == bounds::LayerKind::kRelu) return true;
  return std::any_of(layer.inputs.begin(), layer.inputs.end(), [&](int input) { return behind_relu(graph, input); });
}

// Bounds some neurons of one ReLU layer: rows +e_j and -e_j of its input node, two for each.
class LayerChunk {
 public:
  LayerChunk(const proof::Replay& replay, const bounds::Graph& graph, const Root& root, int relu,
             std::vector<int32_t> neurons)
      : replay_(replay), graph_(graph), root_(root), relu_(relu), neurons_(std::move(neurons)) {}

  // The certified bounds of each neuron, in the order given.
  std::vector<Interval> run() {
    const int start = graph_.layer(relu_).inputs.front();
    const auto count = static_cast<int64_t>(2 * neurons_.size());
    const int64_t width = graph_.layer(start).size;
    std::vector<double> exact(static_cast<size_t>(count * width), 0.0);
    for (size_t i = 0; i < neurons_.size(); ++i) {
      const int64_t place = neurons_[i] - graph_.layer(relu_).offset;
      exact[2 * i * static_cast<size_t>(width) + static_cast<size_t>(place)] = 1.0;
      exact[(2 * i + 1) * static_cast<size_t>(width) + static_cast<size_t>(place)] = -1.0;
    }
    const std::vector<float> coefficients(exact.begin(), exact.end());
    bounds::Rows rows;
    bounds::reset(rows, graph_, start, count);
    rows.coefficients = coefficients.data();
    prepare(rows);
    bounds::OptimiseOptions options;
    options.iterations = behind_relu(graph_, start) ? kHiddenIterations : 0;
    options.support_refinements = 12;
    bounds::Optimiser(graph_, replay_.region()).run(rows, options);
    const std::vector<char> all(static_cast<size_t>(count), 1);
    const std::vector<double> lower = replay_rows(replay_, root_.facts, rows, exact, all);
    std::vector<Interval> result;
    for (size_t i = 0; i < neurons_.size(); ++i) result.emplace_back(lower[2 * i], -lower[2 * i + 1]);
    return result;
  }

 private:
  void prepare(bounds::Rows& rows) const {
    const auto n = static_cast<size_t>(graph_.neurons());
    for (size_t r = 0; r < static_cast<size_t>(rows.count); ++r) {
      rows.lower[r] = root_.lower.data();
      rows.upper[r] = root_.upper.data();
      rows.slabs[r] = replay_.region().whole_slab();
      for (size_t j = 0; j < n; ++j) rows.alpha[r * n + j] = bounds::first_slope(root_.lower[j], root_.upper[j]);
    }
  }

  const proof::Replay& replay_;
  const bounds::Graph& graph_;
  const Root& root_;
  int relu_;
  std::vector<int32_t> neurons_;
};

std::vector<std::vector<int32_t>> chunks_of(const std::vector<int32_t>& neurons) {
  std::vector<std::vector<int32_t>> chunks;
  for (size_t i = 0; i < neurons.size(); i += kChunk) {
    const size_t end = std::min(neurons.size(), i + kChunk);
    chunks.emplace_back(neurons.begin() + static_cast<long>(i), neurons.begin() + static_cast<long>(end));
  }
  return chunks;
}

}  // namespace

Root bound_root(const proof::Replay& replay, const bounds::Graph& graph, ThreadPool& pool, const StopToken& stop) {
  Root root;
  root.facts = replay.certify(std::vector<Interval>(static_cast<size_t>(graph.neurons()), Interval::everything()));
  take_bounds(root);
  for (const int relu : graph.relus()) {
    const bounds::Layer& layer = graph.layer(relu);
    std::vector<int32_t> neurons;
    for (const int32_t neuron : root.unstable) {
      if (neuron >= layer.offset && neuron < layer.offset + layer.size) neurons.push_back(neuron);
    }
    const auto chunks = chunks_of(neurons);
    std::vector<std::vector<Interval>> bounds(chunks.size());
    pool.run(chunks.size(), [&](size_t i) {
      if (!stop.stop_requested()) bounds[i] = LayerChunk(replay, graph, root, relu, chunks[i]).run();
    });
    std::vector<Interval> known = root.facts.neurons;
    for (size_t i = 0; i < chunks.size(); ++i) {
      for (size_t k = 0; k < bounds[i].size(); ++k) {
        Interval& z = known[static_cast<size_t>(chunks[i][k])];
        z = {std::max(z.lo, bounds[i][k].lo), std::min(z.hi, bounds[i][k].hi)};
      }
    }
    root.facts = replay.certify(known);
    take_bounds(root);
  }
  return root;
}

std::vector<double> replay_rows(const proof::Replay& replay, const proof::Facts& facts, const bounds::Rows& rows,
                                const std::vector<double>& coefficients, const std::vector<char>& wanted) {
  const std::vector<float> tilt = bounds::tilts(rows);
  const auto count = static_cast<size_t>(rows.count);
  const size_t neurons = facts.neurons.size();
  const size_t width = count == 0 ? 0 : coefficients.size() / count;
  std::vector<proof::Argument> arguments;
  for (size_t r = 0; r < count; ++r) {
    if (wanted[r] == 0) continue;
    proof::Argument argument;
    argument.coefficients = {coefficients.data() + r * width, width};
    argument.low = rows.alpha.data() + r * neurons;
    argument.tilt = tilt.data() + r * neurons;
    argument.split = rows.split.data() + r * neurons;
    argument.slab = rows.slabs[r];
    argument.multipliers = rows.multipliers[r];
    arguments.push_back(argument);
  }
  const std::vector<double> replayed = replay.lower_bounds(rows.start, facts, arguments);
  std::vector<double> bounds(count, -std::numeric_limits<double>::infinity());
  size_t next = 0;
  for (size_t r = 0; r < count; ++r) {
    if (wanted[r] != 0) bounds[r] = replayed[next++];
  }
  return bounds;
}

}  // namespace verissim::search
