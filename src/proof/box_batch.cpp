#include "proof/box_batch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/arithmetic.h"
#include "base/clones.h"
#include "base/error.h"
#include "base/sound_sum.h"

namespace verissim::proof {
namespace {

using network::Node;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What one row needs of an affine layer.
struct AffineSums {
  double bias = 0.0;           // c . bias
  double bias_absolute = 0.0;  // |c| . |bias|
  double weighed = 0.0;        // |c| . row sums
};

VERISSIM_CLONES AffineSums affine_sums(size_t size, const double* c, const double* bias,
                                       const double* row_sums) {
  double sum = 0.0;
  double absolute = 0.0;
  double weighed = 0.0;
#pragma omp simd reduction(+ : sum, absolute, weighed)
  for (size_t i = 0; i < size; ++i) {
    const double product = c[i] * bias[i];
    sum += product;
    absolute += std::abs(product);
    weighed += std::abs(c[i]) * row_sums[i];
  }
  return {sum, absolute, weighed};
}

// One row through a ReLU layer: c relu(z) is replaced by out z plus a constant, and minus the constant is
// returned, rounded.
//
// SOUND: up and low are slopes in [0, 1], 1 where lo >= 0 and 0 where hi <= 0. A computed coefficient is
// exactly c s' with some s' in [0, 1] (see replay.h). For c < 0 the constant is min over both ends of c
// relu(z) - out z, which is 0 for neurons of known sign. A value that is not finite makes out NaN or
// infinite.
VERISSIM_CLONES double relu_row(size_t size, const double* c, const double* low, const double* up,
                                const double* lo, const double* hi, double* out) {
  double chords = 0.0;
#pragma omp simd reduction(+ : chords)
  for (size_t j = 0; j < size; ++j) {
    const double positive = std::max(c[j], 0.0);
    const double negative = std::min(c[j], 0.0);
    const double value = negative * up[j];
    out[j] = positive * low[j] + value;  // one of them is 0
    chords += std::max(std::max(value * lo[j], (value - negative) * hi[j]), 0.0);
  }
  return chords;
}

// The least value of a line over a box, rounded, and the sum of the absolute values.
std::pair<double, double> least_value(std::span<const Interval> sides, const double* line) {
  double sum = 0.0;
  double absolute = 0.0;
  for (size_t i = 0; i < sides.size(); ++i) {
    const double term = line[i] > 0.0 ? line[i] * sides[i].lo : line[i] * sides[i].hi;
    sum += term;
    absolute += std::abs(term);
  }
  return {sum, absolute};
}

const network::Dense* dense_before(const network::Network& network, int relu) {
  const int input = network.nodes[static_cast<size_t>(relu)].inputs.front();
  return std::get_if<network::Dense>(&network.nodes[static_cast<size_t>(input)].op);
}

bool is_affine(const Node& node) {
  return std::holds_alternative<network::Dense>(node.op) || std::holds_alternative<network::Conv2d>(node.op);
}

}  // namespace

BoxBatch::BoxBatch(const Replay& replay, const Facts& facts)
    : replay_(replay),
      facts_(facts),
      neurons_(facts.neurons.size()),
      inputs_(static_cast<size_t>(replay.network().inputs())) {
  VERISSIM_CHECK(!facts.contradiction && !facts.cut);
  const auto& nodes = replay.network().nodes;
  coefficients_.resize(nodes.size());
  filled_.resize(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    double sum = 0.0;
    for (const double value : facts.magnitude[i]) sum = next_up(sum + value);
    magnitudes_.push_back(sum);
    biases_.emplace_back();
    if (!is_affine(nodes[i])) continue;
    for (int64_t k = 0; k < nodes[i].size; ++k)
      biases_.back().push_back(replay.affine(static_cast<int>(i)).bias(k));
  }
}

// The slopes of a ReLU layer's neurons in every box: the chord's, and the lower line of the smaller triangle.
void BoxBatch::relax(std::span<SubBox* const> boxes, int relu) {
  const auto offset = static_cast<size_t>(replay_.offset(relu));
  const auto size = static_cast<size_t>(replay_.network().nodes[static_cast<size_t>(relu)].size);
  for (size_t b = 0; b < boxes.size(); ++b) {
    for (size_t j = offset; j < offset + size; ++j) {
      const double lo = boxes[b]->lower[j];
      const double hi = boxes[b]->upper[j];
      double& low = low_[b * neurons_ + j];
      double& up = up_[b * neurons_ + j];
      if (lo >= 0.0) {
        low = up = 1.0;
      } else if (hi <= 0.0) {
        low = up = 0.0;
      } else {
        up = std::clamp(hi / (hi - lo), 0.0, 1.0);
        low = hi > -lo ? 1.0 : 0.0;
      }
    }
  }
}

void BoxBatch::tighten(std::span<SubBox* const> boxes) {
  low_.resize(boxes.size() * neurons_);
  up_.resize(boxes.size() * neurons_);
  slopes_.resize(boxes.size() * neurons_ * inputs_);
  for (const int relu : replay_.relu_nodes()) {
    tighten_layer(boxes, relu);
    relax(boxes, relu);
  }
}

void BoxBatch::tighten_layer(std::span<SubBox* const> boxes, int relu) {
  const auto& nodes = replay_.network().nodes;
  const auto offset = static_cast<size_t>(replay_.offset(relu));
  const auto size = static_cast<size_t>(nodes[static_cast<size_t>(relu)].size);
  const int input = nodes[static_cast<size_t>(relu)].inputs.front();
  const network::Dense* dense = dense_before(replay_.network(), relu);
  // A row of a dense layer's weights and its bias are exact, and spare the first step.
  BoxRows& rows = layer_;
  std::vector<size_t>& neurons = layer_neurons_;
  rows.box.clear();
  rows.coefficients.clear();
  rows.constants.clear();
  neurons.clear();
  rows.node = dense == nullptr ? input : nodes[static_cast<size_t>(input)].inputs.front();
  const size_t width = dense == nullptr ? size : static_cast<size_t>(dense->in);
  for (size_t b = 0; b < boxes.size(); ++b) {
    for (size_t j = 0; j < size; ++j) {
      if (boxes[b]->lower[offset + j] >= 0.0 || boxes[b]->upper[offset + j] <= 0.0) continue;
      neurons.push_back(offset + j);
      for (const double sign : {1.0, -1.0}) {
        rows.box.push_back(static_cast<int32_t>(b));
        rows.constants.push_back(dense == nullptr ? 0.0 : sign * dense->bias[j]);
        const size_t at = rows.coefficients.size();
        rows.coefficients.resize(at + width, 0.0);
        if (dense == nullptr) {
          rows.coefficients[at + j] = sign;
        } else {
          for (size_t k = 0; k < width; ++k) rows.coefficients[at + k] = sign * dense->weight[j * width + k];
        }
      }
    }
  }
  run(boxes, rows);
  for (size_t i = 0; i < neurons.size(); ++i) {
    // SOUND: both bounds hold, so the tighter one does. What the spared step's values may be off by is
    // lost here.
    SubBox& box = *boxes[static_cast<size_t>(rows.box[2 * i])];
    if (dense != nullptr && !facts_.errors.empty()) {
      const double error = facts_.errors[static_cast<size_t>(input)][neurons[i] - offset];
      for (const size_t row : {2 * i, 2 * i + 1}) rows.bounds[row] = next_down(rows.bounds[row] - error);
    }
    box.lower[neurons[i]] = std::max(box.lower[neurons[i]], rows.bounds[2 * i]);
    box.upper[neurons[i]] = std::min(box.upper[neurons[i]], -rows.bounds[2 * i + 1]);
    double* slopes =
        slopes_.data() + (static_cast<size_t>(rows.box[2 * i]) * neurons_ + neurons[i]) * inputs_;
    const double* lines = rows.lines.data() + 2 * i * inputs_;
    for (size_t k = 0; k < inputs_; ++k)
      slopes[k] = (std::abs(lines[k]) + std::abs(lines[inputs_ + k])) / 2.0;
  }
}

// SOUND: as Pass::lose_errors in replay.cpp; those of the whole region hold in its parts.
void BoxBatch::lose_errors(int node, size_t count) {
  if (facts_.errors.empty()) return;
  const auto& errors = facts_.errors[static_cast<size_t>(node)];
  const double* c = coefficients_[static_cast<size_t>(node)].data();
  for (size_t r = 0; !errors.empty() && r < count; ++r)
    lose(r, weighed_errors(c + r * errors.size(), errors));
}

void BoxBatch::lower_bounds(std::span<SubBox* const> boxes, BoxRows& rows) {
  low_.resize(boxes.size() * neurons_);
  up_.resize(boxes.size() * neurons_);
  for (const int relu : replay_.relu_nodes()) relax(boxes, relu);
  run(boxes, rows);
}

void BoxBatch::run(std::span<SubBox* const> boxes, BoxRows& rows) {
  const size_t count = rows.count();
  const size_t inputs = inputs_;
  rows.bounds.assign(count, -kInfinity);
  rows.lines.assign(count * inputs, 0.0);
  // SOUND: in other arithmetic nothing is proved.
  if (count == 0 || !arithmetic_is_ieee()) return;
  constants_ = rows.constants;
  std::fill(filled_.begin(), filled_.end(), 0);
  coefficients_[static_cast<size_t>(rows.node)] = rows.coefficients;
  filled_[static_cast<size_t>(rows.node)] = 1;
  for (int i = rows.node; i > 0; --i) {
    if (filled_[static_cast<size_t>(i)] != 0) spread(i, boxes, rows);
  }
  if (filled_[0] != 0) rows.lines = coefficients_[0];
  for (size_t r = 0; r < count; ++r) {
    const SubBox& box = *boxes[static_cast<size_t>(rows.box[r])];
    const auto [least, absolute] = least_value(box.sides, rows.lines.data() + r * inputs);
    lose(r, sum_error(absolute, inputs));
    // SOUND: a line or constant that is not finite gives no bound; neither is lost on the way, for nothing is
    // skipped and infinity times 0 is NaN.
    const double bound = next_down(constants_[r] + least);
    rows.bounds[r] = std::isfinite(bound) ? bound : -kInfinity;
  }
}

void BoxBatch::spread(int node, std::span<SubBox* const> boxes, BoxRows& rows) {
  const Node& own = replay_.network().nodes[static_cast<size_t>(node)];
  lose_errors(node, rows.count());
  if (is_affine(own)) {
    spread_affine(node, rows.count());
  } else if (std::holds_alternative<network::Relu>(own.op)) {
    spread_relu(node, boxes, rows);
  } else if (std::holds_alternative<network::Gather>(own.op)) {
    spread_gather(node, rows.count());
  } else {
    VERISSIM_CHECK(std::holds_alternative<network::Add>(own.op));
    for (const int input : own.inputs) {
      const std::vector<double>& from = coefficients_[static_cast<size_t>(node)];
      std::copy(from.begin(), from.end(), place(input, rows.count()));
      deliver(input, rows.count());
    }
  }
}

void BoxBatch::lose(size_t row, double amount) { constants_[row] = next_down(constants_[row] - amount); }

// Where values for a node's coefficients are to be written, before deliver().
double* BoxBatch::place(int node, size_t count) {
  const auto i = static_cast<size_t>(node);
  auto& to = filled_[i] != 0 ? added_ : coefficients_[i];
  to.resize(count * facts_.magnitude[i].size());
  return to.data();
}

// SOUND: as Pass::deliver in replay.cpp.
void BoxBatch::deliver(int node, size_t count) {
  auto& to = coefficients_[static_cast<size_t>(node)];
  if (std::exchange(filled_[static_cast<size_t>(node)], 1) == 0) return;
  const auto& magnitude = facts_.magnitude[static_cast<size_t>(node)];
  const size_t size = magnitude.size();
  for (size_t r = 0; r < count; ++r) {
    double changed = 0.0;
    for (size_t i = 0; i < size; ++i) {
      double& sum = to[r * size + i];
      sum += added_[r * size + i];
      changed += std::abs(sum) * magnitude[i];
    }
    lose(r, sum_error(changed, size));
  }
}

// SOUND: as Pass::spread_affine in replay.cpp; the facts of the whole region bound all values in its parts.
void BoxBatch::spread_affine(int node, size_t count) {
  const auto i = static_cast<size_t>(node);
  const Affine& affine = replay_.affine(node);
  const int input = replay_.network().nodes[i].inputs.front();
  const size_t size = biases_[i].size();
  affine.apply_transposed(static_cast<int64_t>(count), coefficients_[i].data(), place(input, count));
  const auto products = static_cast<size_t>(affine.fan_out());
  const double tiny = next_up(next_up((static_cast<double>(products) + 2.0) * 0x1p-1073) *
                              magnitudes_[static_cast<size_t>(input)]);
  for (size_t r = 0; r < count; ++r) {
    const AffineSums sums =
        affine_sums(size, coefficients_[i].data() + r * size, biases_[i].data(), facts_.row_sums[i].data());
    constants_[r] = next_down(constants_[r] + sums.bias);
    lose(r, sum_error(sums.bias_absolute, size));
    lose(r, next_up(sum_error(sums.weighed, products + size) + tiny));
  }
  deliver(input, count);
}

void BoxBatch::spread_relu(int node, std::span<SubBox* const> boxes, BoxRows& rows) {
  const auto i = static_cast<size_t>(node);
  const auto offset = static_cast<size_t>(replay_.offset(node));
  const auto size = static_cast<size_t>(replay_.network().nodes[i].size);
  const int input = replay_.network().nodes[i].inputs.front();
  const std::vector<double>& from = coefficients_[i];
  double* to = place(input, rows.count());
  for (size_t r = 0; r < rows.count(); ++r) {
    const auto b = static_cast<size_t>(rows.box[r]);
    const size_t first = b * neurons_ + offset;
    const double chords =
        relu_row(size, from.data() + r * size, low_.data() + first, up_.data() + first,
                 boxes[b]->lower.data() + offset, boxes[b]->upper.data() + offset, to + r * size);
    // SOUND: each term is rounded twice at most; none is below 0, so that they are their own absolute values.
    lose(r, chords);
    lose(r, sum_error(chords, 2 * size));
    if (rows.at_relu.empty()) continue;
    std::copy_n(from.begin() + static_cast<long>(r * size), size,
                rows.at_relu.begin() + static_cast<long>(r * neurons_ + offset));
  }
  deliver(input, rows.count());
}

// SOUND: as Pass::spread_gather in replay.cpp; the sum's error is counted even where nothing is summed.
void BoxBatch::spread_gather(int node, size_t count) {
  const auto i = static_cast<size_t>(node);
  const auto& gather = std::get<network::Gather>(replay_.network().nodes[i].op);
  const int input = replay_.network().nodes[i].inputs.front();
  const auto& magnitude = facts_.magnitude[static_cast<size_t>(input)];
  const size_t inputs = magnitude.size();
  const size_t outputs = gather.index.size();
  double* to = place(input, count);
  std::fill(to, to + count * inputs, 0.0);
  for (size_t r = 0; r < count; ++r) {
    double weighed = 0.0;
    for (size_t k = 0; k < outputs; ++k) {
      if (gather.index[k] < 0) continue;
      const auto place = static_cast<size_t>(gather.index[k]);
      const double c = coefficients_[i][r * outputs + k];
      to[r * inputs + place] += gather.negated ? -c : c;
      weighed += std::abs(c) * magnitude[place];
    }
    lose(r, sum_error(weighed, 2 * outputs));
  }
  deliver(input, count);
}

}  // namespace verissim::proof
