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
std::vector<OnnxOperator> onnx_affine_operators();  // Gemm, MatMul, Add, Sub, Mul, Div, BatchNormalization
std::vector<OnnxOperator> onnx_activation_operators();  // Relu, LeakyRelu, PRelu, Clip, Abs, Max, Min
std::vector<OnnxOperator> onnx_window_operators();  // Conv, MaxPool, AveragePool, the global ones, ReduceMean
std::vector<OnnxOperator> onnx_shape_operators();   // Reshape, Flatten, Squeeze, Unsqueeze, Dropout
std::vector<OnnxOperator> onnx_pick_operators();    // Transpose, Slice, Split, Gather, Concat, Pad, Expand
std::vector<OnnxOperator> onnx_constant_operators();  // Constant, Shape, Cast: mostly of known values

// Defines the output of an arithmetic node whose inputs are all constant.
void fold_constants(OnnxScope& scope, const OnnxNode& node);

// Defines the node's output. Throws InputError naming the node for everything that the operators do not
// cover.
void read_onnx_node(OnnxScope& scope, const OnnxNode& node);

}  // namespace verissim::network
