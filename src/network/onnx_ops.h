// What ONNX's operators mean as layers of a network.
// Source: https://github.com/onnx/onnx, docs/Operators.md and docs/Broadcasting.md.
#pragma once

#include <string>
#include <vector>

#include "network/onnx_scope.h"

namespace verissim::network {

struct OnnxOperator {
  const char* name;
  size_t least_inputs;
  size_t most_inputs;
  std::vector<std::string> attributes;  // all that it has; a node with others is refused
  void (*read)(OnnxScope& scope, const OnnxNode& node);
};

// By subject, each in its own file.
std::vector<OnnxOperator> onnx_affine_operators();    // Gemm, MatMul, Add, Sub, Mul, Div, Neg
std::vector<OnnxOperator> onnx_window_operators();    // Conv, AveragePool, GlobalAveragePool, ReduceMean
std::vector<OnnxOperator> onnx_shape_operators();     // Reshape, Flatten, Transpose, Squeeze, Unsqueeze
std::vector<OnnxOperator> onnx_constant_operators();  // Constant, Shape, Gather, Concat, ...: of known values

// Defines the node's output. Throws InputError naming the node for everything that the operators do not
// cover.
void read_onnx_node(OnnxScope& scope, const OnnxNode& node);

}  // namespace verissim::network
