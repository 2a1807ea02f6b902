#include "network/onnx_ops.h"

#include <algorithm>
#include <map>
#include <set>

#include "network/quote.h"

namespace verissim::network {
namespace {

using Table = std::map<std::string, OnnxOperator>;

const Table& table() {
  static const Table kTable = [] {
    Table all;
    for (const auto& part : {onnx_affine_operators(), onnx_activation_operators(), onnx_window_operators(),
                             onnx_shape_operators(), onnx_pick_operators(), onnx_constant_operators()}) {
      for (const OnnxOperator& op : part) all.emplace(op.name, op);
    }
    return all;
  }();
  return kTable;
}

std::string known_names() {
  std::string text;
  for (const auto& [name, op] : table()) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

void read_onnx_node(OnnxScope& scope, const OnnxNode& node) {
  const auto found = table().find(node.op);
  if (found == table().end()) throw scope.error(node, "an operator that is not supported", known_names());
  const OnnxOperator& op = found->second;
  if (node.inputs.size() < op.least_inputs || node.inputs.size() > op.most_inputs) {
    throw scope.error(node, std::to_string(node.inputs.size()) + " inputs",
                      std::to_string(op.least_inputs) + " to " + std::to_string(op.most_inputs));
  }
  if (node.outputs.empty()) throw scope.error(node, "no output", "one");
  std::set<std::string> names;
  for (const OnnxAttribute& attribute : node.attributes) {
    if (!names.insert(attribute.name).second) {
      throw scope.error(node, "attribute " + quote(attribute.name) + " twice", "it once");
    }
    if (std::find(op.attributes.begin(), op.attributes.end(), attribute.name) != op.attributes.end())
      continue;
    throw scope.error(node, "attribute " + quote(attribute.name), "those that ONNX defines since opset 7");
  }
  op.read(scope, node);
}

}  // namespace verissim::network
