// The values of an ONNX graph by their names, while its nodes are read one after the other.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "network/graph_builder.h"
#include "network/layers.h"
#include "network/onnx_input.h"
#include "network/onnx_model.h"

namespace verissim::network {

// Shapes are those for one image: whatever the file says of the batch, it is 1.
class OnnxScope {
 public:
  // input: the graph's one input. Its batch may be repeated by constants of the file.
  // `file` and `model` must outlive this. Throws InputError for names that are defined twice.
  OnnxScope(const std::string& file, const OnnxModel& model, const OnnxInput& input);

  GraphBuilder& graph() { return graph_; }
  int64_t opset() const { return model_.opset; }
  int64_t batch() const { return batch_; }

  // A node's input: whether it has a k-th one, and whether that is known without the image. The others throw
  // InputError naming the node if the input is of another kind.
  static bool has_input(const OnnxNode& node, size_t k);
  bool is_constant(const OnnxNode& node, size_t k) const;
  Signal signal(const OnnxNode& node, size_t k) const;
  const Tensor& constant(const OnnxNode& node, size_t k) const;
  std::vector<double> numbers(const OnnxNode& node, size_t k) const;    // finite
  std::vector<int64_t> integers(const OnnxNode& node, size_t k) const;  // a few thousand at most

  // The graph's output.
  Signal output();

  // The node's k-th output. One that is never defined does not exist; a node that reads it is refused.
  void define(const OnnxNode& node, Signal signal, size_t k = 0);
  void define(const OnnxNode& node, Tensor tensor, size_t k = 0);

  // A node's attribute. Throws InputError if it has another type.
  static const OnnxAttribute* find(const OnnxNode& node, const std::string& name);
  int64_t integer(const OnnxNode& node, const std::string& name, int64_t otherwise) const;
  double real(const OnnxNode& node, const std::string& name, double otherwise) const;
  std::string text(const OnnxNode& node, const std::string& name, const std::string& otherwise) const;
  std::vector<int64_t> integers(const OnnxNode& node, const std::string& name,
                                const std::vector<int64_t>& otherwise) const;

  // To be called before numbers are made that are not in the file: throws InputError when they are many
  // times as many as the file has bytes.
  void charge(const OnnxNode& node, int64_t count);
  // The number of values of a shape that a file demands; throws InputError unless it is 1 to 2^28.
  int64_t count(const OnnxNode& node, const std::vector<int64_t>& shape) const;

  InputError error(const OnnxNode& node, const std::string& got, const std::string& wanted) const;
  // The node as a place for layers. It must not outlive this nor the node.
  LayerSite site(const OnnxNode& node);

 private:
  using Value = std::variant<Signal, Tensor>;

  void define(const std::string& name, Value value);
  void count_uses();
  const Value& value(const OnnxNode& node, size_t k) const;
  const OnnxAttribute* find(const OnnxNode& node, const std::string& name, OnnxAttributeType type) const;

  const std::string& file_;
  const OnnxModel& model_;
  GraphBuilder graph_;
  int64_t batch_;
  int64_t budget_;
  std::map<std::string, Value> values_;
  std::map<std::string, int> uses_;
};

// For messages: the node's name, or its first output's where it has none.
std::string label(const OnnxNode& node);

}  // namespace verissim::network
