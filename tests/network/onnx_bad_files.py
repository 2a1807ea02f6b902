"""ONNX files that are refused, with a part of the message expected, for onnx_files.py."""

import gzip
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onnx_graphs import Graph, bad, random, save


def field(number, kind, value):
    """A field of a protocol buffer of less than 128 bytes, as no library writes it."""
    tag = number << 3 | kind
    tag = bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])
    return tag + (bytes([len(value)]) if kind == 2 else b"") + value


def make_bad_bytes(directory, model):
    one = numpy_helper.from_array(np.float32([1, 2])).SerializeToString()
    constant = field(1, 2, b"value") + field(20, 0, b"\x04") + field(5, 2, one) + field(5, 2, one)
    # 2^32 + 1, which libraries cut to 32 bits.
    location = field(14, 0, b"\x81\x80\x80\x80\x10")
    node = field(2, 2, b"c") + field(4, 2, b"Constant") + field(5, 2, constant)
    for name, part, message in (
            ("location", model.graph.initializer[0].SerializeToString() + location, "an unknown data_location"),
            ("tensors", None, "a second tensor, wanted one")):
        other = onnx.ModelProto()
        other.CopyFrom(model)
        extra = b"\x0a" + bytes([len(node)]) + node
        if part is not None:
            del other.graph.initializer[0]
            extra = b"\x2a" + bytes([len(part) & 127 | 128, len(part) >> 7]) + part
        graph = other.graph.SerializeToString() + extra
        other.ClearField("graph")
        with open(os.path.join(directory, f"bad_bytes_{name}.onnx"), "wb") as file:
            size = bytes([len(graph) & 127 | 128, len(graph) >> 7])
            file.write(other.SerializeToString() + b"\x3a" + size + graph)
        bad(f"bad_bytes_{name}.onnx", message)


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
    norms = [*ones, np.float32([1, 2, 3])]
    case("bad_norm_outputs.onnx", image().node("BatchNormalization", *norms, outputs=["v1", "a", "b", "c", "d"])
         .model(opset=9), "a normalisation in training")
    case("bad_pool_dilated.onnx", image().node("MaxPool", kernel_shape=[2, 2], dilations=[2, 1], auto_pad="SAME_UPPER")
         .model(), "node 'MaxPool_1' (MaxPool): got auto_pad and dilations, wanted one of them")
    case("bad_pad_negative.onnx", image().node("Pad", np.int64([0, 0, -1, 0, 0, 0, 2, 0]), mode="wrap").model(),
         "negative pads in mode 'wrap'")
    case("bad_split_outputs.onnx", image().node("Split", axis=1, num_outputs=2, outputs=["v1", "v2", "v3"])
         .model(opset=18), "3 outputs, wanted as many as num_outputs")
    case("bad_clip_bound.onnx", linear().node("Clip", np.float32(np.inf)).model(), "a bound that leaves one value")
    case("bad_clip_top.onnx", linear().node("Clip", "", np.float32(-np.inf)).model(), "a bound that leaves one value")
    case("bad_batch_mean.onnx", Graph([2, 6]).gemm(4, 6).node("ReduceMean", axes=[0]).model(),
         "axis 0 of a file for batches of 2, wanted axes of several values")
    narrow = linear()
    shape = narrow.constant(np.int32([65537, 1]))
    narrow.node("Mul", np.int32([65537, 1]), first=shape).node("Cast", to=TensorProto.INT64)
    case("bad_narrow.onnx", narrow.node("Reshape", "v2", first="v0").model(), "integers without a result")
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
    twice = linear().model()
    twice.graph.node[0].attribute.append(helper.make_attribute("transB", 0))
    case("bad_attribute_twice.onnx", twice, "node 'Gemm_0' (Gemm): got attribute 'transB' twice, wanted it once")
    own = linear().node("Relu").model()
    own.functions.append(helper.make_function("", "Relu", ["a"], ["b"], [helper.make_node("Neg", ["a"], ["b"])],
                                              [helper.make_opsetid("", 13)]))
    case("bad_function.onnx", own, "(functions): got a function that takes an operator's place")
    opsets = linear().model()
    opsets.opset_import.append(helper.make_opsetid("ai.onnx", 11))
    case("bad_opsets.onnx", opsets, "a second opset")
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
    make_bad_bytes(directory, linear().model())
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
