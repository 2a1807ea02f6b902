#include <bit>
#include <set>
#include <utility>

#include "base/error.h"
#include "network/onnx_model.h"
#include "network/onnx_tensor.h"
#include "network/protobuf.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

// Far beyond real models; they bound what a file of empty messages takes in memory.
constexpr size_t kMostNodes = 100'000;
constexpr size_t kMostAttributes = 64;
constexpr size_t kMostDimensions = 64;

// The outermost fields (ModelProto) by number, with their wire types.
constexpr uint32_t kGraph = 7;
bool is_outer_field(const ProtoField& field) {
  switch (field.number) {
    case 1:
    case 5:
      return field.wire == ProtoWire::kVarint;
    case 2:
    case 3:
    case 4:
    case 6:
    case kGraph:
    case 8:
    case 14:
    case 20:
    case 25:
    case 26:
      return field.wire == ProtoWire::kBytes;
    default:
      return false;
  }
}

class Parser {
 public:
  Parser(const std::string& file, std::span<const std::byte> data, bool tracing)
      : file_(file), data_(data), tensors_(file, data.size(), tracing) {}

  OnnxModel read() {
    ProtoReader reader(file_, "model", data_);
    bool has_graph = false;
    while (const auto field = reader.next()) {
      if (field->number == 8) read_opset(reader, *field);
      if (field->number == 25) check_function(reader.message(*field, "functions"));
      if (field->number != kGraph) continue;
      if (std::exchange(has_graph, true)) reader.fail(field->position, "a second graph", "one");
      read_graph(reader.message(*field, "graph"));
    }
    if (!has_graph) throw InputError(file_, "", "no graph", "a whole ONNX file");
    if (model_.opset <= 0) throw InputError(file_, "", "no opset", "the version of ONNX's operators");
    drop_default_inputs();
    model_.bytes = tensors_.bytes();
    model_.external_files = tensors_.external_files();
    return std::move(model_);
  }

 private:
  static bool is_own(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

  void read_opset(const ProtoReader& outer, const ProtoField& import) {
    ProtoReader reader = outer.message(import, "opset_import");
    std::string domain;
    int64_t version = 0;
    while (const auto field = reader.next()) {
      if (field->number == 1) domain = reader.text(*field);
      if (field->number == 2) version = reader.integer(*field);
    }
    if (!is_own(domain)) return;
    if (model_.opset != 0 && model_.opset != version) outer.fail(import.position, "a second opset", "one");
    model_.opset = version;
  }

  // Functions of other domains are refused where a node calls them.
  static void check_function(ProtoReader reader) {
    std::string domain;
    size_t position = 0;
    while (const auto field = reader.next()) {
      if (field->number == 10) domain = reader.text(*field);
      position = field->position;
    }
    if (is_own(domain)) reader.fail(position, "a function that takes an operator's place", "another domain");
  }

  void read_graph(ProtoReader reader) {
    while (const auto field = reader.next()) {
      switch (field->number) {
        case 1:
          if (model_.nodes.size() == kMostNodes) reader.fail(field->position, "more nodes", "at most 100000");
          model_.nodes.push_back(read_node(reader.message(*field, "graph.node"), field->position));
          break;
        case 5:
          if (model_.initializers.size() == kMostNodes) {
            reader.fail(field->position, "more initializers", "at most 100000");
          }
          model_.initializers.push_back(
              tensors_.read(reader.message(*field, "graph.initializer"), "an initializer without a name"));
          break;
        case 11:
          model_.inputs.push_back(read_port(reader.message(*field, "graph.input")));
          break;
        case 12:
          model_.outputs.push_back(read_port(reader.message(*field, "graph.output")));
          break;
        case 15:
          reader.fail(field->position, "a sparse initializer", "dense ones");
        default:
          break;
      }
    }
  }

  OnnxNode read_node(ProtoReader reader, size_t position) {
    OnnxNode node;
    std::string domain;
    while (const auto field = reader.next()) {
      if (field->number == 1) node.inputs.push_back(reader.text(*field));
      if (field->number == 2) node.outputs.push_back(reader.text(*field));
      if (field->number == 3) node.name = reader.text(*field);
      if (field->number == 4) node.op = reader.text(*field);
      if (field->number == 7) domain = reader.text(*field);
      if (field->number != 5) continue;
      if (node.attributes.size() == kMostAttributes) {
        reader.fail(field->position, "more attributes", "at most 64");
      }
      node.attributes.push_back(read_attribute(reader.message(*field, "graph.node.attribute")));
    }
    if (node.op.empty()) reader.fail(position, "a node without an operator", "its name");
    if (!is_own(domain)) node.op = domain + "." + node.op;
    return node;
  }

  OnnxAttribute read_attribute(ProtoReader reader) {
    OnnxAttribute attribute;
    while (const auto field = reader.next()) {
      switch (field->number) {
        case 1:
          attribute.name = reader.text(*field);
          break;
        case 2: {
          const uint32_t bits = reader.fixed32(*field);
          attribute.real = std::bit_cast<float>(bits);
          break;
        }
        case 3:
          attribute.integer = reader.integer(*field);
          break;
        case 4:
          attribute.text = reader.text(*field);
          break;
        case 5:  // two would be merged
          if (attribute.tensor) reader.fail(field->position, "a second tensor", "one");
          attribute.tensor = tensors_.read(reader.message(*field, "tensor"), "an attribute's tensor").tensor;
          break;
        case 7:
          reader.append_fixed(*field, ProtoWire::kFixed32, attribute.reals);
          break;
        case 8:
          reader.append_integers(*field, attribute.integers);
          break;
        case 20:
          attribute.type = reader.integer(*field);
          break;
        default:
          break;
      }
    }
    return attribute;
  }

  OnnxPort read_port(ProtoReader reader) const {
    OnnxPort port;
    while (const auto field = reader.next()) {
      if (field->number == 1) port.name = reader.text(*field);
      if (field->number == 2) read_type(reader.message(*field, "type"), port);
    }
    return port;
  }

  static void read_type(ProtoReader reader, OnnxPort& port) {
    while (const auto field = reader.next()) {
      if (field->number != 1) continue;
      ProtoReader tensor = reader.message(*field, "type.tensor_type");
      while (const auto inner = tensor.next()) {
        if (inner->number == 1) port.element_type = tensor.integer(*inner);
        if (inner->number == 2) read_shape(tensor.message(*inner, "type.tensor_type.shape"), port);
      }
    }
  }

  static void read_shape(ProtoReader reader, OnnxPort& port) {
    port.has_shape = true;
    while (const auto field = reader.next()) {
      if (field->number != 1) continue;
      if (port.shape.size() == kMostDimensions) reader.fail(field->position, "more dimensions", "at most 64");
      ProtoReader dimension = reader.message(*field, "type.tensor_type.shape.dim");
      int64_t size = -1;
      while (const auto inner = dimension.next()) {
        if (inner->number != 1) continue;
        size = dimension.integer(*inner);
        if (size < 0) size = -1;
      }
      port.shape.push_back(size);
    }
  }

  // Before IR version 4 every initializer was an input too: a default that may be overridden.
  void drop_default_inputs() {
    std::set<std::string> names;
    for (const NamedTensor& tensor : model_.initializers) names.insert(tensor.key);
    std::erase_if(model_.inputs, [&](const OnnxPort& port) { return names.contains(port.name); });
  }

  const std::string& file_;
  std::span<const std::byte> data_;
  OnnxTensorReader tensors_;
  OnnxModel model_;
};

}  // namespace

bool is_onnx(std::span<const std::byte> data) {
  const std::string file;
  ProtoReader reader(file, "model", data);
  try {
    while (const auto field = reader.next()) {
      if (!is_outer_field(*field)) return false;
      if (field->number == kGraph) return true;
    }
  } catch (const InputError&) {
    // Damaged or cut: the reader will say where, if it is the graph that is.
    return !data.empty() && data[0] == std::byte{0x08};
  }
  return false;
}

OnnxModel parse_onnx(const std::string& file, std::span<const std::byte> data, bool tracing) {
  return Parser(file, data, tracing).read();
}

}  // namespace verissim::network
