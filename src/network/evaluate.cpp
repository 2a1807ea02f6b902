#include "network/evaluate.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/sound_sum.h"

namespace verissim::network {
namespace {

// One evaluation for three kinds of numbers. Each has a `Row`: the running value of bias + sum w_i x_i.

struct Nearest {
  using Value = double;
  struct Row {
    double sum;
    explicit Row(double bias) : sum(bias) {}
    void add(double w, double x) { sum += w * x; }
    double value() const { return sum; }
  };
  static double relu(double x) { return x < 0.0 ? 0.0 : x; }
  static double negated(double x) { return -x; }
};

struct Exact {
  using Value = Dyadic;
  struct Row {
    Dyadic sum;
    explicit Row(double bias) : sum(bias) {}
    void add(double w, const Dyadic& x) { sum.add_product(Dyadic(w), x); }
    Dyadic value() { return std::move(sum); }
  };
  static Dyadic relu(const Dyadic& x) { return x.sign() < 0 ? Dyadic() : x; }
  static Dyadic negated(const Dyadic& x) { return Dyadic() - x; }
};

struct Sound {
  using Value = Interval;
  // SOUND: w x lies between w x.lo and w x.hi (swapped for w < 0), so the row's exact lower end is the sum of
  // the smaller products and its upper end the sum of the larger ones. Both are computed by plain sums of
  // `count` products (the bias is one with factor 1), whose error sum_error bounds. Anything that is not
  // finite (overflow, inf - inf, 0 * inf, NaN) gives everything.
  struct Row {
    double lo, hi, lo_absolute, hi_absolute;
    size_t count = 1;
    explicit Row(double bias)
        : lo(bias), hi(bias), lo_absolute(std::abs(bias)), hi_absolute(std::abs(bias)) {}
    void add(double w, const Interval& x) {
      const double smaller = w * (w < 0.0 ? x.hi : x.lo);
      const double larger = w * (w < 0.0 ? x.lo : x.hi);
      lo += smaller;
      hi += larger;
      lo_absolute += std::abs(smaller);
      hi_absolute += std::abs(larger);
      ++count;
    }
    Interval value() const {
      if (!std::isfinite(lo) || !std::isfinite(hi)) return Interval::everything();
      return {next_down(lo - sum_error(lo_absolute, count)), next_up(hi + sum_error(hi_absolute, count))};
    }
  };
  // SOUND: max(x, 0) is monotone and does not round.
  static Interval relu(const Interval& x) { return max(x, Interval(0.0)); }
  static Interval negated(const Interval& x) { return -x; }
};

template <typename Kind>
class Evaluator {
 public:
  using Value = typename Kind::Value;
  using Values = std::vector<Value>;

  explicit Evaluator(const Network& network) : network_(network) {}

  // The values of every node. before(index, values) may change the values so far before node `index` is
  // computed.
  template <typename Before>
  std::vector<Values> run(std::span<const Value> x, Before before) {
    VERISSIM_CHECK(std::cmp_equal(x.size(), network_.inputs()));
    values_.resize(network_.nodes.size());
    values_.front().assign(x.begin(), x.end());
    for (size_t index = 1; index < network_.nodes.size(); ++index) {
      const Node& node = network_.nodes[index];
      before(index, values_);
      values_[index] = std::visit([&](const auto& op) { return apply(op, node); }, node.op);
    }
    return std::move(values_);
  }
  std::vector<Values> run(std::span<const Value> x) {
    return run(x, [](size_t, std::vector<Values>&) {});
  }

 private:
  const Values& input(const Node& node, size_t k = 0) const {
    return values_[static_cast<size_t>(node.inputs[k])];
  }

  // Never reached: only node 0 is an input, and run() fills it.
  Values apply(const Input&, const Node&) const { return values_.front(); }

  Values apply(const Dense& dense, const Node& node) const {
    const Values& x = input(node);
    Values y;
    y.reserve(dense.bias.size());
    const double* w = dense.weight.data();
    for (const double bias : dense.bias) {
      typename Kind::Row row(bias);
      for (const Value& value : x) row.add(*w++, value);
      y.push_back(row.value());
    }
    return y;
  }

  Values apply(const Conv2d& conv, const Node& node) const {
    Values y;
    y.reserve(static_cast<size_t>(conv.out.size()));
    for (int64_t c = 0; c < conv.out.channels; ++c) {
      for (int64_t i = 0; i < conv.out.height; ++i) {
        for (int64_t j = 0; j < conv.out.width; ++j) y.push_back(convolve(conv, input(node), c, i, j));
      }
    }
    return y;
  }

  // Output (c, i, j) of a convolution. Padding is zero and adds nothing.
  static Value convolve(const Conv2d& conv, const Values& x, int64_t c, int64_t i, int64_t j) {
    const int64_t in_per_group = conv.in.channels / conv.groups;
    const int64_t first_channel = c / (conv.out.channels / conv.groups) * in_per_group;
    typename Kind::Row row(conv.bias[static_cast<size_t>(c)]);
    const double* w = conv.weight.data() + c * in_per_group * conv.kernel_h * conv.kernel_w;
    for (int64_t d = first_channel; d < first_channel + in_per_group; ++d) {
      for (int64_t p = 0; p < conv.kernel_h; ++p) {
        const int64_t v = i * conv.stride_h - conv.pad_h + p * conv.dilation_h;
        for (int64_t q = 0; q < conv.kernel_w; ++q, ++w) {
          const int64_t u = j * conv.stride_w - conv.pad_w + q * conv.dilation_w;
          if (v < 0 || v >= conv.in.height || u < 0 || u >= conv.in.width) continue;
          row.add(*w, x[static_cast<size_t>((d * conv.in.height + v) * conv.in.width + u)]);
        }
      }
    }
    return row.value();
  }

  Values apply(const Relu&, const Node& node) const {
    Values y;
    y.reserve(input(node).size());
    for (const Value& value : input(node)) y.push_back(Kind::relu(value));
    return y;
  }

  // SOUND: for intervals this is the outward-rounded sum, for Dyadic the exact one.
  Values apply(const Add&, const Node& node) const {
    const Values& a = input(node, 0);
    const Values& b = input(node, 1);
    Values y;
    y.reserve(a.size());
    for (size_t k = 0; k < a.size(); ++k) y.push_back(a[k] + b[k]);
    return y;
  }

  Values apply(const Gather& gather, const Node& node) const {
    const Values& x = input(node);
    Values y;
    y.reserve(gather.index.size());
    for (const int64_t index : gather.index) {
      y.push_back(index < 0 ? Value(0.0) : x[static_cast<size_t>(index)]);
      if (gather.negated) y.back() = Kind::negated(y.back());
    }
    return y;
  }

  const Network& network_;
  std::vector<Values> values_;
};

}  // namespace

std::vector<double> evaluate(const Network& network, std::span<const double> x) {
  return std::move(Evaluator<Nearest>(network).run(x).back());
}

std::vector<Dyadic> evaluate_exactly(const Network& network, std::span<const double> x) {
  const std::vector<Dyadic> exact(x.begin(), x.end());
  return std::move(Evaluator<Exact>(network).run(exact).back());
}

std::vector<Interval> evaluate_soundly(const Network& network, std::span<const Interval> x) {
  return std::move(Evaluator<Sound>(network).run(x).back());
}

std::vector<std::vector<Interval>> propagate_soundly(const Network& network, std::span<const Interval> x,
                                                     std::span<const Interval> neurons) {
  VERISSIM_CHECK(std::cmp_equal(neurons.size(), network.relus()));
  size_t first = 0;
  // SOUND: both intervals hold the exact value, so their intersection does.
  const auto cut = [&](size_t index, std::vector<std::vector<Interval>>& values) {
    const Node& node = network.nodes[index];
    if (!std::holds_alternative<Relu>(node.op)) return;
    for (Interval& value : values[static_cast<size_t>(node.inputs[0])]) {
      const Interval& known = neurons[first++];
      value = {std::max(value.lo, known.lo), std::min(value.hi, known.hi)};
    }
  };
  return Evaluator<Sound>(network).run(x, cut);
}

std::vector<std::vector<double>> pre_activations(const Network& network, std::span<const double> x) {
  std::vector<std::vector<double>> values = Evaluator<Nearest>(network).run(x);
  std::vector<std::vector<double>> result;
  for (const Node& node : network.nodes) {
    if (std::holds_alternative<Relu>(node.op)) result.push_back(values[static_cast<size_t>(node.inputs[0])]);
  }
  return result;
}

}  // namespace verissim::network
