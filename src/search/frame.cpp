#include "search/frame.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "search/coarse.h"
#include "search/couple.h"

namespace verissim::search {
namespace {

constexpr size_t kChunk = 32;  // neurons a chunk; each is two rows
constexpr size_t kFew = 256;   // neurons of a layer, of which each is worth more iterations at the root
constexpr int kRefineIterations = 5;

// Of the slopes of a hidden layer's bounds: the deeper the layer, the more they gain.
int root_iterations(bool second, size_t neurons) {
  if (second) return 5;
  return neurons <= kFew ? 20 : 10;
}

// SOUND: rounded outward, so that what the fast rooms see is no tighter than what is certified.
float round_down(double x) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (x < -kLargest) return -std::numeric_limits<float>::infinity();
  const auto value = static_cast<float>(std::min(x, kLargest));
  return value > x ? std::nextafterf(value, -std::numeric_limits<float>::infinity()) : value;
}
float round_up(double x) { return -round_down(-x); }

void take_bounds(Frame& frame) {
  frame.lower.clear();
  frame.upper.clear();
  frame.unstable.clear();
  for (const Interval& z : frame.facts.neurons) {
    if (z.lo < 0.0 && z.hi > 0.0) frame.unstable.push_back(static_cast<int32_t>(frame.lower.size()));
    frame.lower.push_back(round_down(z.lo));
    frame.upper.push_back(round_up(z.hi));
  }
}

// Where the neurons are to be bounded: everywhere, or under a node's splits and slab.
struct Part {
  std::span<const Split> splits;
  region::Slab slab;
  std::vector<float> alpha;  // N: slopes to start from
  std::vector<float> cut;    // the facts' cut, rounded; empty if there is none
  std::vector<char> wanted;  // N: the neurons to be bounded; empty: all unstable ones
  bool recorded = false;     // whether the bounds' reasons are wanted
};

// Bounds of some neurons, in the order given; if they are wanted, the reasons of each: of the lower bound, of
// the upper one.
struct PlaceBounds {
  std::vector<Interval> bounds;
  std::vector<Reasons> reasons;
};

// The neurons of unknown sign before a layer whose first neuron is `end`.
std::vector<int32_t> unstable_before(const Frame& frame, int64_t end) {
  const auto last = std::lower_bound(frame.unstable.begin(), frame.unstable.end(), end);
  return {frame.unstable.begin(), last};
}

// Row r's numbers. own(neuron) is a neuron's place in the rows, -1 if it has none; coupled: all coupled
// neurons; own_coupled: those of the rows (the same if it is empty).
template <typename Own>
Reasons reasons_of(const bounds::Rows& rows, size_t r, std::span<const int32_t> unstable,
                   std::span<const Split> splits, Own own, const bounds::Graph& whole,
                   const bounds::Graph& graph) {
  const size_t neurons = rows.alpha.size() / static_cast<size_t>(rows.count);
  const auto pick = [&](const std::vector<float>& values, int32_t neuron) {
    const int64_t place = own(neuron);
    return place < 0 ? 0.0F : values[r * neurons + static_cast<size_t>(place)];
  };
  Reasons reasons;
  for (const int32_t neuron : unstable) reasons.low.push_back(pick(rows.alpha, neuron));
  for (const Split& s : splits) reasons.beta.push_back(pick(rows.beta, s.neuron));
  reasons.eta = rows.eta[r];
  reasons.multipliers = rows.multipliers[r];
  if (rows.curved[r] == 0) return reasons;
  const auto part = [&](const std::vector<float>& all) {
    const auto width = static_cast<long>(all.size() / static_cast<size_t>(rows.count));
    const auto first = all.begin() + static_cast<long>(r) * width;
    return std::vector<float>(first, first + width);
  };
  reasons.curve = part(rows.curve);
  reasons.centre = part(rows.centre);
  reasons.curvature = rows.curvature[r];
  if (&whole == &graph) return reasons;
  const std::vector<float> curve = std::exchange(reasons.curve, std::vector<float>(whole.coupled(), 0.0F));
  const std::vector<int32_t>& coupled = graph.coupling().neurons();
  const std::vector<int32_t>& all = whole.coupling().neurons();
  for (size_t i = 0, k = 0; k < all.size(); ++k) {
    if (i < coupled.size() && own(all[k]) == coupled[i]) reasons.curve[k] = curve[i++];
  }
  return reasons;
}

// Bounds some neurons of one ReLU layer: rows +e_j and -e_j of its input node `start`, two for each place
// there.
class LayerChunk {
 public:
  LayerChunk(const proof::Replay& replay, const bounds::Graph& graph, const Frame& frame, const Part& part,
             int start, std::span<const int64_t> places)
      : replay_(replay), graph_(graph), frame_(frame), part_(part), start_(start), places_(places) {}

  // own, whole: see reasons_of; `unstable` and `splits` are what it is asked for.
  template <typename Own>
  PlaceBounds run(int iterations, std::span<const int32_t> unstable, std::span<const Split> splits, Own own,
                  const bounds::Graph& whole) const {
    const auto count = static_cast<int64_t>(2 * places_.size());
    const auto width = static_cast<size_t>(graph_.layer(start_).size);
    std::vector<double> exact(static_cast<size_t>(count) * width, 0.0);
    for (size_t i = 0; i < places_.size(); ++i) {
      const auto place = static_cast<size_t>(places_[i]);
      exact[2 * i * width + place] = 1.0;
      exact[(2 * i + 1) * width + place] = -1.0;
    }
    const std::vector<float> coefficients(exact.begin(), exact.end());
    bounds::Rows rows;
    bounds::reset(rows, graph_, start_, count);
    rows.coefficients = coefficients.data();
    prepare(rows);
    // Without a ReLU before it and without multipliers the first pass is already the best.
    const bool exact_at_once =
        !bounds::behind_relu(graph_, start_) && part_.cut.empty() && part_.splits.empty();
    bounds::OptimiseOptions options;
    options.iterations = exact_at_once ? 0 : iterations;
    bounds::Optimiser(graph_, replay_.region()).run(rows, options);
    coarsen(rows);
    const std::vector<char> all(static_cast<size_t>(count), 1);
    const std::vector<double> lower = replay_rows(replay_, frame_.facts, rows, exact, all);
    PlaceBounds result;
    for (size_t i = 0; i < places_.size(); ++i) result.bounds.emplace_back(lower[2 * i], -lower[2 * i + 1]);
    for (size_t r = 0; part_.recorded && r < lower.size(); ++r)
      result.reasons.push_back(reasons_of(rows, r, unstable, splits, own, whole, graph_));
    return result;
  }

 private:
  void prepare(bounds::Rows& rows) const {
    const auto n = static_cast<size_t>(graph_.neurons());
    if (!part_.cut.empty()) {
      rows.cut = part_.cut.data();
      rows.cut_constant = static_cast<float>(frame_.facts.cut->constant);
    }
    for (size_t r = 0; r < static_cast<size_t>(rows.count); ++r) {
      rows.lower[r] = frame_.lower.data();
      rows.upper[r] = frame_.upper.data();
      rows.slabs[r] = part_.slab;
      std::copy(part_.alpha.begin(), part_.alpha.end(), rows.alpha.begin() + static_cast<long>(r * n));
      for (const Split& s : part_.splits) rows.split[r * n + static_cast<size_t>(s.neuron)] = s.sign;
    }
  }

  const proof::Replay& replay_;
  const bounds::Graph& graph_;
  const Frame& frame_;
  const Part& part_;
  int start_;
  std::span<const int64_t> places_;
};

// A frame and a part for the neurons that a crop of the network keeps. Splits of others are dropped: the
// bounds hold without them.
struct CroppedPart {
  Frame frame;
  Part part;

  CroppedPart(const proof::Replay& replay, const network::Crop& crop, const Frame& whole, const Part& of) {
    frame.facts = replay.restrict_to(crop, whole.facts);
    part.slab = of.slab;
    part.cut = of.cut;
    part.recorded = of.recorded;
    for (size_t i = 0; i < crop.nodes.size(); ++i) {
      if (!std::holds_alternative<network::Relu>(crop.network.nodes[i].op)) continue;
      for (const int64_t place : crop.places[i])
        neurons.push_back(static_cast<int32_t>(replay.offset(crop.nodes[i]) + place));
    }
    for (const int32_t neuron : neurons) {
      const auto j = static_cast<size_t>(neuron);
      frame.lower.push_back(whole.lower[j]);
      frame.upper.push_back(whole.upper[j]);
      part.alpha.push_back(of.alpha[j]);
    }
    for (const Split& s : of.splits) {
      if (own(s.neuron) < 0) continue;
      splits.push_back(s);
      splits.back().neuron = static_cast<int32_t>(own(s.neuron));
    }
    part.splits = splits;
  }
  // The place of the whole network's neuron, -1 if the crop has it not.
  int64_t own(int32_t neuron) const {
    const auto at = std::lower_bound(neurons.begin(), neurons.end(), neuron);
    return at == neurons.end() || *at != neuron ? -1 : at - neurons.begin();
  }
  int32_t whole(int32_t own_neuron) const { return neurons[static_cast<size_t>(own_neuron)]; }
  CroppedPart(const CroppedPart&) = delete;
  CroppedPart& operator=(const CroppedPart&) = delete;

 private:
  std::vector<int32_t> neurons;  // which neuron of the whole network each is; ascending
  std::vector<Split> splits;
};

// As LayerChunk, on what the places depend on if that is little.
PlaceBounds bound_places(const proof::Replay& replay, const bounds::Graph& graph, const Frame& frame,
                         const Part& part, int start, int64_t offset, std::span<const int64_t> places,
                         int iterations) {
  const auto crop = network::crop(replay.network(), start, places);
  const std::vector<int32_t> unstable =
      part.recorded ? unstable_before(frame, offset) : std::vector<int32_t>();
  if (!crop) {
    return LayerChunk(replay, graph, frame, part, start, places)
        .run(
            iterations, unstable, part.splits, [](int32_t neuron) { return int64_t{neuron}; }, graph);
  }
  const CroppedPart cropped(replay, *crop, frame, part);
  bounds::Graph own_graph(crop->network);
  proof::Replay own_replay(crop->network, replay.region());
  const std::vector<int32_t>& coupled = graph.coupling().neurons();
  const auto is_coupled = [&](int32_t neuron) {
    return std::binary_search(coupled.begin(), coupled.end(), cropped.whole(neuron));
  };
  if (bounds::behind_relu(graph, start)) couple(own_replay, own_graph, cropped.frame, is_coupled);
  std::vector<int64_t> own_places;
  const std::vector<int64_t>& kept = crop->places.back();
  for (const int64_t place : places)
    own_places.push_back(std::lower_bound(kept.begin(), kept.end(), place) - kept.begin());
  const LayerChunk chunk(own_replay, own_graph, cropped.frame, cropped.part, own_graph.output(), own_places);
  return chunk.run(
      iterations, unstable, part.splits, [&](int32_t neuron) { return cropped.own(neuron); }, graph);
}

// SOUND: both enclose the neuron's input; where they do not meet, no point is left.
void meet(Interval& z, const Interval& other) { z = {std::max(z.lo, other.lo), std::min(z.hi, other.hi)}; }

// The reasons of those of a neuron's bounds that tell more than is known.
void keep_reasons(const Interval& known, int32_t neuron, PlaceBounds& found, size_t k, LayerProof& layer) {
  if (found.bounds[k].lo > known.lo) layer.bounds.push_back({neuron, 1, std::move(found.reasons[2 * k])});
  if (found.bounds[k].hi < known.hi)
    layer.bounds.push_back({neuron, -1, std::move(found.reasons[2 * k + 1])});
}

// The layer's neurons that are to be bounded, by their places in it.
std::vector<int64_t> wanted_places(const bounds::Layer& layer, const Frame& frame, const Part& part) {
  std::vector<int64_t> places;
  for (const int32_t neuron : frame.unstable) {
    const bool wanted = part.wanted.empty() || part.wanted[static_cast<size_t>(neuron)] != 0;
    if (wanted && neuron >= layer.offset && neuron < layer.offset + layer.size)
      places.push_back(neuron - layer.offset);
  }
  return places;
}

// Bounds one ReLU layer's neurons. `run_all` calls its second argument for 0 .. count - 1, in any order.
template <typename Run>
void tighten_layer(const proof::Replay& replay, const bounds::Graph& graph, const bounds::Layer& layer,
                   std::vector<int64_t> places, Frame& frame, const Part& part, int iterations,
                   const StopToken& stop, FrameProof* proof, Run run_all) {
  const int start = layer.inputs.front();
  places = network::by_neighbourhood(replay.network(), start, std::move(places));
  const size_t chunks = (places.size() + kChunk - 1) / kChunk;
  std::vector<PlaceBounds> bounds(chunks);
  run_all(chunks, [&](size_t i) {
    const auto own =
        std::span<const int64_t>(places).subspan(i * kChunk, std::min(kChunk, places.size() - i * kChunk));
    if (!stop.stop_requested())
      bounds[i] = bound_places(replay, graph, frame, part, start, layer.offset, own, iterations);
  });
  std::vector<Interval> known = frame.facts.neurons;
  if (proof != nullptr) proof->layers.push_back({{}, 0.0F, unstable_before(frame, layer.offset), {}});
  for (size_t i = 0; i < chunks; ++i) {
    for (size_t k = 0; k < bounds[i].bounds.size(); ++k) {
      const auto neuron = static_cast<int32_t>(layer.offset + places[i * kChunk + k]);
      if (proof != nullptr)
        keep_reasons(known[static_cast<size_t>(neuron)], neuron, bounds[i], k, proof->layers.back());
      meet(known[static_cast<size_t>(neuron)], bounds[i].bounds[k]);
    }
  }
  frame.facts = replay.certify(known, std::move(frame.facts.cut));
  if (!frame.facts.contradiction) take_bounds(frame);
}

// Bounds the unstable neurons of every ReLU layer in turn; each layer's certified bounds serve the next.
// effort(count): the slopes' iterations where so many are to be bounded.
template <typename Effort, typename Run>
void tighten(const proof::Replay& replay, const bounds::Graph& graph, const std::vector<int>& relus,
             Frame& frame, const Part& part, Effort effort, const StopToken& stop, FrameProof* proof,
             Run run_all) {
  for (const int relu : relus) {
    const bounds::Layer& layer = graph.layer(relu);
    std::vector<int64_t> places = wanted_places(layer, frame, part);
    if (places.empty()) continue;
    const int iterations = effort(places.size());
    tighten_layer(replay, graph, layer, std::move(places), frame, part, iterations, stop, proof, run_all);
    if (frame.facts.contradiction) return;
  }
}

void conclude(const Frame& frame, FrameProof& proof) {
  proof.contradiction = frame.facts.contradiction;
  proof.unstable = frame.unstable;
}

std::vector<float> first_slopes(const Frame& frame) {
  std::vector<float> alpha(frame.lower.size());
  for (size_t j = 0; j < alpha.size(); ++j) alpha[j] = bounds::first_slope(frame.lower[j], frame.upper[j]);
  return alpha;
}

int one_pass(size_t) { return 0; }

// The whole region, of which nothing is known but what intervals tell.
std::shared_ptr<Frame> unbounded(const proof::Replay& replay, const bounds::Graph& graph) {
  auto frame = std::make_shared<Frame>();
  frame->facts =
      replay.certify(std::vector<Interval>(static_cast<size_t>(graph.neurons()), Interval::everything()));
  take_bounds(*frame);
  return frame;
}

Part whole_part(const proof::Replay& replay, const Frame& frame, const FrameProof* proof) {
  return {{}, replay.region().whole_slab(), first_slopes(frame), {}, {}, proof != nullptr};
}

// The layers of ReLUs that are behind others, or those that are not.
std::vector<int> relus(const bounds::Graph& graph, bool hidden) {
  std::vector<int> result;
  for (const int relu : graph.relus()) {
    if (bounds::behind_relu(graph, graph.layer(relu).inputs.front()) == hidden) result.push_back(relu);
  }
  return result;
}

// The frame's slopes of a node, for all neurons.
std::vector<float> slopes_of(const Node& node) {
  std::vector<float> alpha = first_slopes(*node.frame);
  for (size_t k = 0; k < node.alpha.size(); ++k)
    alpha[static_cast<size_t>(node.frame->unstable[k])] = node.alpha[k];
  return alpha;
}

// A line below the node's goal minus `enough`: where the goal is at most `enough`, the line is <= 0. curved:
// out, whether it is one below the node's bowl.
proof::InputLine goal_line(const proof::Replay& replay, const bounds::Graph& graph, const Node& node,
                           const property::Goal& goal, double enough, bool& curved) {
  const auto neurons = static_cast<size_t>(graph.neurons());
  const std::vector<float> low = slopes_of(node);
  std::vector<float> tilt(neurons, 0.0F);
  std::vector<int8_t> split(neurons, 0);
  for (const Split& s : node.splits) {
    split[static_cast<size_t>(s.neuron)] = s.sign;
    tilt[static_cast<size_t>(s.neuron)] = s.beta * static_cast<float>(s.sign);
  }
  proof::Argument argument;
  argument.coefficients = goal.coefficients;
  argument.low = low.data();
  argument.tilt = tilt.data();
  argument.split = split.data();
  argument.slab = node.slab;
  if (!node.curve.empty()) {
    argument.curve = node.curve.data();
    argument.centre = node.centre.data();
    argument.curvature = node.curvature[0];
    argument.second_curvature = node.curvature[1];
  }
  proof::InputLine line = replay.lower_lines(graph.output(), node.frame->facts, {&argument, 1}).front();
  if (argument.curve != nullptr && !std::isfinite(line.constant)) {  // the bowl has no line above it
    argument.curve = nullptr;
    line = replay.lower_lines(graph.output(), node.frame->facts, {&argument, 1}).front();
  }
  curved = argument.curve != nullptr;
  line.constant = next_down(next_down(line.constant + goal.offset) - enough);
  return line;
}

// The unstable neurons whose relaxations cost the node's bound most: together this share of all the cost.
std::vector<char> costly(const proof::Replay& replay, const bounds::Graph& graph, const Frame& frame,
                         const Node& node, const property::Goal& goal) {
  constexpr float kShare = 0.95F;
  constexpr size_t kAll = 64;  // so few are all bounded
  if (frame.unstable.size() <= kAll) return {};
  const std::vector<float> coefficients(goal.coefficients.begin(), goal.coefficients.end());
  bounds::Rows rows;
  bounds::reset(rows, graph, graph.output(), 1);
  rows.coefficients = coefficients.data();
  rows.lower[0] = frame.lower.data();
  rows.upper[0] = frame.upper.data();
  rows.slabs[0] = node.slab;
  rows.multipliers[0] = node.multipliers;
  rows.alpha = slopes_of(node);
  for (const Split& s : node.splits) {
    rows.split[static_cast<size_t>(s.neuron)] = s.sign;
    rows.beta[static_cast<size_t>(s.neuron)] = s.beta;
  }
  bounds::OptimiseOptions options;
  options.iterations = 0;
  bounds::Optimiser(graph, replay.region()).run(rows, options);
  std::vector<std::pair<float, int32_t>> costs;
  float total = 0.0F;
  for (const int32_t neuron : frame.unstable) {
    const auto j = static_cast<size_t>(neuron);
    const float gap = -frame.lower[j] * frame.upper[j] / (frame.upper[j] - frame.lower[j]);
    const float cost = std::abs(rows.coefficients_at_relu[j]) * gap;
    if (!std::isfinite(cost)) return {};
    costs.emplace_back(-cost, neuron);
    total += cost;
  }
  std::sort(costs.begin(), costs.end());
  std::vector<char> wanted(frame.lower.size(), 0);
  float sum = 0.0F;
  for (size_t k = 0; k < costs.size() && sum < kShare * total; ++k) {
    sum -= costs[k].first;
    wanted[static_cast<size_t>(costs[k].second)] = 1;
  }
  return wanted;
}

// SOUND: what the parent's facts hold for holds here, too: a point that violates the goal is on the right
// side of the cuts of all frames above. A split neuron's input has the split's sign all over the node's part.
std::vector<Interval> split_neurons(const Node& node) {
  std::vector<Interval> neurons = node.frame->facts.neurons;
  for (const Split& s : node.splits) {
    Interval& z = neurons[static_cast<size_t>(s.neuron)];
    z = s.sign > 0 ? Interval(std::max(z.lo, 0.0), z.hi) : Interval(z.lo, std::min(z.hi, 0.0));
  }
  return neurons;
}

}  // namespace

uint64_t Frame::bytes() const {
  uint64_t numbers = 2 * facts.neurons.size() + lower.size() + unstable.size();
  for (const auto& values : facts.magnitude) numbers += values.size();
  for (const auto& values : facts.row_sums) numbers += values.size();
  if (facts.cut) numbers += facts.cut->coefficients.size();
  return sizeof(Frame) + numbers * sizeof(double);
}

std::shared_ptr<const Frame> bound_root(proof::Replay& replay, bounds::Graph& graph, ThreadPool& pool,
                                        const StopToken& stop, FrameProof* proof) {
  const RunAll run_all = [&](size_t count, const auto& task) { pool.run(count, task); };
  const auto frame = unbounded(replay, graph);
  const Part part = whole_part(replay, *frame, proof);
  tighten(replay, graph, relus(graph, false), *frame, part, one_pass, stop, proof, run_all);
  couple(replay, graph, *frame, [](int32_t) { return true; });
  if (proof != nullptr && replay.coupling() != nullptr)
    proof->layers.push_back({graph.coupling().neurons(), 0.0F, {}, {}});
  const std::vector<int> hidden = relus(graph, true);
  for (const int relu : hidden) {
    // Of many neurons most are stable, and a single pass often shows it.
    const size_t unstable = wanted_places(graph.layer(relu), *frame, part).size();
    if (unstable > kFew) tighten(replay, graph, {relu}, *frame, part, one_pass, stop, proof, run_all);
    const bool second = relu == hidden.front();
    const auto iterations = [second](size_t count) { return root_iterations(second, count); };
    tighten(replay, graph, {relu}, *frame, part, iterations, stop, proof, run_all);
    if (frame->facts.contradiction) break;
    if (second) couple_second(replay, graph, *frame, relu, proof);
  }
  if (proof != nullptr) conclude(*frame, *proof);
  return frame;
}

std::shared_ptr<const Frame> glance_at_root(const proof::Replay& replay, const bounds::Graph& graph,
                                            ThreadPool& pool, const StopToken& stop, FrameProof* proof) {
  const RunAll run_all = [&](size_t count, const auto& task) { pool.run(count, task); };
  const auto frame = unbounded(replay, graph);
  const Part part = whole_part(replay, *frame, proof);
  tighten(replay, graph, graph.relus(), *frame, part, one_pass, stop, proof, run_all);
  if (proof != nullptr) conclude(*frame, *proof);
  return frame;
}

std::shared_ptr<const Frame> refine(const proof::Replay& replay, const bounds::Graph& graph, const Node& node,
                                    const property::Goal& goal, double enough, const StopToken& stop,
                                    FrameProof* proof, const RunAll& run_all) {
  bool curved = false;
  std::optional<proof::InputLine> line = goal_line(replay, graph, node, goal, enough, curved);
  if (!std::isfinite(line->constant)) line.reset();
  if (proof != nullptr) {
    proof->cut = line.has_value();
    proof->cut_curved = curved;
  }
  auto frame = std::make_shared<Frame>();
  frame->facts = replay.certify(split_neurons(node), std::move(line));
  frame->depth = node.splits.size();
  frame->conditional = true;
  if (proof != nullptr) proof->contradiction = frame->facts.contradiction;
  if (frame->facts.contradiction) return frame;
  take_bounds(*frame);
  Part part{node.splits,     node.slab, first_slopes(*frame), {}, costly(replay, graph, *frame, node, goal),
            proof != nullptr};
  if (frame->facts.cut)
    part.cut.assign(frame->facts.cut->coefficients.begin(), frame->facts.cut->coefficients.end());
  const auto iterations = [](size_t) { return kRefineIterations; };
  tighten(replay, graph, graph.relus(), *frame, part, iterations, stop, proof, run_all);
  if (proof != nullptr) conclude(*frame, *proof);
  return stop.stop_requested() ? nullptr : frame;
}

std::vector<double> replay_rows(const proof::Replay& replay, const proof::Facts& facts,
                                const bounds::Rows& rows, const std::vector<double>& coefficients,
                                const std::vector<char>& wanted) {
  const std::vector<float> tilt = bounds::tilts(rows);
  const auto count = static_cast<size_t>(rows.count);
  const size_t neurons = count == 0 ? 0 : tilt.size() / count;
  const size_t width = count == 0 ? 0 : coefficients.size() / count;
  const size_t coupled = count == 0 ? 0 : rows.curve.size() / count;
  std::vector<proof::Argument> arguments;
  for (size_t r = 0; r < count; ++r) {
    if (wanted[r] == 0) continue;
    proof::Argument argument;
    argument.coefficients = {coefficients.data() + r * width, width};
    argument.low = rows.alpha.data() + r * neurons;
    argument.tilt = tilt.data() + r * neurons;
    argument.split = rows.split.data() + r * neurons;
    if (rows.curved[r] != 0) {
      argument.curve = rows.curve.data() + r * coupled;
      argument.centre = rows.centre.data() + r * (rows.centre.size() / count);
      argument.curvature = rows.curvature[r][0];
      argument.second_curvature = rows.curvature[r][1];
    }
    argument.eta = rows.eta[r];
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
