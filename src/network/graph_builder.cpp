#include "network/graph_builder.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "network/exact.h"
#include "network/fold_diagonals.h"
#include "network/picks.h"

namespace verissim::network {
namespace {

bool all_equal(const Runs& runs, double value) {
  return std::all_of(runs.begin(), runs.end(), [=](double run) { return run == value; });
}

// The constants in the order of the node's values.
template <typename T>
std::vector<T> in_node_order(const Signal& x, const std::vector<T>& runs, int64_t size) {
  if (x.order == nullptr || runs.size() <= 1) return runs;
  const size_t run = static_cast<size_t>(size) / runs.size();
  std::vector<T> result(static_cast<size_t>(size));
  for (size_t k = 0; k < result.size(); ++k) result[static_cast<size_t>((*x.order)[k])] = runs[k / run];
  return result;
}

// What in_node_order and the repetition on `count` rows do to the constants, done to their trace.
ConstantTrace on_rows(const Signal& x, const ConstantTrace& constants, size_t runs, int64_t size,
                      size_t count) {
  if (!constants.trace) return {};
  const Places places = in_node_order(x, counted(static_cast<int64_t>(runs)), size);
  ConstantTrace result{{constants.trace.source, {}}, {}};
  for (size_t row = 0; row < count; ++row) {
    const auto place = static_cast<size_t>(places[row / (count / places.size())]);
    result.trace.elements.push_back(constants.trace.element(place));
    if (!constants.factors.empty()) result.factors.push_back(constants.factors[place]);
  }
  return result;
}

// The weights of a layer: `outputs` rows, each of which gives `values` consecutive values of the node.
struct Rows {
  std::vector<double>* weight = nullptr;
  std::vector<double>* bias = nullptr;
};

std::optional<Rows> rows_of(Op& op) {
  if (auto* dense = std::get_if<Dense>(&op)) return Rows{&dense->weight, &dense->bias};
  if (auto* conv = std::get_if<Conv2d>(&op)) return Rows{&conv->weight, &conv->bias};
  return std::nullopt;
}

Runs repeated(const Runs& runs, size_t count) {
  Runs result(count);
  for (size_t k = 0; k < count; ++k) result[k] = runs[k / (count / runs.size())];
  return result;
}

// Whether every row has one constant only. It is then runs[row / (rows / runs)].
bool is_constant_on_rows(const Rows& rows, const Runs& runs) { return rows.bias->size() % runs.size() == 0; }

// All or nothing.
bool multiply_exactly(const Rows& rows, const Runs& factors, Rounding& rounding) {
  const size_t count = rows.bias->size();
  const size_t length = rows.weight->size() / count;
  std::vector<double> weight(rows.weight->size());
  std::vector<double> bias(count);
  for (size_t row = 0; row < count; ++row) {
    const double factor = factors[row / (count / factors.size())];
    const auto scaled_bias = exact_product((*rows.bias)[row], factor);
    if (!scaled_bias) return false;
    bias[row] = *scaled_bias;
    for (size_t k = row * length; k < (row + 1) * length; ++k) {
      const auto product = exact_product((*rows.weight)[k], factor);
      if (!product) return false;
      weight[k] = *product;
    }
  }
  rounding = scaled_after(rounding, {*rows.weight, *rows.bias}, repeated(factors, count));
  *rows.weight = std::move(weight);
  *rows.bias = std::move(bias);
  return true;
}

bool add_exactly(const Rows& rows, const Runs& offsets, Rounding& rounding) {
  const size_t count = rows.bias->size();
  std::vector<double> bias(count);
  for (size_t row = 0; row < count; ++row) {
    const auto sum = exact_sum((*rows.bias)[row], offsets[row / (count / offsets.size())]);
    if (!sum) return false;
    bias[row] = *sum;
  }
  rounding = shifted_after(rounding, {*rows.weight, *rows.bias}, repeated(offsets, count));
  *rows.bias = std::move(bias);
  return true;
}

// An image-like shape with one channel for each run.
Shape run_shape(const Signal& x, size_t runs, int64_t size) {
  const auto channels = static_cast<int64_t>(runs);
  const auto& shape = x.shape;
  if (x.order == nullptr && shape.size() == 4 && shape[0] == 1 && shape[1] == channels) {
    return {shape[1], shape[2], shape[3]};
  }
  return {channels, 1, size / channels};
}

// "a", "a (2)", "a (3)": a file's names need not be unique, and one of its nodes may become several.
void make_names_unique(Network& network, size_t first) {
  std::set<std::string> used;
  for (size_t index = 0; index < network.nodes.size(); ++index) {
    Node& node = network.nodes[index];
    const std::string name = node.name;
    if (index < first) used.insert(name);
    if (index < first) continue;
    for (int k = 2; !used.insert(node.name).second; ++k) node.name = name + " (" + std::to_string(k) + ")";
  }
}

}  // namespace

GraphBuilder::GraphBuilder(const Shape& input) : network_{input, {{Input{}, {}, input.size(), "input"}}} {}

GraphBuilder GraphBuilder::behind(Network network) {
  GraphBuilder graph;
  graph.network_ = std::move(network);
  graph.first_ = graph.network_.nodes.size();
  return graph;
}

Signal GraphBuilder::append(const std::string& name, Op op, std::vector<int> inputs, int64_t size,
                            std::vector<int64_t> shape) {
  network_.nodes.push_back({std::move(op), std::move(inputs), size, name});
  return {static_cast<int>(network_.nodes.size()) - 1, std::move(shape), nullptr, true};
}

Signal GraphBuilder::dense(const std::string& name, const Signal& x, std::vector<double> weight,
                           std::vector<int64_t> shape, const Trace& trace) {
  const auto in = static_cast<size_t>(size(x));
  const size_t out = weight.size() / in;
  NodeTrace own{.weight = trace};
  if (x.order != nullptr) {
    std::vector<double> columns(weight.size());
    if (trace) own.weight.elements.resize(weight.size());
    for (size_t k = 0; k < weight.size(); ++k) {
      const size_t place = k / in * in + static_cast<size_t>((*x.order)[k % in]);
      columns[place] = weight[k];
      if (trace) own.weight.elements[place] = trace.element(k);
    }
    weight = std::move(columns);
  }
  Dense dense{size(x), static_cast<int64_t>(out), std::move(weight), std::vector<double>(out, 0.0)};
  Signal y = append(name, std::move(dense), {x.node}, static_cast<int64_t>(out), std::move(shape));
  if (trace) traces_[y.node] = std::move(own);
  return y;
}

Signal GraphBuilder::conv2d(const std::string& name, const Signal& x, Conv2d conv, std::vector<int64_t> shape,
                            const Trace& trace) {
  VERISSIM_CHECK(x.order == nullptr);
  const int64_t out = conv.out.size();
  Signal y = append(name, std::move(conv), {x.node}, out, std::move(shape));
  if (trace) traces_[y.node] = NodeTrace{.weight = trace};
  return y;
}

NodeTrace* GraphBuilder::trace_of(const Signal& x) {
  const auto found = traces_.find(x.node);
  return found == traces_.end() ? nullptr : &found->second;
}

void GraphBuilder::trace_inputs(const Signal& layer, const Runs& inputs) {
  if (NodeTrace* trace = trace_of(layer)) trace->inputs = in_node_order(layer, inputs, size(layer));
}

Signal GraphBuilder::relu(const std::string& name, const Signal& x) {
  Signal y = append(name, Relu{}, {x.node}, size(x), x.shape);
  y.order = x.order;
  return y;
}

Signal GraphBuilder::negated(const std::string& name, const Signal& x) {
  Node& node = network_.nodes[static_cast<size_t>(x.node)];
  const auto rows = rows_of(node.op);
  Rounding unchanged = node.rounding;  // another sign rounds nothing
  if (x.exclusive && rows && multiply_exactly(*rows, {-1.0}, unchanged)) {
    const size_t count = rows->bias->size();
    if (NodeTrace* trace = trace_of(x)) trace->scale_rows(Runs(count, -1.0), rows->weight->size() / count);
    return x;
  }
  Gather gather{size(x), {}, true};
  for (int64_t k = 0; k < size(x); ++k) gather.index.push_back(k);
  Signal y = append(name, std::move(gather), {x.node}, size(x), x.shape);
  y.order = x.order;
  return y;
}

Signal GraphBuilder::gathered(const std::string& name, const Signal& x, const std::vector<int64_t>& places,
                              std::vector<int64_t> shape) {
  std::vector<int64_t> index = places;
  if (x.order != nullptr) {
    for (int64_t& place : index) place = place < 0 ? -1 : (*x.order)[static_cast<size_t>(place)];
  }
  int64_t next = 0;
  const bool same = std::cmp_equal(index.size(), size(x)) &&
                    std::all_of(index.begin(), index.end(), [&](int64_t place) { return place == next++; });
  if (same) return {x.node, std::move(shape), nullptr, x.exclusive};
  const auto count = static_cast<int64_t>(index.size());
  return append(name, Gather{size(x), std::move(index), false}, {x.node}, count, std::move(shape));
}

Signal GraphBuilder::in_order(const std::string& name, const Signal& x) {
  if (x.order == nullptr) return x;
  Signal plain = x;
  plain.order = nullptr;
  return gathered(name, plain, *x.order, x.shape);
}

Signal GraphBuilder::add(const std::string& name, const Signal& x, const Signal& y) {
  VERISSIM_CHECK(size(x) == size(y));
  Signal sum = append(name, Add{}, {x.node, y.node}, size(x), x.shape);
  sum.order = x.order;
  return sum;
}

Signal GraphBuilder::diagonal(const std::string& name, const Signal& x, const Runs& factors,
                              const Runs& offsets) {
  const size_t runs = std::max(factors.size(), offsets.size());
  Conv2d conv;
  conv.in = conv.out = run_shape(x, runs, size(x));
  conv.groups = static_cast<int64_t>(runs);
  conv.weight = repeated(factors, runs);
  conv.bias = repeated(offsets, runs);
  Signal y = append(name, std::move(conv), {x.node}, size(x), x.shape);
  y.order = x.order;
  return y;
}

Signal GraphBuilder::scaled(const std::string& name, const Signal& x, const Runs& factors,
                            const ConstantTrace& trace) {
  if (all_equal(factors, 1.0)) return x;
  const Runs own = in_node_order(x, factors, size(x));
  Node& node = network_.nodes[static_cast<size_t>(x.node)];
  const auto rows = rows_of(node.op);
  if (x.exclusive && rows && is_constant_on_rows(*rows, own) && multiply_exactly(*rows, own, node.rounding)) {
    const size_t count = rows->bias->size();
    NodeTrace* before = trace_of(x);
    if (before != nullptr) before->scale_rows(repeated(own, count), rows->weight->size() / count);
    return x;
  }
  if (all_equal(factors, -1.0)) return negated(name, x);
  Signal y = diagonal(name, x, own, {0.0});
  if (trace.trace) {
    ConstantTrace traced = on_rows(x, trace, factors.size(), size(x), own.size());
    traces_[y.node] = NodeTrace{.weight = traced.trace, .weight_factors = traced.factors};
  }
  return y;
}

Signal GraphBuilder::shifted(const std::string& name, const Signal& x, const Runs& offsets,
                             const ConstantTrace& trace) {
  const bool nothing = all_equal(offsets, 0.0);
  if (nothing && !trace.trace) return x;
  const Runs own = in_node_order(x, offsets, size(x));
  Node& node = network_.nodes[static_cast<size_t>(x.node)];
  const auto rows = rows_of(node.op);
  if (x.exclusive && rows && is_constant_on_rows(*rows, own) && add_exactly(*rows, own, node.rounding)) {
    if (trace.trace) {
      traces_[x.node].add_to_rows(on_rows(x, trace, offsets.size(), size(x), rows->bias->size()));
    }
    return x;
  }
  if (nothing) return x;
  Signal y = diagonal(name, x, {1.0}, own);
  if (trace.trace) traces_[y.node].add_to_rows(on_rows(x, trace, offsets.size(), size(x), own.size()));
  return y;
}

// A layer that others read as well computes for them what it did before.
Signal GraphBuilder::rounded(const std::string& name, const Signal& x, const Rounding& more,
                             const Runs& magnitudes) {
  const Runs own = magnitudes.empty() ? Runs{0.0} : in_node_order(x, magnitudes, size(x));
  const auto before = rows_of(network_.nodes[static_cast<size_t>(x.node)].op);
  const bool fits = x.exclusive && before && is_constant_on_rows(*before, own);
  const Signal y = fits ? x : diagonal(name, x, Runs(own.size(), 1.0), {0.0});
  Node& node = network_.nodes[static_cast<size_t>(y.node)];
  const Rows rows = *rows_of(node.op);
  Rounding& rounding = node.rounding;
  rounding = also(rounding, {*rows.weight, *rows.bias}, more, repeated(own, rows.bias->size()));
  return y;
}

void GraphBuilder::doubt(const std::string& why) {
  if (network_.unlike_float32.empty()) network_.unlike_float32 = why;
}

Network GraphBuilder::finish(const Signal& y) {
  VERISSIM_CHECK(y.order == nullptr);
  fold_diagonals(network_, traces_);
  std::vector<bool> needed(network_.nodes.size(), false);
  needed[0] = needed[static_cast<size_t>(y.node)] = true;
  for (size_t k = network_.nodes.size(); k-- > 0;) {
    for (const int input : network_.nodes[k].inputs) {
      if (needed[k]) needed[static_cast<size_t>(input)] = true;
    }
  }
  Network result{network_.input, {}, network_.arithmetic, network_.unlike_float32};
  std::map<int, NodeTrace> traces;
  std::vector<int> place(network_.nodes.size(), 0);
  for (size_t k = 0; k < network_.nodes.size(); ++k) {
    if (!needed[k]) continue;
    place[k] = static_cast<int>(result.nodes.size());
    Node node = std::move(network_.nodes[k]);
    for (int& input : node.inputs) input = place[static_cast<size_t>(input)];
    const auto traced = traces_.find(static_cast<int>(k));
    if (traced != traces_.end()) traces[place[k]] = std::move(traced->second);
    result.nodes.push_back(std::move(node));
  }
  traces_ = std::move(traces);
  make_names_unique(result, 0);
  check(result);
  return result;
}

Network GraphBuilder::release(const Signal& y) {
  VERISSIM_CHECK(y.order == nullptr && std::cmp_equal(y.node + 1, network_.nodes.size()));
  make_names_unique(network_, first_);
  return std::move(network_);
}

}  // namespace verissim::network
