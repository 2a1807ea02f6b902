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

from onnx_bad_files import make_bad
from onnx_graphs import CASES, Graph, good, outputs_of, random, save


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
    case("matmul_raised.onnx", Graph([6]).node("MatMul", random(1, 6, 4)).node("ReduceMean", axes=[0]), flat, [6])
    rounded = Graph([1, 6])
    rounded.node("Cast", first=rounded.constant(np.float64(1 + 2**-30)), to=TensorProto.FLOAT).node("Mul", "x", "@")
    save(directory, "cast_rounds.onnx", rounded.node("Sub", "x").node("Mul", np.float32(2**30)).gemm(3, 6).model())
    good(directory, "cast_rounds.onnx", flat, [1, 6], reference=False)
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
    far = [np.int64([value]) for value in (1, 2**63 - 1, 3, 2**63 - 1)]
    case("slice_far.onnx", Graph([1, *image]).node("Slice", *far).node("Flatten").gemm(5, 6), image)
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


def make_torch(directory):
    import torch
    from torch_networks import networks

    for exporter in ["old", "new"]:
        for dynamic in [False, True]:
            torch.manual_seed(7)
            for label, (module, image) in networks().items():
                if dynamic and label not in ["mlp", "view", "reshape", "resnet"]:
                    continue
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
