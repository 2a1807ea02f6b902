#include "network/evaluate.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "base/clones.h"
#include "base/error.h"
#include "base/sound_sum.h"
#include "network/conv_kernel.h"
#include "network/float_error.h"

namespace verissim::network {
namespace {

// One evaluation for three kinds of numbers. Those that are summed one by one have a `Row`: the running value
// of bias + sum w_i x_i.

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
    void add(double w, const Dyadic& x) {
      if (x.sign() != 0 && w != 0.0) sum.add_product(Dyadic(w), x);
    }
    Dyadic value() { return std::move(sum); }
  };
  static Dyadic relu(const Dyadic& x) { return x.sign() < 0 ? Dyadic() : x; }
  static Dyadic negated(const Dyadic& x) { return Dyadic() - x; }
};

struct Sound {
  using Value = Interval;
  // SOUND: max(x, 0) is monotone and does not round.
  static Interval relu(const Interval& x) { return max(x, Interval(0.0)); }
  static Interval negated(const Interval& x) { return -x; }
};

// Sums over one row of weights w: w c, |w| r and |w c|.
struct CentredSums {
  double centre, radius, absolute;
};

VERISSIM_CLONES
CentredSums sum_row(const double* w, const double* c, const double* r, size_t n) {
  double centre = 0.0;
  double radius = 0.0;
  double absolute = 0.0;
#pragma omp simd reduction(+ : centre, radius, absolute)
  for (size_t j = 0; j < n; ++j) {
    const double product = w[j] * c[j];
    centre += product;
    radius += std::abs(w[j]) * r[j];
    absolute += std::abs(product);
  }
  return {centre, radius, absolute};
}

// Intervals as centres and radii.
// SOUND: every x of an interval has |x - c| <= r, whatever c is: r is rounded up.
struct Centred {
  std::vector<double> centre, radius;

  explicit Centred(const std::vector<Interval>& values) {
    centre.reserve(values.size());
    radius.reserve(values.size());
    for (const Interval& x : values) {
      const double c = x.middle();
      const double r = std::max(x.hi - c, c - x.lo);
      centre.push_back(c);
      radius.push_back(r > 0.0 ? next_up(r) : r);
    }
  }

  // SOUND: W x + b differs from W c + b by at most |W| r. Each of the three sums has at most `count` products
  // (the bias is one with factor 1), in some order, with or without fused multiply-add. Anything that is not
  // finite (unbounded values, overflow, NaN) gives everything.
  static Interval enclose(const CentredSums& sums, double bias, size_t count) {
    const double middle = sums.centre + bias;
    const double error = sum_error(sums.absolute + std::abs(bias), count);
    const double reach = next_up(error + next_up(sums.radius + sum_error(sums.radius, count)));
    if (!std::isfinite(middle) || !std::isfinite(reach)) return Interval::everything();
    return {next_down(middle - reach), next_up(middle + reach)};
  }

  std::vector<Interval> through(const Dense& dense) const {
    std::vector<Interval> y;
    y.reserve(dense.bias.size());
    const double* w = dense.weight.data();
    for (const double bias : dense.bias) {
      y.push_back(enclose(sum_row(w, centre.data(), radius.data(), centre.size()), bias, centre.size() + 1));
      w += centre.size();
    }
    return y;
  }

  std::vector<Interval> through(const Conv2d& conv) const {
    const auto out = static_cast<size_t>(conv.out.size());
    std::vector<double> middles(out);
    ConvKernel<double>(conv).apply(1, centre.data(), middles.data());
    Conv2d absolute = conv;
    for (double& weight : absolute.weight) weight = std::abs(weight);
    std::vector<double> both(radius);  // and the centres' absolute values: two rows
    for (const double c : centre) both.push_back(std::abs(c));
    std::vector<double> sums(2 * out);
    ConvKernel<double>(absolute).apply(2, both.data(), sums.data());
    const auto count =
        static_cast<size_t>(conv.in.channels / conv.groups * conv.kernel_h * conv.kernel_w + 1);
    const size_t plane = out / conv.bias.size();
    std::vector<Interval> y;
    y.reserve(out);
    for (size_t i = 0; i < out; ++i)
      y.push_back(enclose({middles[i], sums[i], sums[out + i]}, conv.bias[i / plane], count));
    return y;
  }
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
      if constexpr (std::is_same_v<Kind, Sound>) {
        if (network_.arithmetic == Arithmetic::kFloat32) widen(node, values_[index]);
      }
    }
    return std::move(values_);
  }
  std::vector<Values> run(std::span<const Value> x) {
    return run(x, [](size_t, std::vector<Values>&) {});
  }

 private:
  // SOUND: what a program computes from values within the inputs' intervals is the exact value of these up to
  // the errors, and so within the exact values' interval up to the errors.
  void widen(const Node& node, Values& values) const {
    std::vector<std::vector<double>> inputs;
    for (const int from : node.inputs) {
      auto& magnitudes = inputs.emplace_back();
      for (const Value& x : values_[static_cast<size_t>(from)]) magnitudes.push_back(magnitude(x));
    }
    const std::vector<double> errors = float_errors(node, inputs);
    for (size_t i = 0; i < errors.size(); ++i) {
      values[i] = std::isfinite(errors[i])
                      ? Interval(next_down(values[i].lo - errors[i]), next_up(values[i].hi + errors[i]))
                      : Interval::everything();
    }
  }

  const Values& input(const Node& node, size_t k = 0) const {
    return values_[static_cast<size_t>(node.inputs[k])];
  }

  // Never reached: only node 0 is an input, and run() fills it.
  Values apply(const Input&, const Node&) const { return values_.front(); }

  Values apply(const Dense& dense, const Node& node) const {
    if constexpr (std::is_same_v<Kind, Sound>) {
      return Centred(input(node)).through(dense);
    } else {
      return sum_rows(dense, node);
    }
  }

  Values apply(const Conv2d& conv, const Node& node) const {
    if constexpr (std::is_same_v<Kind, Sound>) {
      return Centred(input(node)).through(conv);
    } else {
      return sum_rows(conv, node);
    }
  }

  Values sum_rows(const Dense& dense, const Node& node) const {
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

  Values sum_rows(const Conv2d& conv, const Node& node) const {
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
