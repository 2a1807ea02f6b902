#include "search/expand.h"

#include <algorithm>
#include <limits>

#include "search/branching.h"
#include "search/coarse.h"
#include "search/final_problem.h"

namespace verissim::search {

Expander::Expander(const proof::Replay& replay, const bounds::Graph& graph,
                   const property::Property& property, double enough)
    : replay_(replay),
      graph_(graph),
      property_(property),
      enough_(enough),
      optimiser_(graph, replay.region()) {}

void Expander::load(const std::vector<Node>& nodes) {
  bounds::reset(rows_, graph_, graph_.output(), static_cast<int64_t>(nodes.size()));
  exact_.clear();
  for (size_t r = 0; r < nodes.size(); ++r) load_row(nodes[r], r);
  coefficients_.assign(exact_.begin(), exact_.end());
  rows_.coefficients = coefficients_.data();
}

void Expander::load_row(const Node& node, size_t row) {
  const auto& goal = property_.goals[static_cast<size_t>(node.goal)].coefficients;
  exact_.insert(exact_.end(), goal.begin(), goal.end());
  const Frame& frame = *node.frame;
  rows_.lower[row] = frame.lower.data();
  rows_.upper[row] = frame.upper.data();
  rows_.slabs[row] = node.slab;
  rows_.multipliers[row] = node.multipliers;
  const size_t first = row * static_cast<size_t>(graph_.neurons());
  for (size_t k = 0; k < frame.unstable.size(); ++k) {
    rows_.alpha[first + static_cast<size_t>(frame.unstable[k])] = node.alpha[k];
  }
  if (!node.curve.empty()) {
    rows_.curved[row] = 1;
    rows_.curvature[row] = node.curvature;
    std::copy(node.curve.begin(), node.curve.end(),
              rows_.curve.begin() + static_cast<long>(row * node.curve.size()));
    std::copy(node.centre.begin(), node.centre.end(),
              rows_.centre.begin() + static_cast<long>(row * node.centre.size()));
  }
  for (const Split& s : node.splits) {
    rows_.split[first + static_cast<size_t>(s.neuron)] = s.sign;
    rows_.beta[first + static_cast<size_t>(s.neuron)] = s.beta;
  }
}

void Expander::store_row(Node& node, size_t row) const {
  const size_t first = row * static_cast<size_t>(graph_.neurons());
  const auto offset = static_cast<float>(property_.goals[static_cast<size_t>(node.goal)].offset);
  node.bound = std::max(node.bound, rows_.bounds[row] + offset);
  node.multipliers = rows_.multipliers[row];
  for (size_t k = 0; k < node.alpha.size(); ++k) {
    node.alpha[k] = rows_.alpha[first + static_cast<size_t>(node.frame->unstable[k])];
  }
  node.curve.clear();
  node.centre.clear();
  node.curvature = rows_.curvature[row];
  if (rows_.curved[row] != 0) {
    const auto part = [row](const std::vector<float>& all, size_t width) {
      const auto begin = all.begin() + static_cast<long>(row * width);
      return std::vector<float>(begin, begin + static_cast<long>(width));
    };
    node.curve = part(rows_.curve, graph_.coupled());
    node.centre = part(rows_.centre, static_cast<size_t>(graph_.inputs()));
  }
  for (Split& s : node.splits) s.beta = rows_.beta[first + static_cast<size_t>(s.neuron)];
}

std::vector<Outcome> Expander::run(std::vector<Node>& nodes, const Effort& effort) {
  load(nodes);
  bounds::OptimiseOptions options;
  options.iterations = effort.iterations;
  // One target for all rows: goals with an offset may end their optimisation late.
  for (const Node& node : nodes) {
    const double offset = property_.goals[static_cast<size_t>(node.goal)].offset;
    options.target = std::max(options.target, static_cast<float>(-offset));
  }
  optimiser_.run(rows_, options);
  coarsen(rows_);
  for (size_t r = 0; r < nodes.size(); ++r) store_row(nodes[r], r);
  std::vector<Outcome> outcomes = close(nodes);
  evaluate_points(outcomes);
  choose_branches(nodes, outcomes, effort);
  return outcomes;
}

Outcome Expander::finish(Node& node, const FinalOptions& options, const StopToken& stop) {
  const FinalAnswer answer = solve_final(replay_, property_, node, options, stop);
  node.known += answer.splits.size() - node.splits.size();
  node.splits = answer.splits;
  node.multipliers = answer.multipliers;
  node.bound = std::max(node.bound, static_cast<float>(answer.bound));
  node.curve.clear();
  node.centre.clear();
  node.branch = -1;
  std::vector<Node> alone = {std::move(node)};
  load(alone);
  Outcome outcome = std::move(close(alone).front());
  node = std::move(alone.front());
  outcome.within_errors = !outcome.closed && holds_without_errors(node);
  outcome.fixed = true;
  outcome.margin = static_cast<float>(answer.margin);
  outcome.point.assign(answer.point.begin(), answer.point.end());
  if (answer.margin <= 0.0) outcome.witness = answer.point;
  return outcome;
}

// Replays the rows of the nodes whose bounds say that they hold.
std::vector<Outcome> Expander::close(std::vector<Node>& nodes) const {
  std::vector<Outcome> outcomes(nodes.size());
  std::vector<char> promising(nodes.size());
  for (size_t r = 0; r < nodes.size(); ++r) promising[r] = nodes[r].bound > 0.0F ? 1 : 0;
  const std::vector<double> replayed = replay(nodes, promising);
  for (size_t r = 0; r < nodes.size(); ++r) {
    outcomes[r].certified = claim(nodes[r], replayed[r]);
    outcomes[r].closed = promising[r] != 0 && outcomes[r].certified > 0.0;
    outcomes[r].replay_failed = promising[r] != 0 && !outcomes[r].closed;
    if (outcomes[r].replay_failed) nodes[r].bound = std::min(0.0F, static_cast<float>(outcomes[r].certified));
  }
  return outcomes;
}

// Heuristic: what the replay would say of the node, which is loaded, in exact arithmetic.
bool Expander::holds_without_errors(const Node& node) const {
  if (node.frame->facts.errors.empty()) return false;
  proof::Facts facts = node.frame->facts;
  facts.errors.clear();
  return claim(node, replay_rows(replay_, facts, rows_, exact_, {1}).front()) > 0.0;
}

// SOUND: the goal's offset is exact and the sum rounded down. Under a conditional frame the bound holds only
// where the goal is at most enough_; elsewhere the goal is larger than that.
double Expander::claim(const Node& node, double replayed) const {
  const double bound = next_down(replayed + property_.goals[static_cast<size_t>(node.goal)].offset);
  return node.frame->conditional ? std::min(bound, enough_) : bound;
}

// Each row is replayed with its own frame's facts; rows are nearly always in runs that share one.
std::vector<double> Expander::replay(const std::vector<Node>& nodes, const std::vector<char>& wanted) const {
  std::vector<double> result(nodes.size(), -std::numeric_limits<double>::infinity());
  std::vector<char> done(nodes.size(), 0);
  for (size_t r = 0; r < nodes.size(); ++r) {
    if (wanted[r] == 0 || done[r] != 0) continue;
    std::vector<char> same(nodes.size(), 0);
    for (size_t k = r; k < nodes.size(); ++k)
      same[k] = wanted[k] != 0 && nodes[k].frame == nodes[r].frame ? 1 : 0;
    const std::vector<double> bounds = replay_rows(replay_, nodes[r].frame->facts, rows_, exact_, same);
    for (size_t k = r; k < nodes.size(); ++k) {
      if (same[k] == 0) continue;
      result[k] = bounds[k];
      done[k] = 1;
    }
  }
  return result;
}

void Expander::certify(std::vector<Node>& nodes) {
  load(nodes);
  const std::vector<double> replayed = replay(nodes, std::vector<char>(nodes.size(), 1));
  for (size_t r = 0; r < nodes.size(); ++r) {
    nodes[r].certified = std::max(nodes[r].certified, claim(nodes[r], replayed[r]));
  }
}

void Expander::evaluate_points(std::vector<Outcome>& outcomes) const {
  const int64_t n = graph_.inputs();
  const int64_t outputs = graph_.outputs();
  std::vector<float> scores(outcomes.size() * static_cast<size_t>(outputs));
  bounds::evaluate(graph_, rows_.count, rows_.points.data(), scores.data());
  for (size_t r = 0; r < outcomes.size(); ++r) {
    float margin = std::numeric_limits<float>::infinity();
    for (const property::Goal& goal : property_.goals) {
      auto value = static_cast<float>(goal.offset);
      for (size_t i = 0; i < goal.coefficients.size(); ++i) {
        value += static_cast<float>(goal.coefficients[i]) * scores[r * static_cast<size_t>(outputs) + i];
      }
      margin = std::min(margin, value);
    }
    outcomes[r].margin = margin;
    const float* point = rows_.points.data() + r * static_cast<size_t>(n);
    outcomes[r].point.assign(point, point + n);
  }
}

void Expander::choose_branches(std::vector<Node>& nodes, std::vector<Outcome>& outcomes,
                               const Effort& effort) {
  std::vector<std::vector<int32_t>> candidates(nodes.size());
  const auto wanted = static_cast<size_t>(std::max(1, effort.candidates));
  for (size_t r = 0; r < nodes.size(); ++r) {
    if (outcomes[r].closed) continue;
    candidates[r] = best_splits(*nodes[r].frame, rows_, static_cast<int64_t>(r), wanted);
    outcomes[r].fixed = candidates[r].empty();
    nodes[r].branch = candidates[r].empty() ? -1 : candidates[r].front();
  }
  if (wanted > 1) try_splits(nodes, candidates);
}

// Filtered smart branching (De Palma et al. 2021): both halves of every candidate get one cheap bound; the
// candidate whose halves together improve most is taken.
void Expander::try_splits(std::vector<Node>& nodes, const std::vector<std::vector<int32_t>>& candidates) {
  std::vector<Node> halves;
  for (size_t r = 0; r < nodes.size(); ++r) {
    if (candidates[r].size() < 2) continue;
    for (const int32_t neuron : candidates[r]) {
      Node trial = nodes[r];
      trial.branch = neuron;
      for (Node& half : split(trial)) halves.push_back(std::move(half));
    }
  }
  if (halves.empty()) return;
  load(halves);
  bounds::OptimiseOptions options;
  options.iterations = 0;
  options.support_refinements = 3;
  optimiser_.run(rows_, options);
  size_t next = 0;
  for (size_t r = 0; r < nodes.size(); ++r) {
    if (candidates[r].size() < 2) continue;
    float best = -std::numeric_limits<float>::infinity();
    for (const int32_t neuron : candidates[r]) {
      const float a = std::clamp(rows_.bounds[next], nodes[r].bound, 0.0F);
      const float b = std::clamp(rows_.bounds[next + 1], nodes[r].bound, 0.0F);
      next += 2;
      const float score = std::min(a, b) + 0.3F * std::max(a, b);
      if (score > best) {
        best = score;
        nodes[r].branch = neuron;
      }
    }
  }
}

void change_frame(Node& node, std::shared_ptr<const Frame> frame) {
  std::vector<float> alpha;
  size_t k = 0;  // both lists of unstable neurons ascend
  const std::vector<int32_t>& old = node.frame->unstable;
  for (const int32_t neuron : frame->unstable) {
    while (k < old.size() && old[k] < neuron) ++k;
    const auto j = static_cast<size_t>(neuron);
    const bool known = k < old.size() && old[k] == neuron;
    alpha.push_back(known ? node.alpha[k] : bounds::first_slope(frame->lower[j], frame->upper[j]));
  }
  node.alpha = std::move(alpha);
  node.frame = std::move(frame);
  node.known = 0;
}

std::vector<Node> split(const Node& node) {
  std::vector<Node> halves(2, node);
  if (node.branch < 0) {
    const double middle = node.slab.lo / 2 + node.slab.hi / 2;
    halves[0].slab.hi = middle;
    halves[1].slab.lo = middle;
    return halves;
  }
  halves[0].splits.push_back({node.branch, 1, 0.0F});
  halves[1].splits.push_back({node.branch, -1, 0.0F});
  return halves;
}

}  // namespace verissim::search
