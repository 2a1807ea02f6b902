"""Graphs and expected outputs for onnx_files.py."""

import gzip
import os

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
