#!/usr/bin/env python3
"""Writes ONNX files with PyTorch's two exporters and with the onnx package, for the tests of the reader.

onnx_files.py make DIR              every case
onnx_files.py make-small DIR        the few that are kept in tests/network/data
onnx_files.py competition DATA DIR  what the networks DATA/*/*.onnx.gz compute

DIR/cases.json (make-small: onnx_cases.json) lists for each good file inputs, the outputs of onnxruntime in single
precision, and those of the onnx package's reference evaluator in double precision on the very same weights; for each
bad file a part of the message that is expected.
"""

import glob
import gzip
import json
import logging
import os
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

CASES = []
QUIET = onnxruntime.SessionOptions()
QUIET.log_severity_level = 3


def random(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def in_double(model):
    """The model with the same numbers, all of them as float64, in tensors."""
    double = onnx.ModelProto()
    double.CopyFrom(model)
    tensors = list(double.graph.initializer)
    for node in double.graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else []:
            if attribute.name in ("value_float", "value_floats"):
                array = np.array(helper.get_attribute_value(attribute), np.float32)
                attribute.CopyFrom(helper.make_attribute("value", numpy_helper.from_array(array)))
        tensors += [attribute.t for attribute in node.attribute if attribute.type == onnx.AttributeProto.TENSOR]
    for tensor in tensors:
        array = numpy_helper.to_array(tensor)
        if array.dtype.kind == "f":
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float64), tensor.name))
    return double


def outputs_of(model, file_bytes, inputs, shape, use_reference=True):
    """float32 by onnxruntime, float64 by the reference. The inputs are given one by one, as a batch of one."""
    session = onnxruntime.InferenceSession(file_bytes, QUIET, providers=["CPUExecutionProvider"])
    reference = ReferenceEvaluator(in_double(model)) if use_reference else None
    port = session.get_inputs()[0]
    kind = np.float64 if port.type == "tensor(double)" else np.float32
    single, double = [], []
    for x in inputs:
        x = x.reshape(shape)
        single.append(np.asarray(session.run(None, {port.name: x.astype(kind)})[0], np.float64).reshape(-1).tolist())
        if use_reference:
            double.append(reference.run(None, {port.name: x.astype(np.float64)})[0].reshape(-1).tolist())
    return single, double


def good(directory, name, image, shape=None, give_shape=False, one_image_model=None, count=3, reference=True):
    """directory/name is there. image: C, H, W of the inputs; shape: as the graph wants them. Where the reference is
    known to be wrong, onnxruntime alone is compared with."""
    path = os.path.join(directory, name)
    packed = name.endswith(".gz")
    if one_image_model is not None:
        model = one_image_model
    elif packed:
        model = onnx.load_from_string(gzip.open(path).read())
    else:
        model = onnx.load(path)
    inputs = [random(int(np.prod(image)), seed=k).astype(np.float64) for k in range(count)]
    single, double = outputs_of(model, model.SerializeToString(), inputs, shape or [1, *image], reference)
    CASES.append({"file": name, "shape": list(image), "give_shape": give_shape,
                  "format": "ONNX (gzip)" if packed else "ONNX", "inputs": [x.tolist() for x in inputs],
                  "outputs": double if reference else single, "float_outputs": single,
                  "tolerance": 1e-10 if reference else 1e-5})


def bad(name, message, shape=None):
    CASES.append({"file": name, "shape": shape, "give_shape": shape is not None, "error": message})


class Graph:
    """A graph whose nodes follow each other: node(op, constants...) reads the one before."""

    def __init__(self, shape, kind=TensorProto.FLOAT):
        self.inputs = [helper.make_tensor_value_info("x", kind, shape)]
        self.kind = kind
        self.nodes, self.initializers, self.last = [], [], "x"

    def constant(self, array, name=None):
        name = name or f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op, *inputs, first=None, outputs=None, **attributes):
        """inputs: names or arrays behind the first one, which is the last node's output; "@" stands for that."""
        names = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        if "@" in names:
            names = [self.last if name == "@" else name for name in names]
        elif op != "Constant":
            names = [first or self.last, *names]
        self.last = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, outputs or [self.last],
                                           name=f"{op}_{len(self.nodes)}", **attributes))
        return self

    def gemm(self, rows, columns, seed=1):
        return self.node("Gemm", random(rows, columns, seed=seed), random(rows, seed=seed + 1), transB=1)

    def model(self, opset=13, shape=None):
        outputs = [helper.make_tensor_value_info(self.last, self.kind, shape)]
        graph = helper.make_graph(self.nodes, "graph", self.inputs, outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="tests")
        model.ir_version = 4 if opset < 10 else 8
        return model


def save(directory, name, model, **options):
    onnx.save(model, os.path.join(directory, name), **options)


def make_affine(directory):
    def case(name, graph, image, shape=None, opset=13):
        save(directory, name, graph.model(opset))
        good(directory, name, image, shape)

    flat = [1, 1, 6]
    case("gemm.onnx", Graph(["N", 6]).gemm(4, 6).node("Relu").gemm(3, 4, seed=5), flat, [1, 6])
    case("gemm_scaled.onnx", Graph([1, 6]).node("Gemm", random(6, 4), random(4), alpha=0.3, beta=1.7), flat, [1, 6])
    case("gemm_plain.onnx", Graph([1, 6]).node("Gemm", random(6, 4)), flat, [1, 6])
    case("gemm_number.onnx", Graph([1, 6]).node("Gemm", random(6, 4), np.float32(0.7)), flat, [1, 6])
    case("gemm_old.onnx", Graph([1, 6]).gemm(4, 6), flat, [1, 6], opset=8)
    case("gemm_new.onnx", Graph([1, 6]).gemm(4, 6), flat, [1, 6], opset=21)
    case("matmul.onnx", Graph([1, 6]).node("MatMul", random(6, 4)).node("Add", random(4)).node("Relu")
         .node("MatMul", random(4, 3)).node("Add", random(1, 3)), flat, [1, 6])
    case("matmul_left.onnx", Graph([1, 6, 1]).node("MatMul", random(5, 6), "@").node("Add", random(5, 1))
         .node("Relu").node("MatMul", random(1, 3, 5), "@"), flat, [1, 6, 1])
    case("matmul_vector.onnx", Graph([6]).node("MatMul", random(6, 4)).node("Relu").node("Sub", random(4)), flat, [6])
    case("constants.onnx", Graph([1, 6]).node("Sub", random(6)).node("Mul", random(1, 6, seed=3)).gemm(4, 6)
         .node("Mul", np.float32(0.1)).node("Mul", np.float32(0.3)).node("Mul", np.float32(0.7))
         .node("Add", random(4, seed=9)).node("Relu").node("Div", np.float32([2, -4, 0.5, 1]))
         .node("Sub", random(4, seed=4), "@").node("Neg").gemm(2, 4), flat, [1, 6])
    case("normalised.onnx", Graph([1, 3, 4, 4]).node("Sub", random(1, 3, 1, 1)).node("Mul", random(3, 1, 1, seed=2))
         .node("Add", random(4, seed=5)).node("Mul", random(3, 4, 1, seed=6)).node("Flatten").gemm(5, 48), [3, 4, 4])
    case("twice.onnx", Graph([1, 6]).gemm(4, 6).node("Mul", np.float32(3)).node("Relu")
         .node("Add", "v0", first="v2").node("Sub", "v1", first="v3"), flat, [1, 6])
    case("double_use.onnx", Graph([1, 6]).gemm(4, 6).node("Add", random(4)).node("Add", "v0", first="v1")
         .node("Relu").node("Add", "v3", first="v3"), flat, [1, 6])
    doubles = Graph([1, 6], TensorProto.DOUBLE).node("Gemm", random(4, 6, dtype=np.float64),
                                                     random(4, dtype=np.float64), transB=1)
    case("doubles.onnx", doubles.node("Relu").node("Mul", np.float64(0.1)), flat, [1, 6])
    save(directory, "given.onnx", Graph([1, 6]).gemm(4, 6).model())
    good(directory, "given.onnx", [1, 2, 3], [1, 6], give_shape=True)
    save(directory, "model_i1x3x2_l4_o4.onnx", Graph([1, 6]).gemm(4, 6).model())
    good(directory, "model_i1x3x2_l4_o4.onnx", [1, 3, 2], [1, 6])
    batch = Graph([5, 6]).gemm(4, 6).node("Reshape", np.int64([5, 2, 2])).node("Flatten").node("Relu")
    save(directory, "batch.onnx", batch.model())
    one = Graph([1, 6]).gemm(4, 6).node("Relu")
    good(directory, "batch.onnx", flat, [1, 6], one_image_model=one.model())


def make_windows(directory):
    def case(name, graph, image, opset=13):
        save(directory, name, graph.model(opset))
        good(directory, name, image)

    def conv(graph, *shape, bias=True, seed=1, **attributes):
        return graph.node("Conv", random(*shape, seed=seed), *([random(shape[0], seed=seed + 1)] if bias else []),
                          **attributes)

    case("conv.onnx", conv(Graph(["N", 3, 7, 6]), 4, 3, 3, 2, pads=[1, 0, 1, 0], strides=[2, 1]).node("Relu")
         .node("Flatten").gemm(5, 80), [3, 7, 6])
    case("conv_groups.onnx", conv(Graph([1, 4, 7, 8]), 6, 2, 3, 3, group=2, dilations=[2, 3], bias=False), [4, 7, 8])
    case("conv_asymmetric.onnx", conv(Graph([1, 2, 7, 8]), 3, 2, 3, 2, pads=[0, 2, 1, 0], strides=[2, 3]), [2, 7, 8])
    for automatic in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
        case(f"conv_{automatic}.onnx", conv(Graph([1, 2, 7, 8]), 3, 2, 4, 3, auto_pad=automatic, strides=[2, 3]),
             [2, 7, 8])
    case("conv_scaled.onnx", conv(Graph([1, 2, 6, 6]), 3, 2, 3, 3).node("Mul", random(3, 1, 1))
         .node("Add", random(1, 3, 1, 1)).node("Relu").node("Mul", random(1, 3, 4, 4)), [2, 6, 6])
    residual = conv(Graph([1, 3, 6, 6]), 4, 3, 3, 3, pads=[1] * 4).node("Relu")
    residual = conv(residual, 4, 4, 3, 3, pads=[1] * 4, seed=4).node("Add", "v1").node("Relu")
    case("residual.onnx", residual.node("AveragePool", kernel_shape=[2, 2], strides=[2, 2]).node("Flatten")
         .gemm(3, 36), [3, 6, 6])
    case("pool_global.onnx", conv(Graph([1, 2, 6, 10]), 3, 2, 3, 3).node("GlobalAveragePool").node("Flatten")
         .gemm(2, 3), [2, 6, 10])
    case("mean.onnx", Graph([1, 2, 4, 4]).node("ReduceMean", axes=[-1, 2], keepdims=0).gemm(3, 2), [2, 4, 4])
    case("mean_new.onnx", Graph([1, 2, 4, 4]).node("ReduceMean", np.int64([2, 3])).node("Flatten").gemm(3, 2),
         [2, 4, 4], opset=18)
    case("pool_padded.onnx", Graph([1, 2, 6, 6]).node("AveragePool", kernel_shape=[4, 2], strides=[1, 2],
                                                      pads=[1, 1, 2, 1], count_include_pad=1), [2, 6, 6])


def make_shapes(directory):
    def case(name, graph, image, shape=None, opset=13):
        save(directory, name, graph.model(opset))
        good(directory, name, image, shape)

    image = [2, 3, 4]
    for axes in [(0, 2, 3, 1), (0, 3, 2, 1), (0, 1, 3, 2), (3, 1, 2, 0)]:
        graph = Graph([1, *image]).node("Transpose", perm=axes).node("Relu").node("Mul", np.float32(1.5))
        case(f"transpose_{''.join(map(str, axes))}.onnx", graph.node("Reshape", np.int64([1, -1])).gemm(5, 24), image)
    twice = Graph([1, *image]).node("Transpose", perm=[0, 2, 3, 1]).node("Add", random(2)).node("Relu")
    case("transpose_back.onnx", twice.node("Transpose", perm=[0, 3, 1, 2]).node("Conv", random(3, 2, 2, 2)), image)
    case("transpose_ones.onnx", Graph([1, 1, 3, 4]).node("Transpose", perm=[0, 2, 3, 1]).node("Flatten").gemm(2, 12),
         [1, 3, 4])
    weight = Graph([1, 6])
    weight.constant(random(4, 6), "w")
    case("transpose_weight.onnx", weight.node("Transpose", first="w").node("MatMul", "x", "@"), [1, 1, 6], [1, 6])
    case("squeeze.onnx", Graph([1, 1, 1, 6]).node("Squeeze", np.int64([1, 2])).node("Unsqueeze", np.int64([-1]))
         .node("Identity").node("Dropout").node("Flatten").gemm(3, 6), [1, 1, 6], [1, 1, 1, 6])
    case("squeeze_old.onnx", Graph([1, 1, 1, 6]).node("Squeeze", axes=[1, 2]).node("Unsqueeze", axes=[0])
         .node("Reshape", np.int64([0, -1])).gemm(3, 6), [1, 1, 6], [1, 1, 1, 6], opset=9)
    case("row.onnx", Graph([1, 6, 1]).node("Flatten").gemm(3, 6), [1, 1, 6], [1, 6, 1])
    case("image_rank3.onnx", Graph([2, 3, 4]).node("Reshape", np.int64([1, 24])).gemm(3, 24), image, image)
    kinds = Graph([1, 6])
    kinds.node("Constant", value_floats=[1.5, -2.0, 0.1, 0.2, 0.3, 0.4])
    kinds.node("Add", "x", "@").node("Constant", value=numpy_helper.from_array(random(6, 2)))
    kinds.node("MatMul", "v1", "@").node("Constant", value_float=0.5).node("Mul", "@", "v3")
    case("constant_nodes.onnx", kinds, [1, 1, 6], [1, 6])
    unused = Graph([1, 6]).gemm(3, 6).node("Sigmoid")
    unused.last = "v0"
    case("unused.onnx", unused, [1, 1, 6], [1, 6])


def make_activations(directory):
    def case(name, graph, image=(1, 1, 6), shape=(1, 6), opset=13):
        save(directory, name, graph.model(opset))
        good(directory, name, list(image), list(shape))

    def linear(kind=TensorProto.FLOAT):
        return Graph([1, 6], kind).gemm(4, 6)

    case("leaky.onnx", linear().node("LeakyRelu", alpha=0.1).gemm(3, 4).node("LeakyRelu"))
    case("leaky_negative.onnx", linear().node("LeakyRelu", alpha=-0.3).node("LeakyRelu", alpha=3.5))
    case("leaky_tiny.onnx", linear().node("LeakyRelu", alpha=1e-30).gemm(3, 4))
    case("leaky_twice.onnx", linear().node("LeakyRelu", alpha=0.1).node("Add", "v0"))
    case("prelu.onnx", linear().node("PRelu", random(4)).gemm(3, 4).node("PRelu", np.float32(0.2)))
    image = Graph([1, 2, 5, 4]).node("Conv", random(3, 2, 2, 2)).node("PRelu", random(3, 1, 1))
    case("prelu_channels.onnx", image, (2, 5, 4), (1, 2, 5, 4))
    case("relu6.onnx", linear().node("Clip", np.float32(0), np.float32(6)).gemm(3, 4)
         .node("Clip", np.float32(-0.3), np.float32(0.4)))
    case("clip_open.onnx", linear().node("Clip", np.float32(0.2)).gemm(3, 4).node("Clip", "", np.float32(0.25)))
    case("clip_nothing.onnx", linear().node("Clip").node("Clip", np.float32(-np.inf), np.float32(np.inf)))
    case("clip_old.onnx", linear().node("Clip", min=-0.5, max=0.5).node("Clip", max=0.1), opset=9)
    case("hard_sigmoid.onnx", linear().node("HardSigmoid").gemm(3, 4).node("HardSigmoid", alpha=0.3, beta=0.1))
    case("abs.onnx", linear().node("Abs").gemm(3, 4).node("Abs").node("Add", "v2"))
    case("maximum.onnx", linear().node("Max", random(4), np.float32(0.1)).gemm(4, 4).node("Max", "v0"))
    case("minimum.onnx", linear().node("Min", random(4)).gemm(4, 4).node("Min", "v0", "v1", np.float32(-0.1)))
    case("maximum_broadcast.onnx", linear().gemm(1, 4).node("Max", "v0"))


def make_norms(directory):
    def case(name, graph, image, shape=None, opset=15):
        save(directory, name, graph.model(opset))
        good(directory, name, list(image), shape, reference=opset > 13)  # before, it normalises as in training

    def norm(graph, count, seed=3, **attributes):
        return graph.node("BatchNormalization", random(count, seed=seed), random(count, seed=seed + 1),
                          random(count, seed=seed + 2), np.abs(random(count, seed=seed + 3)), **attributes)

    image = [2, 5, 6]
    case("norm.onnx", norm(Graph([1, *image]).node("Conv", random(3, 2, 3, 3)), 3).node("Relu"), image)
    case("norm_first.onnx", norm(Graph([1, *image]), 2, epsilon=0.01).node("Conv", random(3, 2, 3, 3)), image)
    case("norm_flat.onnx", norm(Graph([1, 6]).gemm(4, 6), 4, momentum=0.5).node("Relu").gemm(3, 4), [1, 1, 6], [1, 6])
    case("norm_old.onnx", norm(Graph([1, *image]).node("Conv", random(3, 2, 3, 3)), 3), image, opset=9)
    case("norm_new.onnx", norm(norm(Graph([1, *image]), 2), 2, training_mode=0), image, opset=15)
    moved = norm(Graph([1, *image]).node("Transpose", perm=[0, 3, 1, 2]), 6).node("Transpose", perm=[0, 2, 3, 1])
    case("norm_moved.onnx", moved.node("Conv", random(3, 2, 2, 2)), image)
    deviation = Graph([1, 3, 4, 4]).node("Sub", np.float32([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1))
    deviation.node("Div", np.float32([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)).node("Conv", random(4, 3, 3, 3),
                                                                                   pads=[1] * 4)
    case("deviation.onnx", deviation, [3, 4, 4])
    case("thirds.onnx", Graph([1, 6]).gemm(4, 6).node("Div", np.float32(3)).node("Relu"), [1, 1, 6], [1, 6])
    computed = Graph([1, *image])
    computed.constant(np.abs(random(2, 1, 1, seed=8)), "variance")
    computed.node("Add", np.float32(0.001), first="variance").node("Sqrt").node("Reciprocal").node("Neg")
    computed.node("Mul", "x", "@").node("Conv", random(3, 2, 2, 2))
    case("computed.onnx", computed, image)


def make_pools(directory):
    def case(name, graph, image, opset=13):
        save(directory, name, graph.model(opset))
        good(directory, name, image)

    image = [2, 7, 8]
    def graph():
        return Graph(["N", *image])

    def conv():
        return graph().node("Conv", random(3, 2, 2, 2))

    case("max.onnx", graph().node("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).node("Flatten").gemm(3, 24), image)
    case("max_overlapping.onnx", graph().node("Conv", random(3, 2, 3, 3), pads=[1] * 4)
         .node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4), image)
    case("max_padded.onnx", conv().node("MaxPool", kernel_shape=[3, 2], strides=[2, 1], pads=[2, 0, 1, 1]), image)
    case("max_dilated.onnx", conv().node("MaxPool", kernel_shape=[2, 3], dilations=[3, 2], pads=[0, 1, 1, 1]), image)
    case("max_ceil.onnx", conv().node("MaxPool", kernel_shape=[2, 2], strides=[2, 3], ceil_mode=1), image)
    case("max_same.onnx", conv().node("MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"), image)
    case("max_same_lower.onnx", conv().node("MaxPool", kernel_shape=[2, 2], auto_pad="SAME_LOWER"), image)
    case("max_wide.onnx", conv().node("MaxPool", kernel_shape=[5, 1], strides=[1, 1]), image)
    case("max_global.onnx", graph().node("GlobalMaxPool").node("Flatten").gemm(3, 2), image)
    case("max_twice.onnx", graph().node("Conv", random(3, 2, 2, 2)).node("Relu").node("MaxPool", kernel_shape=[2, 2])
         .node("Conv", random(2, 3, 2, 2)).node("MaxPool", kernel_shape=[2, 2]).node("Flatten").gemm(2, 24), image)
    case("average_ninths.onnx", graph().node("AveragePool", kernel_shape=[3, 3]), image)
    case("average_padded.onnx", graph().node("AveragePool", kernel_shape=[3, 2], pads=[1, 1, 1, 0]), image)
    case("average_counted.onnx", graph().node("AveragePool", kernel_shape=[3, 2], pads=[1, 1, 1, 0],
                                              count_include_pad=1), image)
    case("average_ceil.onnx", graph().node("AveragePool", kernel_shape=[2, 2], strides=[2, 3], ceil_mode=1), image,
         opset=19)
    case("average_same.onnx", graph().node("AveragePool", kernel_shape=[3, 3], strides=[2, 2],
                                           auto_pad="SAME_UPPER"), image)
    case("average_global.onnx", graph().node("GlobalAveragePool").node("Flatten").gemm(3, 2), image)
    case("means.onnx", graph().node("ReduceMean", axes=[1, 2]), image)
    case("means_kept.onnx", graph().node("ReduceMean", axes=[1], keepdims=1).node("Conv", random(2, 1, 3, 3)), image)
    case("sums.onnx", graph().node("ReduceSum", np.int64([2, 3]), keepdims=0).gemm(3, 2), image)
    case("conv_dilated_pads.onnx", graph().node("Conv", random(3, 2, 2, 2), pads=[0, 0, 1, 2], dilations=[2, 3]),
         image)


def make_picks(directory):
    def case(name, graph, image=(2, 5, 6), shape=None, opset=13):
        save(directory, name, graph.model(opset))
        good(directory, name, list(image), shape)

    def graph():
        return Graph([1, 2, 5, 6])

    def conv(kernel=2):
        return graph().node("Conv", random(3, 2, kernel, kernel))

    case("transposed_conv.onnx", graph().node("Transpose", perm=[0, 1, 3, 2]).node("Conv", random(3, 2, 3, 2)))
    case("transposed_output.onnx", conv().node("Transpose", perm=[0, 2, 3, 1]))
    case("transposed_sum.onnx", Graph([1, 2, 4, 4]).node("Conv", random(2, 2, 3, 3), pads=[1] * 4)
         .node("Transpose", perm=[0, 1, 3, 2]).node("Add", "v0"), (2, 4, 4))
    case("slice.onnx", conv().node("Slice", np.int64([1, -2]), np.int64([99, -5]), np.int64([1, 3]), np.int64([1, -1]))
         .node("Relu"))
    case("slice_old.onnx", conv().node("Slice", starts=[1, 0], ends=[3, 4], axes=[2, 3]), opset=9)
    case("slice_all.onnx", conv().node("Slice", np.int64([0, 1]), np.int64([1, 3])))
    case("slice_strided.onnx", graph().node("Slice", np.int64([1]), np.int64([6]), np.int64([-1]), np.int64([2]))
         .node("Conv", random(3, 2, 3, 3)))
    case("split.onnx", conv().node("Split", np.int64([1, 2]), axis=1, outputs=["v1", "b"])
         .node("Concat", "b", "v1", first="b", axis=1))
    case("split_equal.onnx", conv(3).node("Split", axis=3, outputs=["v1", "b"]).node("Sub", "b"))
    case("split_number.onnx", conv().node("Split", axis=3, num_outputs=2, outputs=["v1", "b"])
         .node("Concat", "b", axis=3), opset=18)
    case("gather.onnx", conv().node("Gather", np.int64([2, 0, -2]), axis=1).node("Gather", np.int64(1), axis=2))
    case("gather_twice.onnx", conv().node("Gather", np.int64([[0, 1], [1, 1]]), axis=3))
    case("concat.onnx", conv().node("Relu").node("Concat", "v0", "v1", axis=1).node("Conv", random(2, 9, 2, 2)))
    case("concat_flat.onnx", Graph([1, 6]).gemm(4, 6).node("Relu").node("Concat", "x", axis=-1).gemm(3, 10),
         (1, 1, 6), [1, 6])
    case("pad.onnx", conv().node("Pad", np.int64([0, 0, 1, 2, 0, 1, 0, 3])).node("Conv", random(2, 4, 3, 3)))
    case("pad_value.onnx", conv().node("Pad", np.int64([0, 0, 1, 2, 0, 1, 0, 3]), np.float32(0.7)))
    case("pad_old.onnx", conv().node("Pad", pads=[0, 0, 1, 0, 0, 0, 0, 1], value=-0.5), opset=9)
    case("pad_axes.onnx", conv().node("Pad", np.int64([1, 2]), np.float32(0), np.int64([3])), opset=18)
    for mode in ["reflect", "edge", "wrap"]:
        case(f"pad_{mode}.onnx", conv().node("Pad", np.int64([0, 0, 2, 1, 0, 0, 1, 3]), mode=mode),
             opset=19 if mode == "wrap" else 13)
    case("expand.onnx", graph().node("GlobalAveragePool").node("Expand", np.int64([1, 1, 2, 3])).node("Relu"))
    case("broadcast_sum.onnx", conv().node("GlobalAveragePool").node("Add", "v0").node("Sub", "v1", "@"))
    case("difference.onnx", Graph([1, 6]).gemm(4, 6).node("Relu").node("Sub", "v0").gemm(3, 4), (1, 1, 6), [1, 6])
    case("sum.onnx", Graph([1, 6]).gemm(4, 6).node("Relu").node("Sum", "v0", "v1").gemm(3, 4), (1, 1, 6), [1, 6])
    save(directory, "cast.onnx", Graph([1, 6]).node("Cast", to=TensorProto.FLOAT).gemm(4, 6).model())
    good(directory, "cast.onnx", [1, 1, 6], [1, 6], reference=False)
    case("rows.onnx", Graph([1, 6]).node("Reshape", np.int64([2, 3])).node("MatMul", random(3, 4)).node("Relu")
         .node("Add", random(4)).node("MatMul", random(4, 2)).node("Reshape", np.int64([1, 4])).gemm(3, 4),
         (1, 1, 6), [1, 6])
    case("columns.onnx", Graph([1, 6]).node("Reshape", np.int64([1, 2, 3])).node("MatMul", random(1, 4, 2), "@")
         .node("Relu"), (1, 1, 6), [1, 6])
    case("pixels.onnx", graph().node("Transpose", perm=[0, 2, 3, 1]).node("MatMul", random(2, 3)).node("Relu")
         .node("Transpose", perm=[0, 3, 1, 2]).node("Conv", random(2, 3, 2, 2)))
    sizes = conv().node("Shape").node("Slice", np.int64([0]), np.int64([1])).node("Concat", np.int64([-1]), axis=0)
    case("computed_shape.onnx", sizes.node("Reshape", "v0", "@").gemm(2, 60))
    filled = conv().node("Shape").node("Gather", np.int64([0, 1])).node("Mul", np.int64([1, 4])).node("Cast", to=7)
    filled.node("Concat", np.int64([-1]), axis=0).node("Reshape", "v0", "@")
    case("filled.onnx", filled.node("ConstantOfShape", first=filled.constant(np.int64([5])),
                                       value=numpy_helper.from_array(np.float32([0.5]))).node("Add", "v6"))


def make_keras(directory):
    """Graphs as tf2onnx makes them of Keras networks: images with their channels last."""

    def dense(graph, rows, columns, seed):
        return graph.node("MatMul", random(rows, columns, seed=seed)).node("Add", random(columns, seed=seed + 1))

    def conv(graph, *shape, seed=2, **attributes):
        return graph.node("Conv", random(*shape, seed=seed), random(shape[0], seed=seed + 1), **attributes)

    def case(name, graph, image, give_shape=False):
        save(directory, name, graph.model())
        channels, height, width = image
        model = onnx.load(os.path.join(directory, name))
        inputs = [random(int(np.prod(image)), seed=k).astype(np.float64) for k in range(3)]
        last = [x.reshape(image).transpose(1, 2, 0) for x in inputs]
        single, double = outputs_of(model, model.SerializeToString(), last, [1, height, width, channels])
        CASES.append({"file": name, "shape": list(image), "give_shape": give_shape, "format": "ONNX",
                      "inputs": [x.tolist() for x in inputs], "outputs": double, "float_outputs": single,
                      "tolerance": 1e-10})

    def network(graph, channels):
        graph.node("Transpose", perm=[0, 3, 1, 2])
        conv(graph, 4, channels, 3, 3, auto_pad="SAME_UPPER", strides=[2, 2]).node("Relu")
        graph.node("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
        conv(graph, 3, 4, 2, 2, seed=7).node("Relu").node("Transpose", perm=[0, 2, 3, 1])
        graph.node("Reshape", np.int64([-1, 6]))
        return dense(dense(graph, 6, 5, 11).node("Relu"), 5, 3, 13)

    case("keras_colour.onnx", network(Graph(["N", 10, 12, 3]), 3), [3, 10, 12])
    case("keras_grey.onnx", network(Graph(["N", 10, 12, 1]), 1), [1, 10, 12])
    case("keras_open.onnx", network(Graph(["N", "H", "W", 3]), 3), [3, 10, 12], give_shape=True)
    two = network(Graph(["N", 10, 12, 2]), 2)
    case("keras_given.onnx", two, [2, 10, 12], give_shape=True)
    mean = Graph(["N", 8, 8, 3]).node("Sub", random(3)).node("Div", np.float32([0.2, 0.3, 0.4]))
    mean.node("Transpose", perm=[0, 3, 1, 2])
    mean = conv(mean, 4, 3, 3, 3).node("Transpose", perm=[0, 2, 3, 1]).node("Mul", random(4)).node("Add", random(4))
    mean.node("Relu").node("ReduceMean", axes=[1, 2], keepdims=0)
    case("keras_mean.onnx", dense(mean, 4, 3, 21), [3, 8, 8])
    flat = Graph(["N", 5, 4, 1]).node("Reshape", np.int64([-1, 20]))
    case("keras_flat.onnx", dense(dense(flat, 20, 6, 3).node("Relu"), 6, 3, 5), [1, 5, 4])


def make_storage(directory):
    model = Graph([1, 6]).gemm(4, 6).node("Relu").gemm(3, 4).model()
    with gzip.open(os.path.join(directory, "packed.onnx.gz"), "wb") as file:
        file.write(model.SerializeToString())
    good(directory, "packed.onnx.gz", [1, 1, 6], [1, 6])
    typed = onnx.ModelProto()
    typed.CopyFrom(model)
    for tensor in typed.graph.initializer:
        array = numpy_helper.to_array(tensor)
        tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.FLOAT, array.shape, array.flatten().tolist()))
        typed.graph.input.append(helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, array.shape))
    save(directory, "typed.onnx", typed)
    good(directory, "typed.onnx", [1, 1, 6], [1, 6])
    save(directory, "external.onnx", model, save_as_external_data=True, all_tensors_to_one_file=True,
         location="external.data", size_threshold=0)
    good(directory, "external.onnx", [1, 1, 6], [1, 6])


def make_bad(directory):
    def case(name, model, message, shape=None):
        save(directory, name, model)
        bad(name, message, shape)

    def linear():
        return Graph([1, 6]).gemm(4, 6)

    def image():
        return Graph([1, 2, 6, 6]).node("Conv", random(3, 2, 3, 3))

    for op in ["Sigmoid", "Tanh", "Exp"]:
        case(f"bad_{op}.onnx", linear().node(op).model(),
             f"node '{op}_1' ({op}): got an operator that is not supported, wanted Abs, Add, AveragePool, ")
    case("bad_softmax.onnx", linear().node("Softmax").model(),
         "node 'Softmax_1' (Softmax): got an operator that is not piecewise linear, wanted the scores before it")
    case("bad_zero.onnx", linear().node("Div", np.float32(0)).model(), "node 'Div_1' (Div): got a division by 0.0")
    ones = [np.float32([1, 1, 1])] * 3
    case("bad_norm.onnx", image().node("BatchNormalization", *ones, np.float32([1, -1, 1])).model(),
         "node 'BatchNormalization_1' (BatchNormalization): got a variance of -1.0")
    case("bad_norm_shape.onnx", image().node("BatchNormalization", *ones, np.float32([1, 1])).model(),
         "constants of shape [2] for values of shape [1, 3, 4, 4]")
    case("bad_norm_training.onnx", image().node("BatchNormalization", *ones, ones[0], training_mode=1)
         .model(opset=15), "a normalisation in training")
    case("bad_pads.onnx", image().node("Pad", np.int64([0, 0, 1])).model(), "pads [0, 0, 1], wanted two for each")
    case("bad_pad_mode.onnx", image().node("Pad", np.int64([0] * 8), mode="odd").model(), "mode 'odd'")
    case("bad_empty_window.onnx", image().node("MaxPool", kernel_shape=[1, 1], pads=[0, 1, 0, 1]).model(),
         "node 'MaxPool_1' (MaxPool): got a window without values")
    case("bad_indices.onnx", image().node("MaxPool", kernel_shape=[2, 2], outputs=["v1", "places"])
         .node("Relu", first="places").model(), "input 'places'")
    case("bad_slice.onnx", image().node("Slice", np.int64([0]), np.int64([9]), np.int64([5])).model(),
         "axes [5], wanted different ones of 4 dimensions")
    case("bad_slice_empty.onnx", image().node("Slice", np.int64([3]), np.int64([3]), np.int64([2])).model(),
         "values of shape [1, 3, 0, 4]")
    case("bad_slice_step.onnx", image().node("Slice", np.int64([3]), np.int64([3]), np.int64([2]), np.int64([0]))
         .model(), "steps that are not 0")
    case("bad_split.onnx", image().node("Split", np.int64([1, 1]), axis=1, outputs=["v1", "v2"]).node("Add", "v2")
         .model(), "parts of sizes [1, 1] of shape [1, 3, 4, 4]")
    case("bad_gather.onnx", image().node("Gather", np.int64([3]), axis=1).model(), "index 3, wanted one of 3 values")
    case("bad_concat.onnx", image().node("Concat", "x", axis=1).model(), "shapes that agree but on axis 1")
    case("bad_concat_constant.onnx", image().node("Concat", random(1, 3, 4, 4), axis=1).model(),
         "constants among values that depend on the image")
    case("bad_clip.onnx", image().node("Clip", np.float32(2), np.float32(1)).model(), "bounds 2.000000 and 1.000000")
    case("bad_expand.onnx", linear().node("Expand", np.int64([1, 3])).model(), "[1, 4] as [1, 3]")
    case("bad_cast.onnx", linear().node("Cast", to=TensorProto.INT32).model(), "a cast to type 6")
    bytes_graph = Graph([1, 6])
    bytes_graph.inputs = [helper.make_tensor_value_info("x", TensorProto.UINT8, [1, 6])]
    case("bad_bytes.onnx", bytes_graph.node("Cast", to=TensorProto.FLOAT).gemm(4, 6).model(),
         "input 'x': got values of type 2, wanted floating-point numbers")
    case("bad_channels.onnx", Graph([1, 3, 6, 6]).node("Conv", random(3, 2, 3, 3)).model(),
         "kernels of shape [3, 2, 3, 3] in 1 groups for images of [1, 3, 6, 6]")
    case("bad_kernel.onnx", Graph([1, 2, 6, 6]).node("Conv", random(3, 2, 7, 3)).model(), "the kernel does not fit")
    case("bad_gemm.onnx", Graph([1, 6]).gemm(4, 5).model(), "values of shape [1, 6] for a matrix of 5 inputs")
    case("bad_rows.onnx", Graph([1, 6]).node("Reshape", np.int64([2, 3])).node("MatMul", random(2, 4)).model(),
         "values of shape [2, 3] for a matrix of 2 inputs")
    case("bad_reshape.onnx", Graph([1, 6]).node("Reshape", np.int64([1, 5])).model(), "[1, 6] as [1, 5]")
    case("bad_product.onnx", linear().node("Mul", "v0").model(), "a product of two values that depend on the image")
    case("bad_quotient.onnx", linear().node("Div", random(4), "@").model(), "a division by a value that depends")
    case("bad_broadcast.onnx", linear().node("Add", random(2, 4)).model(), "a constant of shape [2, 4]")
    case("bad_sum.onnx", linear().node("Add", "x").model(), "values of shapes [1, 4] and [1, 6], wanted shapes that")
    case("bad_nan.onnx", Graph([1, 6]).node("MatMul", np.full([6, 2], np.nan, np.float32)).model(), "NaN in 'c0'")
    case("bad_dropout.onnx", linear().node("Dropout", np.float32(0.5), np.bool_(True)).model(), "a dropout in training")
    case("bad_mask.onnx", linear().node("Dropout", outputs=["v1", "mask"]).node("Relu", first="mask").model(),
         "input 'mask'")
    case("bad_attribute.onnx", linear().node("Relu", strange=1).model(), "attribute 'strange'")
    case("bad_type.onnx", Graph([1, 6]).node("Gemm", random(6, 2), alpha=1).model(), "attribute 'alpha' of type 2")
    case("bad_opset.onnx", linear().model(opset=6), "opset 6, wanted 7 to 28")
    foreign = linear().node("Relu").model()
    foreign.graph.node[1].domain = "com.microsoft"
    case("bad_domain.onnx", foreign, "(com.microsoft.Relu): got an operator that is not supported")
    order = linear().node("Relu").model()
    first = onnx.NodeProto()
    first.CopyFrom(order.graph.node[0])
    del order.graph.node[0]
    order.graph.node.append(first)
    case("bad_order.onnx", order, "node 'Relu_1' (Relu): got input 'v0', wanted a value of the file or of an earlier")
    two = linear()
    two.inputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4]))
    case("bad_inputs.onnx", two.node("Add", "y").model(), "a graph with 2 inputs and 1 outputs")
    twice = linear().model()
    twice.graph.initializer.append(twice.graph.initializer[0])
    case("bad_names.onnx", twice, "'c0': got two values of this name")
    integers = Graph([1, 6]).node("MatMul", np.ones([6, 2], np.int64)).model()
    case("bad_integers.onnx", integers, "'c0' of int64, wanted floating-point numbers")
    case("bad_open.onnx", Graph(["N", 3, "H", "W"]).node("Relu").model(), "open sizes (-1)")
    case("bad_shape.onnx", image().model(), "images of 2x6x6, wanted images of 3x6x6", [3, 6, 6])
    case("bad_size.onnx", linear().model(), "6 values, wanted 7 for images of 1x1x7", [1, 1, 7])
    case("bad_nothing.onnx", Graph([1, 6]).node("Relu").model(), "no layer with weights")
    case("bad_shape_alone.onnx", Graph([1, 6]).node("Shape").model(), "output 'v0': got a constant, wanted layers")
    case("bad_huge.onnx", Graph([1, 2**20, 2**20, 4]).node("Relu").model(), "wanted 1 to 2^28 values")
    case("bad_constant.onnx", Graph([1, 6]).node("Identity", first="c0").model(), "input 'c0'")
    case("bad_amplified.onnx", Graph([1, 1, 2**14, 2**14]).node("Mul", random(2**14)).model(),
         "far more numbers than the file has bytes")
    with gzip.open(os.path.join(directory, "bad_text.gz"), "wb") as file:
        file.write(b"some text")
    bad("bad_text.gz", "gzip: got no ONNX file within")
    for k, (location, message) in enumerate([("../outside.data", "a file in the model's folder"),
                                             ("/etc/hostname", "a file in the model's folder"),
                                             ("a/../../outside.data", "a file in the model's folder"),
                                             ("link.data", "a file in the model's folder"),
                                             ("", "a file in the model's folder"),
                                             ("absent.data", "a file beside the model"),
                                             ("short.data", "a part of the 4 bytes of 'short.data'")]):
        model = linear().model()
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)
        with open(os.path.join(directory, f"bad_external_{k}.onnx"), "wb") as file:
            file.write(model.SerializeToString())
        bad(f"bad_external_{k}.onnx", message)
    os.symlink("/etc/hostname", os.path.join(directory, "link.data"))
    with open(os.path.join(directory, "short.data"), "wb") as file:
        file.write(b"1234")


def torch_modules():
    import torch
    from torch import nn

    class Viewed(nn.Module):
        def __init__(self, how):
            super().__init__()
            self.how = how
            self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
            self.linear = nn.Linear(64, 5)

        def forward(self, x):
            x = torch.relu(self.conv(x))
            return self.linear(self.how(x))

    class Normalised(nn.Module):
        def __init__(self, deviation):
            super().__init__()
            self.register_buffer("mean", torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1))
            self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1))
            self.net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))

        def forward(self, x):
            return self.net((x - self.mean) / self.deviation)

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.main = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU(),
                                      nn.Conv2d(outputs, outputs, 3, 1, 1, groups=2))
            self.side = nn.Conv2d(inputs, outputs, 1, stride) if stride > 1 else nn.Identity()

        def forward(self, x):
            return torch.relu(self.main(x) + self.side(x))

    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.left = nn.Conv2d(3, 4, 3, padding=1)
            self.right = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.LeakyReLU(0.1))
            self.linear = nn.Linear(6 * 16, 5)

        def forward(self, x):
            x = torch.cat([torch.relu(self.left(x)), self.right(x)], 1)
            x = nn.functional.max_pool2d(nn.functional.pad(x, (0, 1, 1, 0)), 2)
            x = x[:, :, :4, :4] - x.mean((2, 3), keepdim=True)
            return self.linear(x.flatten(1).clamp(-1.0, 2.0))

    def randomised(module):
        """Statistics of normalisations as after training."""
        for part in module.modules():
            if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
                nn.init.normal_(part.running_mean)
                nn.init.uniform_(part.running_var, 0.1, 2.0)
                nn.init.normal_(part.weight)
                nn.init.normal_(part.bias)
        return module

    def norm_block(inputs, outputs, stride):
        block = Block(inputs, outputs, stride)
        block.main = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs),
                                   nn.ReLU(), nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
                                   nn.BatchNorm2d(outputs))
        if stride > 1:
            block.side = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        return block

    def resnet():
        return nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), norm_block(4, 4, 1),
                             norm_block(4, 8, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))

    def lenet():
        return nn.Sequential(nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
                             nn.MaxPool2d(3, 2, 1), nn.Flatten(), nn.Linear(54, 20), nn.ReLU(), nn.Linear(20, 10))

    def mlp(*sizes):
        layers = [nn.Flatten()]
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    return {
        "mlp": (mlp(25, 12, 12, 4), [1, 5, 5]),
        "conv": (nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU(), nn.Conv2d(6, 4, 3, dilation=2, groups=2),
                               nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(24, 5)), [3, 12, 14]),
        "residual": (nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), nn.ReLU(), Block(4, 4, 1), Block(4, 6, 2),
                                   nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)), [3, 8, 8]),
        "view": (Viewed(lambda x: x.view(x.size(0), -1)), [3, 8, 8]),
        "reshape": (Viewed(lambda x: x.reshape(-1, 64)), [3, 8, 8]),
        "channels_last": (Viewed(lambda x: x.permute(0, 2, 3, 1).flatten(1)), [3, 8, 8]),
        "normalised": (Normalised([0.25, 0.5, 2.0]), [3, 8, 8]),
        "deviation": (Normalised([0.3, 0.5, 2.0]), [3, 8, 8]),
        "resnet": (randomised(resnet()), [3, 8, 8]),
        "lenet": (lenet(), [1, 14, 14]),
        "joined": (randomised(Joined()), [3, 8, 8]),
        "pools": (nn.Sequential(nn.AvgPool2d(3, 2, 1), nn.Conv2d(3, 4, 2), nn.PReLU(4), nn.ReLU6(),
                                nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.Hardtanh(), nn.Flatten(),
                                nn.Linear(36, 8), randomised(nn.BatchNorm1d(8)), nn.ReLU(),
                                nn.Linear(8, 3)), [3, 8, 8]),
    }


def make_torch(directory):
    import torch

    for exporter in ["old", "new"]:
        for dynamic in [False, True]:
            torch.manual_seed(7)
            for label, (module, image) in torch_modules().items():
                name = f"torch_{exporter}_{'any' if dynamic else 'one'}_{label}.onnx"
                options = {"dynamo": exporter == "new", "input_names": ["x"]}
                if exporter == "new":
                    options |= {"dynamic_shapes": ({0: torch.export.Dim("N")},) if dynamic else None,
                                "verbose": False}
                elif dynamic:
                    options["dynamic_axes"] = {"x": {0: "N"}}
                example = torch.randn(2 if dynamic else 1, *image)
                torch.onnx.export(module.eval(), (example,), os.path.join(directory, name), **options)
                good(directory, name, image)


def make(directory):
    make_affine(directory)
    make_windows(directory)
    make_shapes(directory)
    make_activations(directory)
    make_norms(directory)
    make_pools(directory)
    make_picks(directory)
    make_keras(directory)
    make_storage(directory)
    make_bad(directory)
    make_torch(directory)


def make_small(directory):
    graph = Graph(["N", 1, 2, 3]).node("Sub", np.float32([[[0.5]]])).node("Flatten").gemm(3, 6).node("Relu")
    save(directory, "mlp.onnx", graph.node("MatMul", random(3, 2)).node("Add", random(2)).model())
    good(directory, "mlp.onnx", [1, 2, 3])
    graph = Graph([1, 2, 4, 4]).node("Conv", random(2, 2, 2, 2), random(2), strides=[2, 2]).node("Relu")
    graph.node("Conv", random(2, 1, 3, 3), group=2, pads=[1] * 4).node("Add", "v1").node("Transpose", perm=[0, 2, 3, 1])
    save(directory, "residual.onnx", graph.node("Reshape", np.int64([0, -1])).gemm(2, 8).model())
    good(directory, "residual.onnx", [2, 4, 4])
    save(directory, "tail.onnx", Graph([1, 6]).gemm(4, 6).node("Mul", random(4)).node("Relu").gemm(3, 4).model())
    good(directory, "tail.onnx", [1, 1, 6], [1, 6])
    with gzip.GzipFile(os.path.join(directory, "mlp.onnx.gz"), "wb", mtime=0) as file:
        file.write(open(os.path.join(directory, "mlp.onnx"), "rb").read())
    good(directory, "mlp.onnx.gz", [1, 2, 3])


def make_competition(data, directory):
    for path in sorted(glob.glob(os.path.join(data, "*", "*.onnx.gz"))):
        model = onnx.load_from_string(gzip.open(path).read())
        initial = {tensor.name for tensor in model.graph.initializer}
        port = next(port for port in model.graph.input if port.name not in initial)
        shape = [dim.dim_value for dim in port.type.tensor_type.shape.dim]
        image = shape[1:] if len(shape) == 4 else [1, 1, int(np.prod(shape))]
        inputs = [np.random.default_rng(k).random(int(np.prod(shape))).astype(np.float32) for k in range(3)]
        single, double = outputs_of(model, model.SerializeToString(), inputs, shape)
        CASES.append({"file": path, "shape": image, "give_shape": False, "format": "ONNX (gzip)",
                      "inputs": [x.astype(np.float64).tolist() for x in inputs], "outputs": double,
                      "float_outputs": single, "tolerance": 1e-10})


def main():
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    command, directory = sys.argv[1], sys.argv[-1]
    if command == "make":
        make(directory)
    elif command == "make-small":
        make_small(directory)
    else:
        make_competition(sys.argv[2], directory)
    name = "onnx_cases.json" if command == "make-small" else "cases.json"
    with open(os.path.join(directory, name), "w") as file:
        json.dump({"cases": CASES}, file)
    good_ones = sum("error" not in case for case in CASES)
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}: {good_ones} good files, "
          f"{len(CASES) - good_ones} bad ones")


main()
