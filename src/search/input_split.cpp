#include "search/input_split.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>

#include "bounds/backward.h"

namespace verissim::search {
namespace {

using proof::SubBox;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLineShare = 0.5;     // of a line's change, see choose_side()
constexpr double kThinnest = 0x1p-30;  // of a side of the region: it is not halved any more
constexpr size_t kChunk = 24;          // boxes a chunk; chunks are what threads share
constexpr int64_t kPatience = 40000;   // over the square of the sides: boxes before the rest is estimated
constexpr size_t kRound = 384;         // boxes bounded between two looks at the stack

struct Box {
  SubBox part;
  std::vector<int32_t> goals;     // still open
  int depth = 0;                  // how often it was halved
  double certified = -kInfinity;  // lower bound of the open goals, here or over a box around
};

// What became of a box.
struct Outcome {
  bool closed = false;              // SOUND: replayed bounds of all goals are above 0
  double closed_bound = kInfinity;  // the smallest bound of a goal that was closed here
  int32_t side = -1;                // to be halved; -1: none can be
  size_t row = 0;                   // of the weakest goal
  std::vector<double> point;        // where a goal is lowest among some points
  double margin = kInfinity;        // there
};

// One thread's share of a round.
class Worker {
 public:
  Worker(const Problem& problem, const proof::Replay& replay, const proof::Facts& facts)
      : problem_(problem), batch_(replay, facts), inputs_(static_cast<size_t>(problem.network.inputs())) {}

  std::vector<Outcome> run(std::span<Box> boxes) {
    std::vector<SubBox*> parts;
    for (Box& box : boxes) parts.push_back(&box.part);
    std::vector<Outcome> outcomes(boxes.size());
    bound_goals(boxes, parts);
    close_goals(boxes, outcomes);
    std::vector<SubBox*> open_parts;
    std::vector<size_t> open;
    for (size_t b = 0; b < boxes.size(); ++b) {
      if (outcomes[b].closed) continue;
      open.push_back(b);
      open_parts.push_back(parts[b]);
    }
    if (open.empty()) return outcomes;
    batch_.tighten(open_parts);
    bound_goals(boxes, parts);
    close_goals(boxes, outcomes);
    for (size_t k = 0; k < open.size(); ++k) {
      if (!outcomes[open[k]].closed) choose_side(boxes[open[k]], k, outcomes[open[k]]);
    }
    return outcomes;
  }

 private:
  // A row for every open goal of every box.
  void bound_goals(std::span<Box> boxes, std::span<SubBox* const> parts) {
    rows_.box.clear();
    rows_.constants.clear();
    rows_.coefficients.clear();
    rows_.node = static_cast<int>(problem_.network.nodes.size()) - 1;
    for (size_t b = 0; b < boxes.size(); ++b) {
      for (const int32_t goal : boxes[b].goals) {
        const auto& own = problem_.property.goals[static_cast<size_t>(goal)];
        rows_.box.push_back(static_cast<int32_t>(b));
        rows_.constants.push_back(own.offset);
        rows_.coefficients.insert(rows_.coefficients.end(), own.coefficients.begin(), own.coefficients.end());
      }
    }
    rows_.at_relu.assign(rows_.count() * boxes.front().part.lower.size(), 0.0);
    batch_.lower_bounds(parts, rows_);
  }

  void close_goals(std::span<Box> boxes, std::vector<Outcome>& outcomes) {
    size_t row = 0;
    for (size_t b = 0; b < boxes.size(); ++b) {
      std::vector<int32_t> open;
      double least = kInfinity;
      for (const int32_t goal : boxes[b].goals) {
        const double bound = rows_.bounds[row];
        if (bound > 0.0) {
          outcomes[b].closed_bound = std::min(outcomes[b].closed_bound, bound);
        } else {
          if (bound < least) {
            weakest_line(row, outcomes[b]);
            least = bound;
          }
          open.push_back(goal);
        }
        ++row;
      }
      boxes[b].goals = std::move(open);
      boxes[b].certified = std::max(boxes[b].certified, least);
      outcomes[b].closed = boxes[b].goals.empty();
    }
  }

  void weakest_line(size_t row, Outcome& outcome) {
    const double* line = rows_.lines.data() + row * inputs_;
    outcome.point.assign(line, line + inputs_);
    outcome.row = row;
  }

  // What halving a side promises: the triangles of the relaxed ReLUs, weighed by the weakest goal's
  // coefficients, get smaller as their inputs' ranges do; and half of the line's own change goes away.
  // outcome.point: in, the line; out, its minimiser.
  void choose_side(const Box& box, size_t place, Outcome& outcome) const {
    std::vector<double> gains(inputs_);
    const double* at_relu = rows_.at_relu.data() + outcome.row * box.part.lower.size();
    for (size_t j = 0; j < box.part.lower.size(); ++j) {
      const double lo = box.part.lower[j];
      const double hi = box.part.upper[j];
      if (lo >= 0.0 || hi <= 0.0) continue;
      const double gap = at_relu[j] < 0.0 ? -lo * hi / (hi - lo) : std::min(-lo, hi);
      const double* slopes = batch_.slopes(place, j);
      const double weight = std::abs(at_relu[j]) * gap / (hi - lo);
      for (size_t i = 0; i < inputs_; ++i) gains[i] += weight * slopes[i];
    }
    double most = -1.0;
    for (size_t i = 0; i < inputs_; ++i) {
      const Interval& side = box.part.sides[i];
      const Interval& whole = problem_.region.box()[i];
      const double slope = outcome.point[i];
      outcome.point[i] = slope > 0.0 ? side.lo : side.hi;
      if (side.hi - side.lo <= kThinnest * (whole.hi - whole.lo)) continue;
      const double gain = (gains[i] + kLineShare * std::abs(slope)) * (side.hi - side.lo);
      if (gain > most) {
        most = gain;
        outcome.side = static_cast<int32_t>(i);
      }
    }
  }

  const Problem& problem_;
  proof::BoxBatch batch_;
  size_t inputs_;
  proof::BoxRows rows_;
};

class Splitter {
 public:
  Splitter(const Problem& problem, const proof::Replay& replay, const proof::Facts& facts,
           ThreadPool& threads, const StopToken& stop, const SplitLimits& limits)
      : problem_(problem),
        replay_(replay),
        facts_(facts),
        threads_(threads),
        stop_(stop),
        limits_(limits),
        graph_(problem.network) {
    const int64_t sides = std::max<int64_t>(1, free_sides(problem.region));
    patience_ = kPatience / (sides * sides);
    result_.margin_bound = kInfinity;
  }

  InputSplit run(const std::function<void(int64_t, int64_t)>& report) {
    push_root();
    while (!open_.empty()) {
      if (stop_.stop_requested()) return finish(InputSplit::End::kStopped);
      if (stuck_ || result_.between || must_give_up()) return finish(InputSplit::End::kExhausted);
      round();
      if (result_.violation) return finish(InputSplit::End::kRefuted);
      report(result_.boxes, static_cast<int64_t>(open_.size()));
    }
    return finish(InputSplit::End::kProved);
  }

 private:
  void push_root() {
    Box root;
    root.part.sides = problem_.region.box();
    for (const Interval& z : facts_.neurons) {
      root.part.lower.push_back(z.lo);
      root.part.upper.push_back(z.hi);
    }
    for (size_t goal = 0; goal < problem_.property.goals.size(); ++goal)
      root.goals.push_back(static_cast<int32_t>(goal));
    if (!root.goals.empty()) open_.push_back(std::move(root));
  }

  // Whether more boxes or memory would be needed than allowed, as far as can be foreseen.
  bool must_give_up() const {
    const uint64_t bytes = open_.size() * (sizeof(Box) + 2 * sizeof(double) * facts_.neurons.size() +
                                           sizeof(Interval) * problem_.region.box().size());
    const auto boxes = static_cast<double>(result_.boxes);
    const bool slow =
        result_.boxes >= patience_ && boxes > closed_share_ * static_cast<double>(limits_.boxes);
    return slow || result_.boxes >= limits_.boxes || bytes > limits_.bytes;
  }

  void round() {
    const size_t count = std::min(kRound, open_.size());
    std::vector<Box> boxes(std::make_move_iterator(open_.end() - static_cast<long>(count)),
                           std::make_move_iterator(open_.end()));
    open_.resize(open_.size() - count);
    const size_t chunks = (count + kChunk - 1) / kChunk;
    std::vector<std::vector<Outcome>> outcomes(chunks);
    threads_.run(chunks, [&](size_t i) {
      const auto part = std::span(boxes).subspan(i * kChunk, std::min(kChunk, count - i * kChunk));
      std::unique_ptr<Worker> worker = idle_worker();
      outcomes[i] = worker->run(part);
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(worker));
    });
    for (size_t b = 0; b < count; ++b) settle(boxes[b], outcomes[b / kChunk][b % kChunk]);
  }

  // Workers keep their buffers; which one gets a chunk does not matter.
  std::unique_ptr<Worker> idle_worker() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Worker>(problem_, replay_, facts_);
    std::unique_ptr<Worker> worker = std::move(idle_.back());
    idle_.pop_back();
    return worker;
  }

  void settle(Box& box, const Outcome& outcome) {
    ++result_.boxes;
    result_.margin_bound = std::min(result_.margin_bound, outcome.closed_bound);
    if (outcome.closed) {
      ++result_.leaves;
      closed_share_ += std::ldexp(1.0, -box.depth);
      return;
    }
    if (!result_.violation && !result_.between) look_at(outcome.point);
    if (outcome.side < 0) {
      stuck_ = true;
      open_.push_back(std::move(box));
      return;
    }
    // SOUND: the halves share their end and cover the box.
    const auto side = static_cast<size_t>(outcome.side);
    const double middle = box.part.sides[side].middle();
    ++box.depth;
    Box upper = box;
    upper.part.sides[side].lo = middle;
    box.part.sides[side].hi = middle;
    open_.push_back(std::move(box));
    open_.push_back(std::move(upper));
  }

  // Confirms the point if some goal does not seem to hold there.
  void look_at(const std::vector<double>& point) {
    const std::vector<float> x(point.begin(), point.end());
    std::vector<float> y(static_cast<size_t>(graph_.outputs()));
    bounds::evaluate(graph_, 1, x.data(), y.data());
    if (property::smallest_goal(problem_.property, std::vector<double>(y.begin(), y.end())) > 0.0) return;
    std::vector<double> inside = point;
    problem_.region.pull_in(inside);
    attack::Trial trial = attack::try_point(problem_.network, problem_.region, problem_.property, inside);
    result_.violation = std::move(trial.violation);
    result_.between = trial.between;
  }

  InputSplit finish(InputSplit::End end) {
    result_.end = end;
    for (const Box& box : open_) result_.margin_bound = std::min(result_.margin_bound, box.certified);
    return std::move(result_);
  }

  const Problem& problem_;
  const proof::Replay& replay_;
  const proof::Facts& facts_;
  ThreadPool& threads_;
  const StopToken& stop_;
  SplitLimits limits_;
  int64_t patience_ = 0;
  bounds::Graph graph_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
  std::vector<Box> open_;      // a stack: few boxes are open at a time
  bool stuck_ = false;         // a box that cannot be halved is open
  double closed_share_ = 0.0;  // of the region's volume
  InputSplit result_;
};

}  // namespace

int64_t free_sides(const region::Region& region) {
  return std::count_if(region.box().begin(), region.box().end(),
                       [](const Interval& side) { return side.lo < side.hi; });
}

InputSplit split_input(const Problem& problem, const proof::Replay& replay, const proof::Facts& facts,
                       ThreadPool& threads, const StopToken& stop, const SplitLimits& limits,
                       const std::function<void(int64_t, int64_t)>& report) {
  return Splitter(problem, replay, facts, threads, stop, limits).run(report);
}

}  // namespace verissim::search
