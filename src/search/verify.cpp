#include "search/verify.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <tuple>

#include "attack/descent.h"
#include "attack/eight_bit.h"
#include "base/error.h"
#include "network/evaluate.h"
#include "search/certify_open.h"
#include "search/checkpoint.h"
#include "search/expand.h"
#include "search/input_split.h"
#include "search/open_set.h"
#include "search/recorder.h"
#include "search/root.h"

namespace verissim::search {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kChunk = 32;          // subproblems a chunk; chunks are what threads share
constexpr size_t kRefineEvery = 5;     // splits below a frame before it is made anew
constexpr size_t kMostRefined = 16;    // frames a round
constexpr size_t kLargestRound = 512;  // subproblems bounded between two looks at the queue

// One run of the verifier. The order of its steps is in run().
class Run {
 public:
  Run(const Problem& problem, const Options& options, const StopToken& stop, Observer* observer)
      : problem_(problem),
        options_(options),
        stop_(stop.within(options.timeout_seconds)),
        observer_(observer),
        graph_(problem.network),
        replay_(problem.network, problem.region),
        descent_(graph_, problem.region, problem.property),
        eight_bit_(problem.network, problem.region, problem.property, descent_) {}

  Result run() {
    const bool refuted = reference_violates() || (options_.attack && attack(0, kQuickSteps));
    if (!refuted && !options_.eight_bit && !between_ && !resumes() && split_input()) return finish();
    if (!refuted && !between_ && !resumes() && prove_at_a_glance()) return finish();
    if (refuted && options_.always_count_stable && is_large()) glance();
    if (!refuted || (options_.always_count_stable && !is_large())) bound_root();
    if (refuted) return finish();
    if (between_) {  // nothing can be proved any more: all that is left is to look further
      if (options_.attack) attack(4 * kRestarts, kSteps);
      return finish();
    }
    if (!resume()) {
      settle_root();
      if (decided() || open_.empty() || (options_.attack && attack(kRestarts, kSteps))) return finish();
    }
    search();
    return finish();
  }

 private:
  static constexpr int kQuickSteps = 10;
  static constexpr int kRestarts = 8;
  static constexpr int kSteps = 30;
  static constexpr int kRootIterations = 30;
  static constexpr int64_t kManyNeurons = 1000;

  bool decided() const { return !result_.counterexamples.empty(); }

  bool keeps() const { return options_.keeper != nullptr && options_.recorder == nullptr; }
  bool resumes() const { return keeps() && !options_.keeper->begin_with().empty(); }
  Checkpoint checkpoint() {
    return {open_, boundary_, round_, result_.statistics, numbered_, certified_, upper_};
  }

  // Goes on where a search was kept; false if it was not. A root that was stopped early is not the one that
  // was kept.
  bool resume() {
    if (!resumes() || stop_.stop_requested()) return false;
    enough_ = kEnough * std::max(0.0, reference_margin());
    load({options_.keeper->begin_with(), options_.keeper->place()}, checkpoint(), root_, problem_.property);
    seconds_before_ = result_.statistics.seconds;
    return true;
  }

  void keep(double seconds_of_search) {
    if (open_.bytes() > kMostKept) return;
    const Statistics now = result_.statistics;
    result_.statistics.seconds_search += seconds_of_search;
    result_.statistics.seconds = seconds_before_ + watch_.seconds();
    options_.keeper->keep(save(checkpoint(), root_));
    result_.statistics = now;
  }

  bool reference_violates() {
    const auto [found, between] =
        attack::try_point(problem_.network, problem_.region, problem_.property, problem_.region.reference());
    between_ = between;
    if (!found) return false;
    if (options_.eight_bit && !attack::is_eight_bit(problem_.region.reference())) {
      between_ = true;
      return false;
    }
    result_.counterexamples.push_back(*found);
    result_.reason = Reason::kReferenceMisclassified;
    return true;
  }

  bool attack(int restarts, int steps) {
    const Stopwatch watch;
    report("attack");
    attack::Options options;
    options.seed = options_.seed;
    options.restarts = restarts;
    options.steps = steps;
    options.eight_bit = options_.eight_bit;
    attack::Findings findings =
        attack::search_violations(problem_.network, problem_.region, problem_.property, options, stop_);
    result_.counterexamples = std::move(findings.violations);
    between_ = between_ || findings.between;
    upper_ = std::min(upper_, findings.best_margin);
    result_.statistics.seconds_attack += watch.seconds();
    result_.reason = Reason::kCounterexample;
    return decided();
  }

  bool is_large() const { return graph_.neurons() >= kManyNeurons; }
  FrameProof* proof() { return options_.recorder == nullptr ? nullptr : &root_proof_; }

  void bound_root() {
    const Stopwatch watch;
    report("root");
    take_root(search::bound_root(replay_, graph_, threads(), stop_, proof()), watch);
  }

  void glance() {
    const Stopwatch watch;
    report("root");
    take_root(glance_at_root(replay_, graph_, threads(), stop_, proof()), watch);
  }

  void take_root(std::shared_ptr<const Frame> root, const Stopwatch& watch) {
    root_ = std::move(root);
    result_.statistics.stable_relus = graph_.neurons() - static_cast<int64_t>(root_->unstable.size());
    result_.statistics.seconds_root += watch.seconds();
  }

  // Halves the region where it is a box with few sides. Whether that decided, or took all of the time.
  bool split_input() {
    if (options_.recorder != nullptr) return false;
    if (!options_.split_input || !problem_.region.is_box() || free_sides(problem_.region) > kMostSides)
      return false;
    const std::vector<Interval> unknown(static_cast<size_t>(graph_.neurons()), Interval::everything());
    const proof::Facts facts = replay_.certify(unknown);
    const auto is_finite = [](const Interval& z) { return std::isfinite(z.lo) && std::isfinite(z.hi); };
    if (facts.contradiction || !std::all_of(facts.neurons.begin(), facts.neurons.end(), is_finite))
      return false;
    result_.statistics.stable_relus =
        std::count_if(facts.neurons.begin(), facts.neurons.end(),
                      [](const Interval& z) { return z.lo >= 0.0 || z.hi <= 0.0; });
    return split_boxes(facts);
  }

  bool split_boxes(const proof::Facts& facts) {
    const Stopwatch watch;
    const auto progress = [&](int64_t boxes, int64_t open) {
      if (observer_ != nullptr)
        observer_->on_progress({"search", watch_.seconds(), boxes, open, -kInfinity, upper_});
    };
    const InputSplit split = search::split_input(problem_, replay_, facts, threads(), stop_,
                                                 {box_limit(), options_.memory_limit_bytes}, progress);
    result_.statistics.nodes += split.boxes;
    result_.statistics.leaves += split.leaves;
    result_.statistics.seconds_search += watch.seconds();
    if (split.end == InputSplit::End::kExhausted) return false;
    certified_ = split.margin_bound;
    between_ = between_ || split.between;
    if (split.violation) {
      result_.counterexamples.push_back(*split.violation);
      result_.reason = Reason::kCounterexample;
    }
    stopped_splitting_ = split.end == InputSplit::End::kStopped;
    if (stopped_splitting_) result_.reason = stop_.interrupted() ? Reason::kInterrupted : Reason::kTimeLimit;
    return true;
  }

  int64_t box_limit() const {
    return options_.node_limit > 0 ? std::min(options_.node_limit, kMostBoxes) : kMostBoxes;
  }

  // The root's subproblems, one for each goal and first slab.
  void settle_root() {
    const Stopwatch watch;
    enough_ = kEnough * std::max(0.0, reference_margin());
    std::vector<Node> nodes = root_nodes();
    record_root();
    settle(std::move(nodes), {kRootIterations, kCandidates});
    Expander(replay_, graph_, problem_.property, enough_).certify(open_.nodes());
    result_.statistics.seconds_root += watch.seconds();
  }

  void record_root() {
    if (options_.recorder != nullptr)
      options_.recorder->on_root(root_proof_, problem_.region.first_slabs(), enough_);
    root_proof_ = {};
  }

  std::vector<Node> root_nodes() {
    std::vector<Node> nodes = search::root_nodes(root_, problem_.property, problem_.region);
    numbered_ = static_cast<int64_t>(nodes.size());
    return nodes;
  }

  // Of a large network the root takes long, which is in vain where much less proves every goal. Leaves
  // nothing behind if it does not.
  bool prove_at_a_glance() {
    if (!is_large()) return false;
    glance();
    if (root_->facts.contradiction) return false;
    const Stopwatch watch;
    enough_ = kEnough * std::max(0.0, reference_margin());
    std::vector<Node> nodes = root_nodes();
    const std::vector<Outcome> outcomes =
        close_all(replay_, graph_, problem_.property, enough_, threads(), stop_, nodes);
    const bool proved = !outcomes.empty();
    if (proved) record_root();
    for (size_t i = 0; i < outcomes.size(); ++i) place(std::move(nodes[i]), outcomes[i]);
    result_.statistics.seconds_root += watch.seconds();
    if (!proved) root_proof_ = {};
    return proved;
  }

  double reference_margin() const {
    const auto outputs = network::evaluate(problem_.network, problem_.region.reference());
    const double least = property::smallest_goal(problem_.property, outputs);
    return std::isfinite(least) ? least : 0.0;
  }

  // Bounds the nodes; closes, refutes or queues each. Results do not depend on the number of threads. False,
  // and nothing is done, where an interrupt cut the bounding short.
  bool settle(std::vector<Node> nodes, const Effort& effort) {
    std::vector<std::vector<Node>> parts = in_chunks(std::move(nodes), kChunk);
    std::vector<std::vector<Outcome>> outcomes(parts.size());
    threads().run(parts.size(), [&](size_t i) {
      if (!must_hurry())
        outcomes[i] = Expander(replay_, graph_, problem_.property, enough_).run(parts[i], effort);
    });
    std::vector<Node> fixed;
    for (size_t i = 0; i < parts.size(); ++i) {
      for (size_t k = 0; k < outcomes[i].size(); ++k) {
        if (outcomes[i][k].fixed && !outcomes[i][k].closed) fixed.push_back(parts[i][k]);
      }
    }
    const std::vector<std::optional<Outcome>> finals = finish_fixed(fixed);
    if (is_cut_short()) return false;
    Outcome best;
    for (size_t i = 0; i < parts.size(); ++i) place(parts[i], outcomes[i], best);
    place(fixed, finals, best);
    if (options_.attack && !best.point.empty()) polish(best);
    return true;
  }

  void place(std::vector<Node>& nodes, const std::vector<Outcome>& outcomes, Outcome& best) {
    for (const Outcome& outcome : outcomes) {
      if (best.point.empty() || outcome.margin < best.margin) best = outcome;
    }
    for (size_t k = 0; k < nodes.size(); ++k) {
      if (outcomes.empty()) {  // stopped: its nodes stay open with their parents' bounds
        push_unbounded(std::move(nodes[k]));
      } else if (!outcomes[k].fixed || outcomes[k].closed) {
        place(std::move(nodes[k]), outcomes[k]);
      }
    }
  }

  void place(std::vector<Node>& fixed, const std::vector<std::optional<Outcome>>& outcomes, Outcome& best) {
    for (size_t i = 0; i < fixed.size(); ++i) {
      if (!outcomes[i]) {
        push_unbounded(std::move(fixed[i]));
        continue;
      }
      if (!outcomes[i]->point.empty() && outcomes[i]->margin < best.margin) best = *outcomes[i];
      place(std::move(fixed[i]), *outcomes[i]);
    }
  }

  // Nodes without a ReLU to split: the convex problems that are left are solved to the end.
  std::vector<std::optional<Outcome>> finish_fixed(std::vector<Node>& nodes) {
    std::vector<std::optional<Outcome>> outcomes(nodes.size());
    if (nodes.empty()) return outcomes;
    const FinalOptions final{tolerance()};
    threads().run(nodes.size(), [&](size_t i) {
      if (must_hurry()) return;
      outcomes[i] = Expander(replay_, graph_, problem_.property, enough_).finish(nodes[i], final, stop_);
    });
    return outcomes;
  }

  void push_unbounded(Node node) {
    node.branch = Node::kUnbounded;
    open_.push(std::move(node));
  }

  double tolerance() const { return std::pow(10.0, -options_.tolerance_digits); }

  void place(Node node, const Outcome& outcome) {
    ++result_.statistics.nodes;
    if (outcome.replay_failed) ++result_.statistics.replays_failed;
    if (outcome.closed) {
      ++result_.statistics.leaves;
      certified_ = std::min(certified_, outcome.certified);
      if (options_.recorder != nullptr) options_.recorder->on_closed(node);
      return;
    }
    consider(outcome);
    if (outcome.fixed && (hopeless(node, outcome) || outcome.within_errors)) {
      boundary_.push_back(std::move(node));
      return;
    }
    open_.push(std::move(node));
  }

  // Whether a node without anything left to split but its slab is given up: its gap is below the tolerance,
  // and a point of the region shows that or the slab is thin; or the slab is so thin that halving it cannot
  // matter. A region without a scalar to branch on has an unlimited slab, which cannot be halved.
  bool hopeless(const Node& node, const Outcome& outcome) const {
    const double width = node.slab.hi - node.slab.lo;
    if (!std::isfinite(width) || width < kThinnest) return true;
    const bool shown = std::abs(outcome.margin) < tolerance();
    return (shown || width < kThin) && node.bound > -tolerance();
  }

  // Before the first round there is nothing to fall back to: it is run whatever the clock says.
  bool must_hurry() const { return result_.statistics.nodes > 0 && stop_.stop_requested(); }

  // Tries the relaxation's minimiser as a counterexample.
  void consider(const Outcome& outcome) {
    if (decided()) return;
    if (!outcome.witness.empty()) try_point(outcome.witness);
    if (!decided() && outcome.margin <= 0.0F) try_point({outcome.point.begin(), outcome.point.end()});
  }

  // Descends from the round's best minimiser, towards every goal.
  void polish(const Outcome& best) {
    if (decided()) return;
    std::vector<double> x(best.point.begin(), best.point.end());
    problem_.region.pull_in(x);
    attack::Swarm swarm;
    for (size_t goal = 0; goal < problem_.property.goals.size(); ++goal) {
      swarm.goals.push_back(static_cast<int>(goal));
      swarm.points.insert(swarm.points.end(), x.begin(), x.end());
    }
    descent_.run(swarm, kQuickSteps);
    const auto least = std::min_element(swarm.margins.begin(), swarm.margins.end());
    const auto first = swarm.points.begin() + (least - swarm.margins.begin()) * graph_.inputs();
    const std::vector<double> point(first, first + graph_.inputs());
    if (problem_.region.slack(point) >= 0.0) upper_ = std::min(upper_, static_cast<double>(*least));
    if (*least <= 0.0F) try_point(point);
  }

  void try_point(std::vector<double> x) {
    problem_.region.pull_in(x);
    auto [found, between] = attack::try_point(problem_.network, problem_.region, problem_.property, x);
    between_ = between_ || between;
    if (!found) return;
    if (options_.eight_bit && !attack::is_eight_bit(x)) {
      between_ = true;
      found = eight_bit_.find(x);
      if (!found) return;
    }
    result_.counterexamples.push_back(std::move(*found));
    result_.reason = Reason::kCounterexample;
  }

  void search() {
    const Stopwatch watch;
    keeping_ = keeps() && !stop_.stop_requested();
    while ((!open_.empty() || !round_.empty()) && !decided() && !between_) {
      const bool stops = must_stop();
      if (keeping_ && (stops || options_.keeper->is_due())) keep(watch.seconds());
      if (stops) break;
      run_round();
      report("search");
    }
    // SOUND: of a round that was taken back nothing is closed.
    for (Node& node : round_) open_.push(std::move(node));
    result_.statistics.seconds_search += watch.seconds();
  }

  // A round that an interrupt cuts short would not be the same one when the search is gone on with. The
  // interrupt may come at any moment, so this is asked once a round.
  bool is_cut_short() const { return keeping_ && stop_.interrupted(); }

  void run_round() {
    const auto stale_one = [this](const Node& node) { return is_stale(node); };
    if (round_.empty()) round_ = open_.take(kLargestRound, kMostRefined, stale_one);
    const auto before = std::tuple(result_.statistics, numbered_, certified_);
    std::vector<Node> next;
    std::vector<Node> stale;
    for (const Node& node : round_) {
      if (node.branch == Node::kUnbounded) {
        next.push_back(node);
      } else if (is_stale(node)) {
        stale.push_back(node);
      } else {
        for (Node& child : halve(node)) next.push_back(std::move(child));
      }
    }
    for (Node& node : refine(std::move(stale))) next.push_back(std::move(node));
    if (settle(std::move(next), {graph_.coupled() > 0 ? kCoupledIterations : kIterations, kCandidates}))
      round_.clear();
    else
      std::tie(result_.statistics, numbered_, certified_) = before;
  }

  std::vector<Node> halve(const Node& node) {
    std::vector<Node> halves = split(node);
    if (options_.recorder != nullptr) options_.recorder->on_split(node, halves.front().slab.hi);
    for (Node& half : halves) half.number = numbered_++;
    return halves;
  }

  // Whether the node's frame was made so far above it that a new one may pay.
  bool is_stale(const Node& node) const {
    if (node.frame == root_) return true;
    return node.splits.size() >= node.frame->depth + kRefineEvery;
  }

  // The nodes with frames of their own. Those whose frame shows that no point is left are closed here.
  std::vector<Node> refine(std::vector<Node> nodes) {
    std::vector<std::shared_ptr<const Frame>> frames(nodes.size());
    std::vector<FrameProof> proofs(nodes.size());
    if (!nodes.empty()) Expander(replay_, graph_, problem_.property, enough_).certify(nodes);
    const auto make_frame = [&](size_t i, const RunAll& run_all) {
      const property::Goal& goal = problem_.property.goals[static_cast<size_t>(nodes[i].goal)];
      frames[i] = search::refine(replay_, graph_, nodes[i], goal, enough_, stop_,
                                 options_.recorder == nullptr ? nullptr : &proofs[i], run_all);
    };
    const RunAll shared = [this](size_t count, const auto& task) { threads().run(count, task); };
    const RunAll alone = [](size_t count, const auto& task) {
      for (size_t i = 0; i < count; ++i) task(i);
    };
    // The last ones, fewer than there are threads, are made one by one by all of them.
    const size_t rest = nodes.size() % static_cast<size_t>(threads().threads());
    threads().run(nodes.size() - rest, [&](size_t i) { make_frame(i, alone); });
    for (size_t i = nodes.size() - rest; i < nodes.size(); ++i) make_frame(i, shared);
    std::vector<Node> open;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (frames[i] != nullptr && options_.recorder != nullptr)
        options_.recorder->on_frame(nodes[i], proofs[i]);
      if (frames[i] != nullptr && frames[i]->facts.contradiction) {
        ++result_.statistics.leaves;  // SOUND: no point of the node has a goal of at most enough_
        certified_ = std::min(certified_, enough_);
        continue;
      }
      if (frames[i] != nullptr) {
        open_.track(frames[i]);
        change_frame(nodes[i], frames[i]);
      }
      open.push_back(std::move(nodes[i]));
    }
    return open;
  }

  bool must_stop() {
    if (stop_.interrupted()) {
      result_.reason = Reason::kInterrupted;
    } else if (stop_.timed_out()) {
      result_.reason = Reason::kTimeLimit;
    } else if (options_.node_limit > 0 && result_.statistics.nodes >= options_.node_limit) {
      result_.reason = Reason::kNodeLimit;
    } else if (open_.bytes() > options_.memory_limit_bytes) {
      result_.reason = Reason::kMemoryLimit;
    } else {
      return false;
    }
    return true;
  }

  Result finish() {
    Statistics& statistics = result_.statistics;
    statistics.relus = graph_.neurons();
    if (decided()) {
      result_.verdict = Verdict::kNotRobust;
      result_.margin_bound = result_.counterexamples.front().margin;
    } else if (between_) {  // SOUND: a violation is known, so the bound is at most 0 and nothing is proved
      result_.verdict = Verdict::kUnknown;
      result_.reason = options_.eight_bit ? Reason::kNoEightBit : Reason::kNoFloat32;
      result_.margin_bound = -kInfinity;
    } else if (stopped_splitting_) {
      result_.verdict = Verdict::kUnknown;
      result_.margin_bound = certified_;
    } else if (open_.empty() && boundary_.empty()) {
      result_.verdict = Verdict::kRobust;
      result_.reason = Reason::kProved;
      result_.margin_bound = certified_;
    } else {
      result_.verdict = Verdict::kUnknown;
      if (open_.empty()) result_.reason = Reason::kBoundary;
      if (!open_.empty()) result_.open_bound = open_.weakest();
      result_.margin_bound = options_.certify_open ? certify_open() : -kInfinity;
      if (result_.margin_bound > 0.0) {  // SOUND: all that was open has been replayed, and holds
        result_.verdict = Verdict::kRobust;
        result_.reason = Reason::kProved;
      }
    }
    result_.margin_seen = upper_;
    statistics.seconds = seconds_before_ + watch_.seconds();
    return std::move(result_);
  }

  // The certified bound over what is left open.
  double certify_open() {
    std::vector<Node> open = std::move(open_.nodes());
    open.insert(open.end(), boundary_.begin(), boundary_.end());
    Expander expander(replay_, graph_, problem_.property, enough_);
    return std::min(certified_, search::certify_open(std::move(open), expander, options_.recorder));
  }

  ThreadPool& threads() {
    if (!pool_) pool_ = std::make_unique<ThreadPool>(options_.threads);
    return *pool_;
  }

  void report(const char* phase) {
    if (observer_ == nullptr) return;
    const double lower = open_.empty() ? -kInfinity : open_.weakest();
    observer_->on_progress({phase, watch_.seconds(), result_.statistics.nodes,
                            static_cast<int64_t>(open_.size()), lower, upper_});
  }

  static constexpr int64_t kMostSides = 20;         // of boxes that are split
  static constexpr int64_t kMostBoxes = 2'000'000;  // before ReLUs are split instead
  static constexpr int kIterations = 10;
  static constexpr int kCoupledIterations = 20;  // bowls take longer to find their shape
  static constexpr int kCandidates = 4;
  static constexpr double kEnough = 1e-3;  // of the reference's margin
  static constexpr double kThin = 1e-4;    // slabs, see hopeless()
  static constexpr double kThinnest = 1e-7;

  const Problem& problem_;
  const Options& options_;
  StopToken stop_;
  Observer* observer_;
  Stopwatch watch_;
  double seconds_before_ = 0.0;  // of the search that is gone on with
  bounds::Graph graph_;
  proof::Replay replay_;
  attack::Descent descent_;
  attack::EightBitSearch eight_bit_;
  // Only images of 8 bits count, or violations in float32, and a violation is known that is none.
  bool between_ = false;
  std::unique_ptr<ThreadPool> pool_;
  std::shared_ptr<const Frame> root_;  // null until it is needed
  FrameProof root_proof_;
  int64_t numbered_ = 0;  // subproblems
  OpenSet open_;
  std::vector<Node> boundary_;
  std::vector<Node> round_;         // taken from the open ones, while they are bounded
  bool keeping_ = false;            // options_.keeper has a root to go on from
  bool stopped_splitting_ = false;  // boxes of the input are left open
  double enough_ = 0.0;             // a margin that proofs by cuts stop at, see refine()
  double certified_ = kInfinity;    // the weakest replayed bound of a closed leaf
  double upper_ = kInfinity;        // the smallest margin seen
  Result result_;
};

}  // namespace

Result verify(const Problem& problem, const Options& options, const StopToken& stop, Observer* observer) {
  return Run(problem, options, stop, observer).run();
}

}  // namespace verissim::search
