#include "search/final_problem.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "network/evaluate.h"
#include "search/frame.h"
#include "search/least_distance.h"

namespace verissim::search {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kMostPlanes = 400;    // evaluations of D
constexpr double kLongest = 1e11;   // steps, in units of the shortest that could do
constexpr double kShortest = 1e-6;  // such a unit, in lengths of beta and the goal
constexpr double kInside = 1e-7;   // points of the region, but for rounding to float32, have minus that slack
constexpr size_t kFewPlanes = 30;  // and a few for each sign are kept whatever they do
constexpr double kSlight = 1e-3;   // in levels
constexpr double kFirstLevel = 0.2;    // of the first bound's distance from zero
constexpr double kEitherSign = 1e-12;  // ReLU inputs as close to zero as that, in lengths, have either sign

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// A ReLU's input times its sign, on the inputs: >= 0 in the node.
struct Sign {
  Split split;
  proof::InputLine line;
  double scale = 1.0;  // multipliers are measured in its inverse
};

// value + slope . beta, nowhere below D. Made from the point.
struct Plane {
  std::vector<double> point;
  double value = 0.0;
  std::vector<double> slope;
  double weight = 0.0;  // in the last step
};

class FinalProblem {
 public:
  FinalProblem(const proof::Replay& replay, const property::Property& property, const Node& node,
               const FinalOptions& options)
      : replay_(replay),
        property_(property),
        goal_(property.goals[static_cast<size_t>(node.goal)]),
        node_(node),
        facts_(node.frame->facts),
        tolerance_(options.tolerance),
        multipliers_(node.multipliers) {
    answer_.splits = node.splits;
    answer_.multipliers = node.multipliers;
  }

  FinalAnswer run(const StopToken& stop) {
    goal_line_ = line_of(static_cast<int>(replay_.network().nodes.size()) - 1, goal_.coefficients);
    goal_line_.constant += goal_.offset;
    if (!std::isfinite(goal_line_.constant)) return answer_;
    for (const Split& s : node_.splits) add_sign(s);
    evaluate();
    if (!std::isfinite(answer_.bound)) return answer_;
    begin_level();
    for (int k = 0; k < kMostPlanes && !done() && !stop.stop_requested() && advance(); ++k) evaluate();
    return answer_;
  }

 private:
  bool done() const { return answer_.bound > 0.0 || answer_.margin <= 0.0; }

  // What coefficients . value(node) is on the inputs, all ReLUs before it being fixed.
  proof::InputLine line_of(int node, const std::vector<double>& coefficients) const {
    const auto neurons = facts_.neurons.size();
    const std::vector<float> low(neurons, 0.0F);
    std::vector<int8_t> split(neurons, 0);
    for (const Split& s : node_.splits) split[static_cast<size_t>(s.neuron)] = s.sign;
    proof::Argument argument;
    argument.coefficients = coefficients;
    argument.low = low.data();
    argument.split = split.data();
    argument.slab = node_.slab;
    return replay_.lower_lines(node, facts_, {&argument, 1}).front();
  }

  void add_sign(const Split& split) {
    const network::Network& network = replay_.network();
    for (const int relu : replay_.relu_nodes()) {
      const network::Node& node = network.nodes[static_cast<size_t>(relu)];
      const int64_t place = split.neuron - replay_.offset(relu);
      if (place < 0 || place >= node.size) continue;
      std::vector<double> coefficients(static_cast<size_t>(node.size), 0.0);
      coefficients[static_cast<size_t>(place)] = split.sign;
      Sign sign{split, line_of(node.inputs.front(), coefficients), 1.0};
      if (!std::isfinite(sign.line.constant)) return;
      const double length = std::sqrt(dot(sign.line.coefficients, sign.line.coefficients));
      sign.scale =
          length > kEitherSign * std::abs(sign.line.constant) ? length : std::abs(sign.line.constant);
      if (!(sign.scale > 0.0)) return;  // 0 has either sign
      for (Plane& plane : planes_) plane.slope.push_back(-at(sign.line, plane.point) / sign.scale);
      sign_weights_.push_back(0.0);
      beta_.push_back(split.beta * sign.scale);
      signs_.push_back(std::move(sign));
      return;
    }
  }

  static double at(const proof::InputLine& line, const std::vector<double>& x) {
    return dot(line.coefficients, x) + line.constant;
  }

  // D at the nearest beta that float32 holds, and its plane there.
  void evaluate() {
    std::vector<double> direction = goal_line_.coefficients;
    double constant = goal_line_.constant;
    for (size_t j = 0; j < signs_.size(); ++j) {
      Sign& sign = signs_[j];
      sign.split.beta = static_cast<float>(beta_[j] / sign.scale);
      const double beta = sign.split.beta;
      beta_[j] = beta * sign.scale;
      constant -= beta * sign.line.constant;
      for (size_t i = 0; i < direction.size(); ++i) direction[i] -= beta * sign.line.coefficients[i];
    }
    for (double& value : direction) value = -value;
    double support = maximise(direction, false);
    const double missing = std::max(0.0, level_ - (constant - support));
    if (!inside(point_) || support - dot(direction, point_) > 1e-3 * missing) {
      const region::Multipliers quick = multipliers_;
      const double thorough = maximise(direction, true);
      if (thorough > support) multipliers_ = quick;
      support = std::min(support, thorough);
    }
    if (constant - support > answer_.bound) {
      answer_.bound = constant - support;
      answer_.multipliers = multipliers_;
      take_splits();
    }
    add_plane();
    look_at(point_);
  }

  void add_plane() {
    Plane plane{point_, at(goal_line_, point_), {}, 0.0};
    for (const Sign& sign : signs_) plane.slope.push_back(-at(sign.line, point_) / sign.scale);
    planes_.push_back(std::move(plane));
    const size_t most = kFewPlanes + 3 * signs_.size();
    if (planes_.size() <= 2 * most) return;
    const auto idle = [](const Plane& old) { return old.weight == 0.0; };
    planes_.erase(std::remove_if(planes_.begin(), planes_.end() - static_cast<long>(most), idle),
                  planes_.end() - static_cast<long>(most));
  }

  // The support function's value, from above; its point and multipliers are kept.
  double maximise(const std::vector<double>& direction, bool thoroughly) {
    const std::vector<float> weights(direction.begin(), direction.end());
    std::vector<float> point(direction.size());
    float value = 0.0F;
    region::SupportBatch batch;
    batch.rows = 1;
    batch.weights = weights.data();
    batch.slabs = &node_.slab;
    batch.multipliers = &multipliers_;
    batch.values = &value;
    batch.maximisers = point.data();
    batch.thorough = true;
    if (thoroughly) batch.refinements = 0;
    replay_.region().support(batch);
    point_.assign(point.begin(), point.end());
    return replay_.region().sound_support(direction, node_.slab, multipliers_);
  }

  bool inside(const std::vector<double>& x) const {
    if (replay_.region().slack(x) < -kInside) return false;
    const double scalar = replay_.region().scalar(x);
    return scalar >= node_.slab.lo - kInside && scalar <= node_.slab.hi + kInside;
  }

  void take_splits() {
    answer_.splits = node_.splits;
    for (const Sign& sign : signs_) {
      const auto same = [&](const Split& s) { return s.neuron == sign.split.neuron; };
      const auto known = std::find_if(answer_.splits.begin(), answer_.splits.end(), same);
      if (known != answer_.splits.end()) {
        known->beta = sign.split.beta;
      } else if (sign.split.beta > 0.0F) {
        answer_.splits.push_back(sign.split);
      }
    }
  }

  // Remembers the point of the region next to x if its margin is the smallest one.
  void look_at(std::vector<double> x) {
    replay_.region().pull_in(x);
    const std::vector<double> outputs = network::evaluate(replay_.network(), x);
    const double margin = property::smallest_goal(property_, outputs);
    if (margin >= answer_.margin) return;
    answer_.margin = margin;
    answer_.point = std::move(x);
  }

  void begin_level() {
    upper_ = kInfinity;
    level_ = std::max(10.0 * tolerance_, kFirstLevel * std::abs(answer_.bound));
  }

  // Moves beta to where all planes reach the level, which is lowered until there is such a place. False if
  // that gets no further.
  bool advance() {
    if (answer_.bound >= level_) level_ = upper_ / 2 + answer_.bound / 2;
    while (upper_ - answer_.bound > 0.1 * tolerance_) {
      const double unit = unit_length();
      if (unit == 0.0) return false;
      if (project(unit)) return true;
      const Plane mean = mean_plane();
      if (!(mean.weight > 0.0)) return false;
      look_at(mean.point);
      if (done()) return false;
      upper_ = std::min({upper_, level_, mean.value});
      if (mean.value < 10.0 * tolerance_ && add_missing_signs(mean.point)) {
        begin_level();
      } else if (!lower_level(mean.point)) {
        return false;
      }
    }
    return false;
  }

  // The shortest step that could bring all planes to the level; 0 if they are about there, which means that
  // the maximisers are not exact enough for it.
  double unit_length() const {
    const double slight = kSlight * std::max(std::abs(level_), tolerance_);
    double longest = 0.0;
    for (const Plane& plane : planes_) {
      const double missing = level_ - height(plane);
      const double steepness = std::sqrt(dot(plane.slope, plane.slope));
      if (missing > slight) longest = std::max(longest, missing / (steepness + missing / kLongest));
    }
    if (longest == 0.0) return 0.0;
    const double usual =
        std::sqrt(dot(beta_, beta_)) + std::sqrt(dot(goal_line_.coefficients, goal_line_.coefficients));
    return std::max(longest, kShortest * usual);
  }

  double height(const Plane& plane) const { return plane.value + dot(plane.slope, beta_); }

  // Steps to the nearest beta >= 0 where all planes reach the level; false if there is none. Each half-space
  // is scaled to about one.
  bool project(double unit) {
    std::vector<HalfSpace> half_spaces;
    std::vector<double> scales;
    std::vector<double> start;
    const auto add = [&](HalfSpace half_space, double weight) {
      const double scale = std::sqrt(dot(half_space.g, half_space.g) + half_space.h * half_space.h);
      const double factor = scale > 0.0 ? 1.0 / scale : 1.0;
      for (double& value : half_space.g) value *= factor;
      half_space.h *= factor;
      half_spaces.push_back(std::move(half_space));
      scales.push_back(factor);
      start.push_back(weight / factor);
    };
    for (const Plane& plane : planes_) {
      HalfSpace half_space{plane.slope, level_ - height(plane)};
      for (double& value : half_space.g) value *= unit;
      add(std::move(half_space), plane.weight);
    }
    for (size_t j = 0; j < signs_.size(); ++j) {
      HalfSpace half_space{std::vector<double>(signs_.size(), 0.0), -beta_[j]};
      half_space.g[j] = unit;
      add(std::move(half_space), sign_weights_[j]);
    }
    const LeastDistance step = least_distance(half_spaces, signs_.size(), kLongest, start);
    for (size_t i = 0; i < planes_.size(); ++i) planes_[i].weight = step.weights[i] * scales[i];
    for (size_t j = 0; j < signs_.size(); ++j)
      sign_weights_[j] = step.weights[planes_.size() + j] * scales[planes_.size() + j];
    if (!step.feasible) return false;
    for (size_t j = 0; j < signs_.size(); ++j) beta_[j] = std::max(0.0, beta_[j] + unit * step.y[j]);
    return true;
  }

  // By the weights of the last step. Where no beta was found its slopes are (nearly) not positive: the point
  // meets the signs.
  Plane mean_plane() const {
    Plane mean{std::vector<double>(point_.size(), 0.0), 0.0, {}, 0.0};
    for (const Plane& plane : planes_) mean.weight += plane.weight;
    for (const Plane& plane : planes_) {
      const double share = plane.weight / mean.weight;
      if (share == 0.0) continue;
      mean.value += share * plane.value;
      for (size_t i = 0; i < mean.point.size(); ++i) mean.point[i] += share * plane.point[i];
    }
    return mean;
  }

  // Neurons that the frame's bounds fix need no split, but without one the solution may lie where their signs
  // are others. Adds those of the first layer where they are. SOUND: the frame's facts hold wherever the node
  // is asked about, so such a split loses nothing.
  bool add_missing_signs(const std::vector<double>& x) {
    const auto inputs = network::pre_activations(replay_.network(), x);
    int32_t neuron = 0;
    bool added = false;
    for (const std::vector<double>& layer : inputs) {
      for (const double z : layer) {
        const Interval& known = facts_.neurons[static_cast<size_t>(neuron)];
        if (known.lo < 0.0 && known.hi > 0.0) {  // SOUND: only a sign that the facts tell is no split
          ++neuron;
          continue;
        }
        const int8_t sign = known.lo >= 0.0 ? 1 : -1;
        const auto same = [&](const Sign& s) { return s.split.neuron == neuron; };
        const bool wrong = sign > 0 ? z < 0.0 : z > 0.0;
        const bool split = std::any_of(node_.splits.begin(), node_.splits.end(),
                                       [&](const Split& s) { return s.neuron == neuron; });
        if (wrong && !split && std::none_of(signs_.begin(), signs_.end(), same)) {
          const size_t before = signs_.size();
          add_sign({neuron, sign, 0.0F});
          added = added || signs_.size() > before;
        }
        ++neuron;
      }
      if (added) return true;
    }
    return false;
  }

  // Between zero and what D cannot exceed; at last between both bounds.
  bool lower_level(const std::vector<double>& x) {
    if (upper_ < -10.0 * tolerance_) return false;  // the point should have been a counterexample
    if (upper_ <= 0.0 && !inside(x)) return false;  // the region is not convex
    level_ = upper_ > tolerance_ ? upper_ / 2 : upper_ / 2 + answer_.bound / 2;
    return true;
  }

  const proof::Replay& replay_;
  const property::Property& property_;
  const property::Goal& goal_;
  const Node& node_;
  const proof::Facts& facts_;
  const double tolerance_;
  proof::InputLine goal_line_;
  std::vector<Sign> signs_;
  std::vector<Plane> planes_;
  std::vector<double> sign_weights_;  // of beta_j >= 0 in the last step
  std::vector<double> beta_;          // times the signs' scales
  std::vector<double> point_;         // the last maximiser
  region::Multipliers multipliers_;
  double level_ = 0.0;
  double upper_ = kInfinity;  // D is nowhere above, with the present signs
  FinalAnswer answer_;
};

}  // namespace

FinalAnswer solve_final(const proof::Replay& replay, const property::Property& property, const Node& node,
                        const FinalOptions& options, const StopToken& stop) {
  return FinalProblem(replay, property, node, options).run(stop);
}

}  // namespace verissim::search
