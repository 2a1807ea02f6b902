// What an ONNX file says, before it is understood.
// Source: https://github.com/onnx/onnx, onnx/onnx.proto (the fields' numbers) and docs/IR.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "network/tensor.h"

namespace verissim::network {

// The attributes' types that are read; the numbers are those of AttributeProto.AttributeType.
enum class OnnxAttributeType { kFloat = 1, kInt = 2, kString = 3, kTensor = 4, kFloats = 6, kInts = 7 };

struct OnnxAttribute {
  std::string name;
  int64_t type = 0;  // the file's number, which may be none of OnnxAttributeType
  float real = 0.0F;
  int64_t integer = 0;
  std::string text;
  std::optional<Tensor> tensor;
  std::vector<std::byte> reals;  // float32, little-endian
  std::vector<int64_t> integers;
};

struct OnnxNode {
  std::string name;
  std::string op;  // "Gemm"; of another domain than ONNX's own: "com.microsoft.FusedConv"
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<OnnxAttribute> attributes;
};

// A graph's input or output.
struct OnnxPort {
  std::string name;
  bool has_shape = false;
  std::vector<int64_t> shape;  // -1 where the file gives a name instead of a number, or nothing
  int64_t element_type = 0;    // the number of TensorProto.DataType; 0 if it is not given
};

struct OnnxModel {
  int64_t opset = 0;  // of ONNX's own operators
  std::vector<OnnxNode> nodes;
  std::vector<NamedTensor> initializers;
  std::vector<OnnxPort> inputs;  // without the initializers
  std::vector<OnnxPort> outputs;
  size_t bytes = 0;                         // of the file and the external data that it refers to
  std::vector<std::string> external_files;  // in the order of their first use, relative to the file's folder
};

// Whether the data begin like an ONNX file: the format has no magic number, so its outermost fields decide.
bool is_onnx(std::span<const std::byte> data);

// Throws InputError naming `file` and the byte or the tensor. External data are read from the folder of
// `file`, and from nowhere else.
OnnxModel parse_onnx(const std::string& file, std::span<const std::byte> data, bool tracing = false);

}  // namespace verissim::network
