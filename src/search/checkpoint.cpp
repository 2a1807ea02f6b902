#include "search/checkpoint.h"

#include <map>
#include <utility>

#include "base/digest.h"

namespace verissim::search {
namespace {

// Frames and nodes are written and read member by member. The bindings name all members there are, so that a
// new one does not compile before it is written, too.

void write(StateWriter& state, const std::vector<std::vector<double>>& lists) {
  state.number(static_cast<uint64_t>(lists.size()));
  for (const auto& list : lists) state.list(list);
}

void read(StateReader& state, std::vector<std::vector<double>>& lists) {
  lists.resize(state.count());
  for (auto& list : lists) state.list(list);
}

void write(StateWriter& state, const proof::Facts& facts) {
  const auto& [cut, contradiction, neurons, magnitude, row_sums, errors] = facts;
  state.number(cut.has_value());
  if (cut) {
    const auto& [coefficients, constant] = *cut;
    state.list(coefficients);
    state.number(constant);
  }
  state.number(contradiction);
  state.number(static_cast<uint64_t>(neurons.size()));
  for (const Interval& z : neurons) {
    state.number(z.lo);
    state.number(z.hi);
  }
  write(state, magnitude);
  write(state, row_sums);
  write(state, errors);
}

void read(StateReader& state, proof::Facts& facts) {
  auto& [cut, contradiction, neurons, magnitude, row_sums, errors] = facts;
  if (state.number<bool>()) {
    cut.emplace();
    auto& [coefficients, constant] = *cut;
    state.list(coefficients);
    state.number(constant);
  }
  state.number(contradiction);
  neurons.resize(state.count());
  for (Interval& z : neurons) {
    state.number(z.lo);
    state.number(z.hi);
  }
  read(state, magnitude);
  read(state, row_sums);
  read(state, errors);
}

void write(StateWriter& state, const Frame& frame) {
  const auto& [facts, lower, upper, unstable, depth, conditional] = frame;
  write(state, facts);
  state.list(lower);
  state.list(upper);
  state.list(unstable);
  state.number(static_cast<uint64_t>(depth));
  state.number(conditional);
}

void read(StateReader& state, Frame& frame) {
  auto& [facts, lower, upper, unstable, depth, conditional] = frame;
  read(state, facts);
  state.list(lower);
  state.list(upper);
  state.list(unstable);
  depth = static_cast<size_t>(state.number<uint64_t>());
  state.number(conditional);
}

using Numbers = std::map<const Frame*, uint64_t>;

void write(StateWriter& state, const Node& node, const Numbers& frames) {
  const auto& [number, goal, branch, bound, certified, slab, multipliers, splits, known, frame, alpha, curve,
               centre, curvature] = node;
  state.number(number);
  state.number(goal);
  state.number(branch);
  state.number(bound);
  state.number(certified);
  state.number(slab.lo);
  state.number(slab.hi);
  for (const float value : multipliers) state.number(value);
  state.number(static_cast<uint64_t>(splits.size()));
  for (const auto& [neuron, sign, beta] : splits) {
    state.number(neuron);
    state.number(sign);
    state.number(beta);
  }
  state.number(static_cast<uint64_t>(known));
  state.number(frames.at(frame.get()));
  state.list(alpha);
  state.list(curve);
  state.list(centre);
  for (const float value : curvature) state.number(value);
}

Node read_node(StateReader& state, const std::vector<std::shared_ptr<const Frame>>& frames) {
  Node node;
  auto& [number, goal, branch, bound, certified, slab, multipliers, splits, known, frame, alpha, curve,
         centre, curvature] = node;
  state.number(number);
  state.number(goal);
  state.number(branch);
  state.number(bound);
  state.number(certified);
  state.number(slab.lo);
  state.number(slab.hi);
  for (float& value : multipliers) state.number(value);
  splits.resize(state.count());
  for (auto& [neuron, sign, beta] : splits) {
    state.number(neuron);
    state.number(sign);
    state.number(beta);
  }
  known = static_cast<size_t>(state.number<uint64_t>());
  const auto place = state.number<uint64_t>();
  if (place >= frames.size()) state.fail("a frame that is not there");
  frame = frames[place];
  state.list(alpha);
  state.list(curve);
  state.list(centre);
  for (float& value : curvature) state.number(value);
  return node;
}

// Whether all that is looked up by numbers of the node is there.
bool fits(const Node& node, const Frame& root, size_t goals) {
  const auto neurons = static_cast<int32_t>(root.lower.size());
  bool good = node.goal >= 0 && static_cast<size_t>(node.goal) < goals && node.branch < neurons &&
              node.branch >= Node::kUnbounded && node.known <= node.splits.size() &&
              node.alpha.size() == node.frame->unstable.size() &&
              node.frame->lower.size() == root.lower.size() &&
              node.frame->upper.size() == root.upper.size() &&
              node.frame->facts.neurons.size() == root.facts.neurons.size() &&
              node.frame->facts.errors.size() == root.facts.errors.size();
  good = good && node.known <= node.splits.size();
  for (const Split& split : node.splits) good = good && split.neuron >= 0 && split.neuron < neurons;
  for (const int32_t neuron : node.frame->unstable) good = good && neuron >= 0 && neuron < neurons;
  return good;
}

std::string digest_of(const Frame& frame) {
  StateWriter state;
  write(state, frame);
  return sha256(state.take());
}

}  // namespace

std::vector<std::byte> save(const Checkpoint& search, const std::shared_ptr<const Frame>& root) {
  StateWriter state;
  state.list(digest_of(*root));
  state.number(search.statistics.nodes);
  state.number(search.statistics.leaves);
  state.number(search.statistics.replays_failed);
  state.number(search.statistics.seconds_search);
  state.number(search.statistics.seconds);
  state.number(search.numbered);
  state.number(search.certified);
  state.number(search.upper);
  Numbers numbers{{root.get(), 0}};
  std::vector<const Frame*> frames;
  const auto collect = [&](const std::vector<Node>& nodes) {
    for (const Node& node : nodes) {
      if (numbers.emplace(node.frame.get(), frames.size() + 1).second) frames.push_back(node.frame.get());
    }
  };
  collect(search.open.nodes());
  collect(search.boundary);
  collect(search.round);
  state.number(static_cast<uint64_t>(frames.size()));
  for (const Frame* frame : frames) write(state, *frame);
  for (const std::vector<Node>* nodes : {&search.open.nodes(), &search.boundary, &search.round}) {
    state.number(static_cast<uint64_t>(nodes->size()));
    for (const Node& node : *nodes) write(state, node, numbers);
  }
  return state.take();
}

void load(StateReader state, const Checkpoint& search, const std::shared_ptr<const Frame>& root,
          const property::Property& property) {
  std::vector<char> digest;
  state.list(digest);
  if (std::string(digest.begin(), digest.end()) != digest_of(*root))
    state.fail("the state of a search that began with other bounds");
  state.number(search.statistics.nodes);
  state.number(search.statistics.leaves);
  state.number(search.statistics.replays_failed);
  state.number(search.statistics.seconds_search);
  state.number(search.statistics.seconds);
  state.number(search.numbered);
  state.number(search.certified);
  state.number(search.upper);
  std::vector<std::shared_ptr<const Frame>> frames{root};
  for (size_t left = state.count(); left > 0; --left) {
    auto frame = std::make_shared<Frame>();
    read(state, *frame);
    frames.push_back(std::move(frame));
    search.open.track(frames.back());
  }
  const auto read_nodes = [&](auto add) {
    for (size_t left = state.count(); left > 0; --left) {
      Node node = read_node(state, frames);
      if (!fits(node, *root, property.goals.size())) state.fail("a subproblem of another question");
      add(std::move(node));
    }
  };
  read_nodes([&](Node node) { search.open.append(std::move(node)); });
  read_nodes([&](Node node) { search.boundary.push_back(std::move(node)); });
  read_nodes([&](Node node) { search.round.push_back(std::move(node)); });
  state.expect_end();
}

}  // namespace verissim::search
