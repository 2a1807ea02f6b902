#include "network/onnx_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "network/onnx_input.h"
#include "network/onnx_model.h"
#include "network/onnx_ops.h"
#include "network/onnx_scope.h"

namespace verissim::network {
namespace {

// Before 7, broadcasting was another; what later versions change is not known yet.
constexpr int64_t kFirstOpset = 7;
constexpr int64_t kLastOpset = 28;

// Which nodes the output needs. A node comes after those that it reads.
std::vector<bool> needed_nodes(const OnnxModel& model) {
  std::set<std::string> names{model.outputs.front().name};
  std::vector<bool> needed(model.nodes.size(), false);
  for (size_t k = model.nodes.size(); k-- > 0;) {
    const OnnxNode& node = model.nodes[k];
    needed[k] = std::any_of(node.outputs.begin(), node.outputs.end(),
                            [&](const std::string& name) { return names.contains(name); });
    if (needed[k]) names.insert(node.inputs.begin(), node.inputs.end());
  }
  return needed;
}

void check_model(const std::string& file, const OnnxModel& model) {
  if (model.opset < kFirstOpset || model.opset > kLastOpset) {
    throw InputError(file, "", "opset " + std::to_string(model.opset),
                     std::to_string(kFirstOpset) + " to " + std::to_string(kLastOpset));
  }
  if (model.inputs.size() != 1 || model.outputs.size() != 1) {
    throw InputError(file, "",
                     "a graph with " + std::to_string(model.inputs.size()) + " inputs and " +
                         std::to_string(model.outputs.size()) + " outputs",
                     "one of each");
  }
}

std::vector<std::string> notes_of(const OnnxModel& model, const OnnxInput& input) {
  std::vector<std::string> notes;
  if (input.batch > 1) {
    notes.push_back("the file is for batches of " + std::to_string(input.batch) + ": read for one image");
  }
  if (input.channels_last) notes.push_back("the file's images have their channels last: read as C, H, W");
  for (const std::string& name : model.external_files) {
    notes.push_back("weights are also in '" + name + "', which the digest does not cover");
  }
  return notes;
}

}  // namespace

OnnxNetwork read_onnx(const std::string& file, std::span<const std::byte> data, const InputHint& hint,
                      bool tracing) {
  const OnnxModel model = parse_onnx(file, data, tracing);
  check_model(file, model);
  const OnnxInput input = read_onnx_input(file, model.inputs.front(), hint);
  OnnxScope scope(file, model, input);
  const std::vector<bool> needed = needed_nodes(model);
  for (size_t k = 0; k < model.nodes.size(); ++k) {
    if (needed[k]) read_onnx_node(scope, model.nodes[k]);
  }
  Network network = scope.graph().finish(scope.output());
  if (network.parameters() == 0) throw InputError(file, "", "no layer with weights", "Gemm or Conv nodes");
  ModelLayout layout = sequential_layout(network);
  return {std::move(network),
          std::move(layout),
          input.source,
          notes_of(model, input),
          std::move(scope.graph().traces()),
          model.external_files};
}

}  // namespace verissim::network
