// Builds networks whose layers may be read by several others, and which multiply and add constants anywhere.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/trace.h"

namespace verissim::network {

// Row-major values that a node of the network gives.
struct Signal {
  int node = 0;
  std::vector<int64_t> shape;
  // Element k is the node's value order[k]; null if it is its value k.
  std::shared_ptr<const std::vector<int64_t>> order;
  // Whether nothing else reads what leads from the node to here: then constants may go into the node's
  // weights.
  bool exclusive = false;
};

// One constant for each of as many equal runs of consecutive values. Its size divides the signal's.
using Runs = std::vector<double>;

// Every method gives the values of one layer. Node names are made unique. The sizes must fit: the caller
// checks the file's.
class GraphBuilder {
 public:
  explicit GraphBuilder(const Shape& input);
  // Goes on behind the last node of a network.
  static GraphBuilder behind(Network network);

  int64_t size(const Signal& signal) const { return size(signal.node); }

  // weight: out x as many as the signal has values. trace: of the weights.
  Signal dense(const std::string& name, const Signal& x, std::vector<double> weight,
               std::vector<int64_t> shape, const Trace& trace = {});
  // conv.in and conv.out are set; the signal is in order.
  Signal conv2d(const std::string& name, const Signal& x, Conv2d conv, std::vector<int64_t> shape,
                const Trace& trace = {});
  Signal relu(const std::string& name, const Signal& x);
  // -x: in the weights of the layer before, if it has any.
  Signal negated(const std::string& name, const Signal& x);
  // Elements of x, 0 where the place is -1.
  Signal gathered(const std::string& name, const Signal& x, const std::vector<int64_t>& places,
                  std::vector<int64_t> shape);
  // x with its values in order.
  Signal in_order(const std::string& name, const Signal& x);
  // Both in the same order.
  Signal add(const std::string& name, const Signal& x, const Signal& y);

  // x times and plus the constants: in the weights of the layer before if nothing rounds there, otherwise a
  // layer of its own, a Conv2d whose kernels are single numbers (which finish() tries to put into the layer
  // behind).
  Signal scaled(const std::string& name, const Signal& x, const Runs& factors,
                const ConstantTrace& trace = {});
  Signal shifted(const std::string& name, const Signal& x, const Runs& offsets,
                 const ConstantTrace& trace = {});
  // Says that the biases of a layer that multiplies one by one are what their trace says plus its weights
  // times these.
  void trace_inputs(const Signal& layer, const Runs& inputs);

  // How the file's program computes x besides: see Rounding. `magnitudes`: of constants that are added to x
  // on the way; empty: none. Where x is no layer of its own it becomes one.
  Signal rounded(const std::string& name, const Signal& x, const Rounding& more, const Runs& magnitudes);
  // The network is one that programs in float32 may compute in another way; why, a clause.
  void doubt(const std::string& why);

  // The network whose output is y, without the nodes that it does not need. y is in order.
  Network finish(const Signal& y);
  // The network as it is, of which y must be the last node, in order.
  Network release(const Signal& y);
  // By the indices of the network's nodes, also after the two methods before.
  std::map<int, NodeTrace>& traces() { return traces_; }

 private:
  GraphBuilder() = default;
  int64_t size(int node) const { return network_.nodes[static_cast<size_t>(node)].size; }
  Signal append(const std::string& name, Op op, std::vector<int> inputs, int64_t size,
                std::vector<int64_t> shape);
  Signal diagonal(const std::string& name, const Signal& x, const Runs& factors, const Runs& offsets);
  NodeTrace* trace_of(const Signal& x);

  Network network_;
  std::map<int, NodeTrace> traces_;
  size_t first_ = 0;  // the first node that is not another's
};

}  // namespace verissim::network
