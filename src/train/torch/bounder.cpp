#include "train/torch/bounder.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/error.h"

namespace verissim::train {
namespace {

// Keeps roots and quotients differentiable.
constexpr double kTiny = 1e-12;
// Rows that the support function is given at once.
constexpr int64_t kRowsAtOnce = 512;
// The most weights that all rows of a layer may have together at any node, see interval_of().
constexpr int64_t kMostWeights = INT64_C(1) << 24;

// Planes of every node that only convolutions, ReLUs and sums lead to; no channels elsewhere.
std::vector<Planes> find_planes(const network::Network& network) {
  std::vector<Planes> planes = {network.input};
  for (size_t i = 1; i < network.nodes.size(); ++i) {
    const network::Node& node = network.nodes[i];
    Planes own{0, 0, 0};
    const auto of = [&](size_t k) { return planes[static_cast<size_t>(node.inputs[k])]; };
    if (const auto* conv = std::get_if<network::Conv2d>(&node.op); conv != nullptr && of(0) == conv->in)
      own = conv->out;
    if (std::holds_alternative<network::Relu>(node.op)) own = of(0);
    if (std::holds_alternative<network::Add>(node.op) && of(0) == of(1)) own = of(0);
    planes.push_back(own);
  }
  return planes;
}

// What a transposed convolution must be told to give back all of the input.
std::array<int64_t, 2> rest_of(const network::Conv2d& conv) {
  const int64_t tall =
      (conv.out.height - 1) * conv.stride_h - 2 * conv.pad_h + conv.dilation_h * (conv.kernel_h - 1) + 1;
  const int64_t wide =
      (conv.out.width - 1) * conv.stride_w - 2 * conv.pad_w + conv.dilation_w * (conv.kernel_w - 1) + 1;
  return {conv.in.height - tall, conv.in.width - wide};
}

torch::Tensor transposed(const network::Conv2d& conv, const torch::Tensor& weight,
                         const torch::Tensor& rows) {
  const std::array<int64_t, 2> rest = rest_of(conv);
  return at::conv_transpose2d(rows.view({-1, conv.out.channels, conv.out.height, conv.out.width}), weight, {},
                              {conv.stride_h, conv.stride_w}, {conv.pad_h, conv.pad_w}, {rest[0], rest[1]},
                              conv.groups, {conv.dilation_h, conv.dilation_w})
      .reshape({rows.size(0), conv.in.size()});
}

torch::Tensor transposed(const network::Gather& picks, const torch::Tensor& rows) {
  const torch::Tensor sums =
      torch::zeros({rows.size(0), picks.in + 1}).index_add(1, index_of(picks, picks.in), rows);
  const torch::Tensor result = sums.narrow(1, 0, picks.in);
  return picks.negated ? -result : result;
}

torch::Tensor norms(const torch::Tensor& rows) { return (rows.square().sum(-1) + kTiny).sqrt(); }

}  // namespace

Bounder::Bounder(const Model& model, const BoundTarget& target)
    : model_(model),
      target_(target),
      planes_(find_planes(model.network())),
      relaxations_(model.network().nodes.size()),
      rows_(model.network().nodes.size()) {}

size_t Bounder::input(size_t node, size_t k) const {
  return static_cast<size_t>(model_.network().nodes[node].inputs[k]);
}

torch::Tensor Bounder::margins(double scale, int64_t turns) {
  scale_ = scale;
  if (turn_++ % turns == 0) radii_.clear();
  values_.clear();
  ranges_.clear();
  const auto size = static_cast<int64_t>(target_.reference.size());
  for (const torch::Tensor& value : model_.values(view_of(std::span(target_.reference), {1, size})))
    values_.push_back(value.squeeze(0));
  const auto& nodes = model_.network().nodes;
  for (size_t i = 1; i < nodes.size(); ++i) {
    if (std::holds_alternative<network::Relu>(nodes[i].op)) relax(i);
  }
  const int64_t outputs = model_.network().outputs();
  const int64_t label = target_.label;
  const torch::Tensor each = torch::eye(outputs);
  const torch::Tensor rivals =
      torch::cat({each.narrow(0, 0, label), each.narrow(0, label + 1, outputs - label - 1)});
  const torch::Tensor rows = each.narrow(0, label, 1) - rivals;
  return lower_bounds(nodes.size() - 1, rows) + torch::mv(rows, values_.back());
}

// A chord above, and below the line of the two that lies nearer, or the chord's parallel through 0.
void Bounder::relax(size_t relu) {
  const size_t from = input(relu);
  const Range range = range_of(from);
  const torch::Tensor& z = values_[from];
  const torch::Tensor& y = values_[relu];
  const torch::Tensor lower = z + range.lower;
  const torch::Tensor upper = z + range.upper;
  const torch::Tensor on = lower.ge(0);
  const torch::Tensor unstable = lower.lt(0).logical_and(upper.gt(0));
  const torch::Tensor one = on.to(torch::kFloat32);
  const torch::Tensor chord = upper / (upper - lower).clamp_min(kTiny);
  const torch::Tensor low = torch::where(unstable, upper.gt(-lower).to(torch::kFloat32), one);
  const torch::Tensor up = torch::where(unstable, chord, one);
  const torch::Tensor lift = torch::where(unstable, -chord * lower, torch::zeros_like(lower));
  relaxations_[relu] = {low, up, low * z - y, up * z + lift - y, up * z - y};
}

Bounder::Range Bounder::range_of(size_t node) {
  if (const auto found = ranges_.find(node); found != ranges_.end()) return found->second;
  const bool window = planes_[node].channels > 0 && node != 0;
  if (!(window ? roomy_windows(node) : roomy(node))) return interval_of(node);
  return ranges_[node] = window ? range_of_windows(node) : range_of_rows(node);
}

bool Bounder::roomy(size_t node) const {
  const auto& nodes = model_.network().nodes;
  int64_t largest = 0;
  for (size_t i = 0; i < node; ++i) largest = std::max(largest, nodes[i].size);
  return 2 * nodes[node].size * largest <= kMostWeights;
}

// Extents grow with every convolution on the way back; the longest way is taken for all.
bool Bounder::roomy_windows(size_t node) const {
  int64_t tall = 1;
  int64_t wide = 1;
  for (size_t i = node; i > 0; --i) {
    const auto* conv = std::get_if<network::Conv2d>(&model_.network().nodes[i].op);
    if (conv == nullptr) continue;
    tall = (tall - 1) * conv->stride_h + conv->dilation_h * (conv->kernel_h - 1) + 1;
    wide = (wide - 1) * conv->stride_w + conv->dilation_w * (conv->kernel_w - 1) + 1;
    if (planes_[node].size() * conv->in.channels * tall * wide > kMostWeights) return false;
  }
  return true;
}

// The deviations that deviations of the inputs within their ranges can lead to.
Bounder::Range Bounder::interval_of(size_t node) {
  if (const auto found = ranges_.find(node); found != ranges_.end()) return found->second;
  if (node == 0) return ranges_[node] = range_of_rows(node);
  const network::Op& op = model_.network().nodes[node].op;
  const size_t from = input(node);
  const bool relu = std::holds_alternative<network::Relu>(op);
  const Range a = relu ? range_of(from) : interval_of(from);
  Range result;
  if (relu) {
    const auto after = [&](const torch::Tensor& d) { return torch::relu(values_[from] + d) - values_[node]; };
    result = {after(a.lower), after(a.upper)};
  } else if (std::holds_alternative<network::Add>(op)) {
    const Range b = interval_of(input(node, 1));
    result = {a.lower + b.lower, a.upper + b.upper};
  } else {
    const torch::Tensor middle =
        model_.linear(node, ((a.lower + a.upper) / 2).unsqueeze(0), false).squeeze(0);
    const torch::Tensor half = model_.linear(node, ((a.upper - a.lower) / 2).unsqueeze(0), true).squeeze(0);
    result = {middle - half, middle + half};
  }
  return ranges_[node] = result;
}

Bounder::Range Bounder::range_of_rows(size_t node) {
  const torch::Tensor each = torch::eye(values_[node].size(0));
  const torch::Tensor both = lower_bounds(node, torch::cat({each, -each}));
  return {both.narrow(0, 0, each.size(0)), -both.narrow(0, each.size(0), each.size(0))};
}

// max { -w.(x - r) } for rows w, less than which they cannot become.
torch::Tensor Bounder::reach(const torch::Tensor& weights) const {
  const torch::Tensor opposite = -weights.detach().contiguous();
  const int64_t rows = weights.size(0);
  torch::Tensor values = torch::empty({rows});
  torch::Tensor points = torch::empty_like(opposite);
  for (int64_t first = 0; first < rows; first += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, rows - first);
    const int64_t offset = first * opposite.size(1);
    target_.support(count, opposite.data_ptr<float>() + offset, values.data_ptr<float>() + first,
                    points.data_ptr<float>() + offset);
  }
  return -(weights * (points - values_.front())).sum(1);
}

torch::Tensor Bounder::lower_bounds(size_t node, const torch::Tensor& rows) {
  std::fill(rows_.begin(), rows_.end(), torch::Tensor());
  torch::Tensor constants = torch::zeros({rows.size(0)});
  rows_[node] = rows;
  for (size_t i = node; i > 0; --i) {
    if (rows_[i].defined()) spread(i, std::exchange(rows_[i], torch::Tensor()), constants);
  }
  if (!rows_[0].defined()) return constants;
  return constants - scale_ * reach(rows_[0]);
}

void Bounder::push(size_t node, const torch::Tensor& rows) {
  rows_[node] = rows_[node].defined() ? rows_[node] + rows : rows;
}

void Bounder::spread(size_t node, const torch::Tensor& rows, torch::Tensor& constants) {
  const network::Op& op = model_.network().nodes[node].op;
  const torch::Tensor& weight = model_.parameters(node).weight;
  if (std::holds_alternative<network::Dense>(op)) return push(input(node), torch::mm(rows, weight));
  if (const auto* conv = std::get_if<network::Conv2d>(&op))
    return push(input(node), transposed(*conv, weight, rows));
  if (const auto* picks = std::get_if<network::Gather>(&op))
    return push(input(node), transposed(*picks, rows));
  if (std::holds_alternative<network::Add>(op)) {
    push(input(node, 0), rows);
    return push(input(node, 1), rows);
  }
  VERISSIM_CHECK(std::holds_alternative<network::Relu>(op));
  const Relaxation& lines = relaxations_[node];
  const torch::Tensor positive = rows.clamp_min(0);
  const torch::Tensor negative = rows.clamp_max(0);
  constants = constants + torch::mv(positive, lines.low_cut) + torch::mv(negative, lines.up_cut);
  push(input(node), positive * lines.low + negative * lines.up);
}

Bounder::Range Bounder::range_of_windows(size_t node) {
  const Planes& start = planes_[node];
  std::vector<Windows> windows(node + 1);
  // The function's constant lies within `half` of `middle`: P x R.
  torch::Tensor middle = torch::zeros({1, start.channels});
  torch::Tensor half = middle;
  const auto push_windows = [&](size_t to, const Windows& more) {
    windows[to] = windows[to].defined() ? sum(windows[to], more) : more;
  };
  windows[node] = each_value(start);
  for (size_t i = node; i > 0; --i) {
    if (!windows[i].defined()) continue;
    const network::Op& op = model_.network().nodes[i].op;
    if (const auto* conv = std::get_if<network::Conv2d>(&op)) {
      push_windows(input(i),
                   before(*conv, model_.parameters(i).weight, masked(windows[i], planes_[i], start)));
    } else if (std::holds_alternative<network::Relu>(op)) {
      spread_windows(i, windows[i], start, middle, half);
      const torch::Tensor slopes = relaxations_[i].up.view({planes_[i].channels, planes_[i].height, -1});
      Windows more = windows[i];
      more.weights = more.weights * windows_of(slopes, windows[i], start);
      push_windows(input(i), more);
    } else {
      push_windows(input(i, 0), windows[i]);
      push_windows(input(i, 1), windows[i]);
    }
    windows[i] = {};
  }
  const Windows own = masked(windows[0], planes_[0], start);
  const auto [known, fresh] = radii_.try_emplace(node);
  if (fresh) known->second = measure(own, start);
  const torch::Tensor length = scale_ * norms(own.weights.flatten(2));
  const auto in_order = [&](const torch::Tensor& x) {
    return x.expand({start.height * start.width, start.channels}).t().reshape({-1});
  };
  return {in_order(middle - half - known->second[1] * length),
          in_order(middle + half + known->second[0] * length)};
}

// One line above and one below with the same slope bound a row from both sides.
void Bounder::spread_windows(size_t node, const Windows& windows, const Planes& start, torch::Tensor& middle,
                             torch::Tensor& half) {
  const Planes& planes = planes_[node];
  const auto windowed = [&](const torch::Tensor& x) {
    return windows_of(x.view({planes.channels, planes.height, planes.width}), windows, start);
  };
  const Relaxation& lines = relaxations_[node];
  const torch::Tensor centre = windowed((lines.up_cut + lines.parallel_cut) / 2);
  const torch::Tensor spread = windowed((lines.up_cut - lines.parallel_cut) / 2);
  middle = middle + (windows.weights * centre).flatten(2).sum(2);
  half = half + (windows.weights.abs() * spread).flatten(2).sum(2);
}

std::array<torch::Tensor, 2> Bounder::measure(const Windows& windows, const Planes& start) const {
  const torch::NoGradGuard guard;
  const int64_t places = start.height * start.width;
  const int64_t at_once = std::max<int64_t>(1, kRowsAtOnce / start.channels);
  std::array<torch::Tensor, 2> radii = {torch::empty({places, start.channels}),
                                        torch::empty({places, start.channels})};
  for (int64_t first = 0; first < places; first += at_once) {
    const int64_t last = std::min(places, first + at_once);
    const torch::Tensor rows = rows_of(windows, planes_[0], start, first, last);
    const torch::Tensor length = norms(rows);
    const torch::Tensor here = torch::mv(rows, values_.front());
    torch::Tensor values = torch::empty({rows.size(0)});
    for (size_t side = 0; side < 2; ++side) {
      const torch::Tensor weights = (side == 0 ? rows : -rows).contiguous();
      target_.support(rows.size(0), weights.data_ptr<float>(), values.data_ptr<float>(), nullptr);
      const torch::Tensor radius = (values - (side == 0 ? here : -here)) / length;
      radii[side].narrow(0, first, last - first).copy_(radius.clamp_min(0).view({-1, start.channels}));
    }
  }
  return radii;
}

}  // namespace verissim::train
