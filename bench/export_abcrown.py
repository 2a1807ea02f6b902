#!/usr/bin/env python3
"""Writes a question in two forms that alpha-beta-CROWN reads. Needs onnx, NumPy and Pillow; PyTorch to read .pt files.

    python3 bench/export_abcrown.py --model MODEL --image 3.png --class 1 --ssim 0.99 --out folder
    cd folder && python .../complete_verifier/abcrown.py --config ball.yaml      # or ssim.yaml

ball.yaml: the L2 ball around the reference that encloses its SSIM neighbourhood (the radius rounded up), cut with
[0, 1]. A larger question: 'verified' proves the neighbourhood too, a counterexample need not lie in it.

ssim.yaml: the question itself. ssim.onnx is the network with one output more, the SSIM less the threshold, and
ssim.vnnlib asks for an image whose last output is not negative and in which another class reaches the score of the own
one. Its input box is [0, 1], less what lies outside the ball. The output is computed in single precision: images
closer to the boundary of the neighbourhood than its rounding may fall on the wrong side.

For networks in ONNX and .pt files of dense layers.
"""

import argparse
import decimal
import math
import pathlib
import sys

import numpy

import question

LOADER = '''"""The reference image and the radius of the ball, for ball.yaml."""

import pathlib

import numpy
import torch


def reference(spec):
    image = torch.from_numpy(numpy.load(pathlib.Path(__file__).with_name("reference.npy")))
    radius = torch.full((1, 1, 1, 1), float(spec["epsilon"]))
    return image, torch.tensor([{label}]), torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), radius
'''

BALL = """# Robustness in an L2 ball around one image that encloses its SSIM neighbourhood for {threshold}.
model:
  onnx_path: network.onnx
data:
  dataset: Customized("ball_data.py", "reference")
  num_outputs: {outputs}
  mean: 0.0
  std: 1.0
  start: 0
  end: 1
specification:
  norm: 2
  epsilon: {radius}
attack:
  pgd_order: skip
bab:
  timeout: {timeout:g}
"""

SSIM = """# Robustness where the SSIM to the reference is at least {threshold}. The last output is the SSIM less that.
model:
  onnx_path: ssim.onnx
specification:
  vnnlib_path: ssim.vnnlib
bab:
  timeout: {timeout:g}
"""


def base_model(asked):
    """The network as an ONNX model with one input and one output, and how many scores it has."""
    import onnx

    if asked.model.suffix == ".onnx":
        model = onnx.load(asked.model)
        constants = {tensor.name for tensor in model.graph.initializer}
        inputs = [given for given in model.graph.input if given.name not in constants]
        if len(inputs) != 1 or len(model.graph.output) != 1:
            raise ValueError(
                f"{asked.model}: {len(inputs)} inputs, {len(model.graph.output)} outputs, wanted one of each"
            )
        del model.graph.input[:]
        model.graph.input.append(inputs[0])
        outputs = model.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
        return model, outputs
    layers = question.dense_layers(asked.model)
    return dense_model(layers, asked.shape), len(layers[-1][1])


def dense_model(layers, shape):
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, name = [helper.make_node("Flatten", ["image"], ["flat"], axis=1)], [], "flat"
    for index, (weights, biases) in enumerate(layers):
        if index:
            nodes.append(helper.make_node("Relu", [name], [f"relu{index}"]))
            name = f"relu{index}"
        for kind, values in (("weight", weights), ("bias", biases)):
            constants.append(numpy_helper.from_array(values.astype(numpy.float32), f"{kind}{index}"))
        result = f"layer{index}" if index + 1 < len(layers) else "scores"
        nodes.append(helper.make_node("Gemm", [name, f"weight{index}", f"bias{index}"], [result], transB=1))
        name = result
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, *shape])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, len(layers[-1][1])])
    graph = helper.make_graph(nodes, "network", [given], [scores], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def with_ssim(model, asked, outputs):
    """The model with one output more: the SSIM to the reference, less the threshold.

    With d = x - r, a = mean(d), v = var(d): SSIM = (1 - a^2 / A) (1 - v / B), A = mean(x)^2 + mean(r)^2 + C1,
    B = var(x) + var(r) + C2. In this form nothing large cancels near the reference.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    scores = graph.output[0].name
    reference = asked.reference
    count, mean = len(reference), reference.mean()

    def constant(name, values):
        graph.initializer.append(numpy_helper.from_array(numpy.asarray(values, dtype=numpy.float32), "ssim_" + name))

    def node(operation, inputs, output, **attributes):
        given = [name if name in (graph.input[0].name, scores) else "ssim_" + name for name in inputs]
        graph.node.append(helper.make_node(operation, given, ["ssim_" + output], **attributes))

    constant("reference", reference.reshape(1, -1))
    constant("averaging", numpy.full((count, 1), 1 / count))
    constant("twice_centred", 2 * (reference - mean).reshape(-1, 1) / count)
    constant("mean", [[mean]])
    constant("light_rest", [[mean**2 + float(question.C1)]])
    constant("contrast_rest", [[2 * reference.var() + float(question.C2)]])
    constant("allowed", [[float(1 - decimal.Decimal(asked.threshold))]])

    node("Flatten", [graph.input[0].name], "x", axis=1)
    node("Sub", ["x", "reference"], "d")
    node("MatMul", ["d", "averaging"], "a")
    node("Mul", ["a", "a"], "aa")
    node("Mul", ["d", "d"], "dd")
    node("MatMul", ["dd", "averaging"], "dd_mean")
    node("Sub", ["dd_mean", "aa"], "v")
    node("Add", ["a", "mean"], "x_mean")
    node("Mul", ["x_mean", "x_mean"], "x_mean_squared")
    node("Add", ["x_mean_squared", "light_rest"], "A")
    node("MatMul", ["d", "twice_centred"], "twice_covariance")  # var(x) = var(r) + this + v
    node("Add", ["twice_covariance", "v"], "more_variance")
    node("Add", ["more_variance", "contrast_rest"], "B")
    node("Div", ["aa", "A"], "d1")
    node("Div", ["v", "B"], "d2")
    node("Mul", ["d1", "d2"], "d1d2")
    node("Sub", ["allowed", "d1"], "left1")
    node("Sub", ["left1", "d2"], "left2")
    node("Add", ["left2", "d1d2"], "excess")
    node("Concat", [scores, "excess"], "outputs", axis=1)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("ssim_outputs", TensorProto.FLOAT, [1, outputs + 1]))
    return result


def property_text(asked, outputs, radius):
    """VNN-LIB 1: satisfied by counterexamples."""
    lines = [f"; class {asked.label} is reached by another one where the SSIM is at least {asked.threshold}"]
    lines += [f"(declare-const X_{i} Real)" for i in range(len(asked.reference))]
    lines += [f"(declare-const Y_{k} Real)" for k in range(outputs + 1)]
    for i, value in enumerate(asked.reference):
        low, high = box_side(value, radius)
        lines += [f"(assert (>= X_{i} {low}))", f"(assert (<= X_{i} {high}))"]
    others = [k for k in range(outputs) if k != asked.label]
    cases = [f"  (and (>= Y_{k} Y_{asked.label}) (>= Y_{outputs} 0.0))" for k in others]
    return "\n".join([*lines, "(assert (or", *cases, "))", ""])


def box_side(value, radius):
    """A pixel's bounds as decimal numbers, rounded outward."""
    step = decimal.Decimal("1e-9")
    with decimal.localcontext(prec=60):
        exact = decimal.Decimal(float(value))
        low = (exact - radius).quantize(step, decimal.ROUND_FLOOR)
        high = (exact + radius).quantize(step, decimal.ROUND_CEILING)
        return f"{max(low, decimal.Decimal(0)):.9f}", f"{min(high, decimal.Decimal(1)):.9f}"


def single_above(radius):
    """The smallest number of single precision that is not below the radius."""
    value = numpy.float32(float(radius))
    while decimal.Decimal(float(value)) < radius:
        value = numpy.nextafter(value, numpy.float32(math.inf))
    return float(value)


def write(asked, folder, timeout):
    import onnx

    model, outputs = base_model(asked)
    if not 0 <= asked.label < outputs:
        raise ValueError(f"class {asked.label}: the network has {outputs}")
    radius = question.enclosing_radius(asked.reference, asked.threshold)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "network.onnx")
    extended = with_ssim(model, asked, outputs)
    onnx.checker.check_model(extended, full_check=True)
    onnx.save(extended, folder / "ssim.onnx")
    numpy.save(folder / "reference.npy", asked.reference.astype(numpy.float32).reshape(1, *asked.shape))
    facts = {"threshold": asked.threshold, "timeout": timeout, "outputs": outputs, "radius": repr(single_above(radius))}
    (folder / "ball.yaml").write_text(BALL.format(**facts))
    (folder / "ball_data.py").write_text(LOADER.replace("{label}", str(asked.label)))
    (folder / "ssim.yaml").write_text(SSIM.format(**facts))
    (folder / "ssim.vnnlib").write_text(property_text(asked, outputs, radius))
    return radius


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    question.add_question(parser)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the files")
    parser.add_argument("--timeout", type=float, default=60, help="seconds, for the config files")
    arguments = parser.parse_args()
    try:
        radius = write(question.read_question(arguments), arguments.out, arguments.timeout)
    except ImportError as error:
        sys.exit(f"export_abcrown.py: {error}: pip install onnx numpy pillow torch")
    except (OSError, ValueError) as error:
        sys.exit(f"export_abcrown.py: {error}")
    print(f"{arguments.out}: radius {radius} of the enclosing ball; ball.yaml, ssim.yaml")


if __name__ == "__main__":
    main()
