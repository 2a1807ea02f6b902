"""A question as other tools need it: the network's layers, the reference image, and the geometry of its neighbourhood.

Needs NumPy and Pillow, and PyTorch to read networks.
"""

import dataclasses
import decimal
import pathlib
import re

import numpy

C1, C2 = "0.0001", "0.0009"  # of SSIM
SLABS = 2000


@dataclasses.dataclass
class Question:
    model: pathlib.Path
    shape: tuple  # C, H, W
    reference: numpy.ndarray  # float64 values that are float32 numbers, flat
    label: int
    threshold: str


def add_question(parser):
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--image", required=True, type=pathlib.Path, help="resized to the network's input")
    parser.add_argument("--class", required=True, type=int, dest="label", help="counted from 0")
    parser.add_argument("--ssim", required=True, help="the threshold")
    parser.add_argument("--dimension", default="", help="C,H,W of the input (default: what the model or its name says)")


def read_question(arguments):
    shape = tuple(int(word) for word in arguments.dimension.split(",")) if arguments.dimension else ()
    shape = shape or shape_of(arguments.model)
    if not 0 < float(arguments.ssim) <= 1:
        raise ValueError(f"--ssim: got {arguments.ssim}, wanted a number above 0 and at most 1")
    return Question(
        arguments.model, shape, read_image(arguments.image, shape), arguments.label, arguments.ssim
    )  # fmt: skip


def shape_of(model):
    """From the name, as the original tool writes it, or from an ONNX file's input."""
    found = re.search(r"_i(\d+)x(\d+)x(\d+)_", model.name)
    if found:
        return tuple(int(word) for word in found.groups())
    if model.suffix == ".onnx":
        import onnx

        dimensions = onnx.load(model).graph.input[0].type.tensor_type.shape.dim
        if len(dimensions) == 4:
            return tuple(d.dim_value for d in dimensions[1:])
    raise ValueError(f"{model}: its name does not tell the shape of its input, --dimension C,H,W must")


def read_image(path, shape):
    """As the program reads it: PNG and PPM are resized as Pillow does, NPY holds the values themselves."""
    channels, height, width = shape
    if path.suffix == ".npy":
        values = numpy.load(path).astype(numpy.float32)
        if values.size != channels * height * width:
            raise ValueError(f"{path}: {values.size} values, wanted {channels}x{height}x{width}")
        return values.astype(numpy.float64).reshape(-1)
    from PIL import Image

    image = Image.open(path).convert("L" if channels == 1 else "RGB").resize((width, height), Image.BILINEAR)
    pixels = numpy.asarray(image).reshape(height, width, channels).transpose(2, 0, 1)
    return (pixels.astype(numpy.float32) / numpy.float32(255)).astype(numpy.float64).reshape(-1)


def dense_layers(model):
    """[(weights, biases)] of a state_dict of Linear layers, with a ReLU between each two."""
    import torch

    state = torch.load(model, map_location="cpu", weights_only=True)
    names = sorted({name.rsplit(".", 1)[0] for name in state}, key=lambda name: int(re.findall(r"\d+", name)[-1]))
    layers = []
    for name in names:
        weights = state[name + ".weight"].double().numpy()
        if weights.ndim != 2:
            raise ValueError(f"{model}: {name} is no dense layer; only networks of these are exported")
        layers.append((weights, state[name + ".bias"].double().numpy()))
    return layers


def evaluate(layers, x):
    for index, (weights, biases) in enumerate(layers):
        x = weights @ (numpy.maximum(x, 0) if index else x) + biases
    return x


def global_ssim(x, reference):
    means = x.mean(), reference.mean()
    covariance = ((x - means[0]) * (reference - means[1])).mean()
    c1, c2 = float(C1), float(C2)
    light = (2 * means[0] * means[1] + c1) / (means[0] ** 2 + means[1] ** 2 + c1)
    return light * (2 * covariance + c2) / (x.var() + reference.var() + c2)


def enclosing_radius(reference, threshold):
    """A radius around the reference that encloses its SSIM neighbourhood, as a decimal number that is rounded up.

    At a mean m the neighbourhood is a ball around z/s, s = threshold / l(m), where z is the reference less its mean; so
    its farthest point is n (m - mean)^2 + (|z| (1/s - 1) + rho(s))^2 away, squared. The second term falls with s, so on
    a slab of means s may be taken where l is largest, and the first term where |m - mean| is.
    """
    with decimal.localcontext(prec=60):
        values = [decimal.Decimal(float(v)) for v in reference]
        tau, c1, c2 = decimal.Decimal(threshold), decimal.Decimal(C1), decimal.Decimal(C2)
        count = len(values)
        mean = sum(values) / count
        spread = sum((v - mean) ** 2 for v in values)
        low, high = means_within(mean, tau, c1)
        worst = decimal.Decimal(0)
        for index in range(SLABS):
            a, b = (low + (high - low) * i / SLABS for i in (index, index + 1))
            nearest = min(max(a, mean), b)
            light = (2 * nearest * mean + c1) / (nearest**2 + mean**2 + c1)
            s = min(decimal.Decimal(1), tau / light)
            rho = ((1 - s) / s * (count * c2 + spread * (1 + s) / s)).sqrt()
            sideways = spread.sqrt() * (1 / s - 1) + rho
            worst = max(worst, count * max(abs(a - mean), abs(b - mean)) ** 2 + sideways**2)
        # The arithmetic above is good for fifty digits; twelve are kept, and a step up covers all rounding.
        return worst.sqrt().quantize(decimal.Decimal("1e-12"), decimal.ROUND_CEILING) + decimal.Decimal("1e-12")


def means_within(mean, tau, c1):
    """The means m with l(m) >= tau, in [0, 1]."""
    root = (mean**2 - tau * (tau * (mean**2 + c1) - c1)).max(decimal.Decimal(0)).sqrt()
    low, high = (mean - root) / tau, (mean + root) / tau
    slack = decimal.Decimal("1e-40")
    return max(low - slack, decimal.Decimal(0)), min(high + slack, decimal.Decimal(1))
