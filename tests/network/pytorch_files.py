#!/usr/bin/env python3
"""Writes model files with the real PyTorch, for the tests of the readers, and reads back those that Verissim wrote.

pytorch_files.py make DIR        every case
pytorch_files.py make-small DIR  the few that are kept in tests/network/data
pytorch_files.py check DIR       compares the pairs listed in DIR/written.json with the real PyTorch

`make` writes DIR/cases.json: for each good file the inputs and the outputs of its forward pass, computed in double
precision on the weights as stored; for each bad file a part of the message that is expected.
"""

import collections
import copy
import io
import json
import os
import sys
import zipfile

import torch
from torch import nn

from torch_networks import Conditional, Hooked, Looped, Overwritten, Shapes, ShortMean, Viewed, double, negate, networks, randomised

try:
    from safetensors.torch import load_file, save_file
except ImportError:
    load_file = save_file = None

CASES = []


def mlp(sizes, seed, bias=True):
    torch.manual_seed(seed)
    layers = []
    for k, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.ReLU()] if k else []
        layers.append(nn.Linear(a, b, bias=bias))
    return nn.Sequential(*layers)


class Net(nn.Module):
    """What the original tool trains."""

    def __init__(self, sizes, seed):
        super().__init__()
        self.flatten = nn.Flatten()
        self.sequential = mlp(sizes, seed)

    def forward(self, x):
        return self.sequential(self.flatten(x))


class Layers(nn.Module):
    """Linear layers as attributes fc1, fc2, ..., fc11: their order is that of the numbers, not of the text."""

    def __init__(self, sizes, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.count = len(sizes) - 1
        for k in reversed(range(self.count)):
            setattr(self, f"fc{k + 1}", nn.Linear(sizes[k], sizes[k + 1]))

    def forward(self, x):
        for k in range(self.count):
            x = getattr(self, f"fc{k + 1}")(x)
            if k + 1 < self.count:
                x = x.relu()
        return x


class WithBuffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = mlp([4, 3, 2], 40)
        self.register_buffer("steps", torch.tensor([7, 8], dtype=torch.int64))
        self.register_buffer("seen", torch.tensor([True, False]))


class Evil:
    def __reduce__(self):
        return (os.system, ("echo this must never run",))


def exact(module):
    """The module in double precision, with the very same numbers."""
    return copy.deepcopy(module).double().eval()


def good(directory, name, module, write, shape, format_name, input_is_flat=True, give_shape=False,
         writable=True, tolerance=1e-12):
    """write(path) writes the file; shape: C, H, W."""
    write(os.path.join(directory, name))
    torch.manual_seed(len(name))
    x = torch.randn(4, *shape, dtype=torch.float64)
    with torch.no_grad():
        y = exact(module)(x.flatten(1) if input_is_flat else x)
    CASES.append({"file": name, "shape": list(shape), "give_shape": give_shape, "format": format_name,
                  "writable": writable, "tolerance": tolerance, "inputs": x.flatten(1).tolist(), "outputs": y.flatten(1).tolist()})


def bad(directory, name, write, message, shape=None):
    write(os.path.join(directory, name))
    CASES.append({"file": name, "shape": shape, "give_shape": shape is not None, "error": message})


def saver(what, **options):
    return lambda path: torch.save(what, path, **options)


def rezip(what, change=lambda name, data: data, rename=lambda name: name, order=None, **options):
    """Writes the archive of torch.save anew, as another program would."""

    def write(path):
        buffer = io.BytesIO()
        torch.save(what, buffer)
        with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w", **options) as new:
            for info in old.infolist():
                with new.open(zipfile.ZipInfo(rename(info.filename)), "w", force_zip64=True) as entry:
                    data = change(info.filename, old.read(info))
                    entry.write(data)
            new.writestr(rename("archive/unknown.txt"), "ignored", compress_type=zipfile.ZIP_DEFLATED)

    return write


def deflated(what):
    def write(path):
        buffer = io.BytesIO()
        torch.save(what, buffer)
        with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for info in old.infolist():
                new.writestr("somewhere/" + info.filename.split("/", 1)[1], old.read(info))

    return write


def swapped(name, data):
    if name.endswith("/byteorder"):
        return b"big"
    if "/data/" in name:
        return b"".join(data[k:k + 4][::-1] for k in range(0, len(data), 4))
    return data


STATE = "PyTorch state_dict"
MODULE = "PyTorch module"
LEGACY_STATE = "PyTorch (before 1.6) state_dict"
LEGACY_MODULE = "PyTorch (before 1.6) module"


def write_small(d):
    net = Net([6, 4, 3, 2], 1)
    good(d, "model_i1x2x3_l4-3_o2.pt", net, saver(net.state_dict()), (1, 2, 3), STATE, input_is_flat=False)
    good(d, "legacy.pt", net, saver(net.state_dict(), _use_new_zipfile_serialization=False), (1, 1, 6), LEGACY_STATE)
    good(d, "half.pt", net.half(), saver(net.half().state_dict()), (1, 1, 6), STATE)
    conv = nn.Sequential(nn.Conv2d(2, 4, 3, stride=(1, 2), padding=1, groups=2), nn.ReLU(), nn.Flatten(),
                         nn.Dropout(0.5), nn.Linear(4 * 3 * 2, 2))
    good(d, "conv.pt", conv, saver(conv), (2, 3, 4), MODULE, input_is_flat=False, give_shape=True)
    tensors = mlp([4, 3, 2], 2)
    good(d, "plain.safetensors", tensors, lambda p: save_file(tensors.state_dict(), p), (1, 1, 4), "safetensors")
    torch.manual_seed(3)
    script = randomised(nn.Sequential(nn.Conv2d(1, 2, 2, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2, 1),
                                      nn.Flatten(), nn.Linear(8, 2))).eval()
    good(d, "script.pt", script, lambda p: rezip_script(torch.jit.script(script), p), (1, 4, 4), "TorchScript",
         input_is_flat=False, give_shape=True)
    torch.manual_seed(4)
    norm = randomised(nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)))
    good(d, "norm.pt", norm.eval(), saver(norm), (1, 3, 3), MODULE, input_is_flat=False, give_shape=True)


def rezip_script(script, path):
    """As torch.jit.save, but packed and without what is for debugging."""
    buffer = io.BytesIO()
    torch.jit.save(script, buffer)
    with zipfile.ZipFile(buffer) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as small:
        for name in archive.namelist():
            if not name.endswith("debug_pkl"):
                small.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), archive.read(name),
                               zipfile.ZIP_DEFLATED)


def write_state_dicts(d):
    net = Net([16, 6, 6, 6, 5], 3)
    state = net.state_dict()
    good(d, "model_i1x4x4_l6-6-6_o5.pt", net, saver(state), (1, 4, 4), STATE, input_is_flat=False)
    good(d, "given.pt", net, saver(state), (4, 2, 2), STATE, give_shape=True)
    good(d, "flat.pth", net, saver(state), (1, 1, 16), STATE)
    good(d, "plain_dict.pt", net, saver(dict(state)), (1, 1, 16), STATE)
    good(d, "parameters.pt", net, saver(net.state_dict(keep_vars=True)), (1, 1, 16), STATE)
    for protocol in (3, 4, 5):
        good(d, f"protocol{protocol}.pt", net, saver(state, pickle_protocol=protocol), (1, 1, 16), STATE)
    for prefix in ("module.", "_orig_mod.", "module._orig_mod.", "a.0.b2."):
        renamed = collections.OrderedDict((prefix + k, v) for k, v in state.items())
        good(d, f"prefix_{prefix}pt", net, saver(renamed), (1, 1, 16), STATE)
    reversed_keys = collections.OrderedDict(reversed(list(state.items())))
    good(d, "reversed.pt", net, saver(reversed_keys), (1, 1, 16), STATE)
    many = Layers([5] + [4] * 10 + [3], 4)
    good(d, "eleven_layers.pt", many, saver(many.state_dict()), (1, 1, 5), STATE)
    single = nn.Linear(3, 2)
    good(d, "single.pt", single, saver(single.state_dict()), (1, 1, 3), STATE)
    biasless = mlp([4, 3, 2], 5, bias=False)
    good(d, "biasless.pt", biasless, saver(biasless.state_dict()), (1, 1, 4), STATE)
    buffers = WithBuffer()
    good(d, "buffers.pt", buffers.net, saver(buffers.state_dict()), (1, 1, 4), STATE)


def write_dtypes(d):
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        name = str(dtype).split(".")[1]
        net = mlp([7, 5, 3], 6).double().to(dtype)
        good(d, f"{name}.pt", net, saver(net.state_dict()), (1, 1, 7), STATE)
        good(d, f"{name}_legacy.pt", net, saver(net.state_dict(), _use_new_zipfile_serialization=False), (1, 1, 7),
             LEGACY_STATE)
    mixed = mlp([7, 5, 3], 7)
    mixed[0].half()
    mixed[2].bias = nn.Parameter(mixed[2].bias.double())
    good(d, "mixed.pt", mixed, saver(mixed.state_dict()), (1, 1, 7), STATE)
    extreme = mlp([2, 2], 8)
    extreme[0].weight.data = torch.tensor([[1e-45, -0.0], [3.4028234e38, -1.17549435e-38]])
    good(d, "extreme.pt", extreme, saver(extreme.state_dict()), (1, 1, 2), STATE)


def write_views(d):
    net = mlp([4, 4, 4, 3], 9)
    pool = torch.randn(500)
    net[0].weight = nn.Parameter(pool[100:116].view(4, 4).t())
    net[0].bias = nn.Parameter(pool[3:23:5])
    net[2].weight = nn.Parameter(torch.randn(8, 8)[1:8:2, ::2])
    net[2].bias = nn.Parameter(torch.tensor(0.25).expand(4))
    good(d, "views.pt", net, saver(net.state_dict()), (1, 1, 4), STATE)
    good(d, "views_legacy.pt", net, saver(net.state_dict(), _use_new_zipfile_serialization=False), (1, 1, 4),
         LEGACY_STATE)
    tied = mlp([4, 4, 4, 3], 10)
    tied[2].weight = tied[0].weight
    good(d, "tied.pt", tied, saver(tied.state_dict()), (1, 1, 4), STATE)


def write_checkpoints(d):
    net = mlp([4, 3, 2], 11)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.randn(5, 4)).sum().backward()
    optimizer.step()
    state = net.state_dict()
    extras = {"optimizer": optimizer.state_dict(), "epoch": 3, "loss": 0.25, "best": None, "seen": {1, 2},
              "device": torch.device("cpu"), "size": torch.Size([1, 2]), "big": 1 << 200, "history": [0.5, 0.25],
              "confusion": torch.eye(3), "defaults": collections.defaultdict(list, a=[1])}
    for key in ("state_dict", "model_state_dict", "model", "net"):
        good(d, f"nested_{key}.pt", net, saver({key: state, **extras}), (1, 1, 4), STATE)
    good(d, "nested_legacy.pt", net, saver({"model": state, **extras}, _use_new_zipfile_serialization=False),
         (1, 1, 4), LEGACY_STATE)
    good(d, "nested_twice.pt", net, saver({"run": {"weights": state, "step": 1}, **extras}), (1, 1, 4), STATE)
    good(d, "nested_module.pt", net, saver({"model": net, "epoch": 1}), (1, 1, 4), MODULE)
    good(d, "numpy_scalar.pt", net, saver({"model": state, "accuracy": torch.tensor(0.5).numpy()[()]}), (1, 1, 4),
         STATE)


def write_containers(d):
    net = mlp([4, 3, 2], 12)
    state = net.state_dict()
    good(d, "deflated.pt", net, deflated(state), (1, 1, 4), STATE)
    good(d, "zip64.pt", net, rezip(state), (1, 1, 4), STATE)
    good(d, "folder.pt", net, rezip(state, rename=lambda n: "any name/" + n.split("/", 1)[1]), (1, 1, 4), STATE)
    def other_system(path):  # whose numbers are little-endian all the same
        buffer = io.BytesIO()
        torch.save(state, buffer, _use_new_zipfile_serialization=False)
        place = buffer.getvalue().index(b"\x88", buffer.getvalue().index(b"little_endian"))
        buffer.getbuffer()[place:place + 1] = b"\x89"
        with open(path, "wb") as file:
            file.write(buffer.getvalue())

    good(d, "legacy_big.pt", net, other_system, (1, 1, 4), LEGACY_STATE)
    good(d, "big_endian.pt", net, rezip(state, change=swapped), (1, 1, 4), STATE)


def write_modules(d):
    net = mlp([6, 5, 4, 3], 13)
    good(d, "sequential.pt", net, saver(net), (1, 1, 6), MODULE)
    good(d, "sequential_legacy.pt", net, saver(net, _use_new_zipfile_serialization=False), (1, 1, 6), LEGACY_MODULE)
    nested = nn.Sequential(nn.Identity(), nn.Flatten(), nn.Sequential(nn.Linear(6, 4), nn.Dropout(), nn.ReLU()),
                           nn.Sequential(collections.OrderedDict(out=nn.Linear(4, 3, bias=False), last=nn.ReLU())))
    good(d, "nested_sequential.pt", nested, saver(nested), (1, 1, 6), MODULE)
    relu_first = nn.Sequential(nn.ReLU(), nn.Linear(6, 2))
    good(d, "relu_first.pt", relu_first, saver(relu_first), (1, 1, 6), MODULE)
    repeated = nn.ReLU()
    shared = nn.Sequential(nn.Linear(6, 4), repeated, nn.Linear(4, 4), repeated, nn.Linear(4, 2))
    good(d, "shared_relu.pt", shared, saver(shared), (1, 1, 6), MODULE)
    linear = nn.Linear(6, 2)
    good(d, "linear_module.pt", linear, saver(linear), (1, 1, 6), MODULE)
    parallel = nn.DataParallel(mlp([6, 3, 2], 14))
    good(d, "data_parallel.pt", parallel.module, saver(parallel), (1, 1, 6), MODULE)


def write_convolutions(d):
    torch.manual_seed(15)
    convolutions = {
        "plain": nn.Conv2d(3, 4, 3),
        "settings": nn.Conv2d(3, 6, (2, 3), stride=(2, 1), padding=(1, 2), dilation=(2, 1), groups=3),
        "same": nn.Conv2d(3, 4, 3, padding="same", dilation=2),
        "valid": nn.Conv2d(3, 4, (1, 5), padding="valid", bias=False),
    }
    for name, first in convolutions.items():
        c, h, w = first(torch.zeros(1, 3, 6, 7)).shape[1:]
        net = nn.Sequential(first, nn.ReLU(), nn.Conv2d(c, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2 * h * w, 3))
        good(d, f"conv_{name}.pt", net, saver(net), (3, 6, 7), MODULE, input_is_flat=False, give_shape=True)
    good(d, "model_i3x6x7_l1_o3.pt", net, saver(net), (3, 6, 7), MODULE, input_is_flat=False)


def write_layers(d):
    """Modules of layers that become several nodes, or whose constants are computed."""
    torch.manual_seed(41)

    def tail(layer):
        return nn.Sequential(nn.Conv2d(2, 4, 2), layer, nn.ReLU(), nn.Conv2d(4, 2, 2), nn.Flatten(), nn.LazyLinear(3))

    layers = {
        "max": nn.MaxPool2d(2), "max_padded": nn.MaxPool2d((3, 2), (2, 1), 1), "max_ceil": nn.MaxPool2d(2, 2, ceil_mode=True),
        "max_dilated": nn.MaxPool2d(2, 1, dilation=(2, 3)), "leaky": nn.LeakyReLU(0.25), "leaky_tenth": nn.LeakyReLU(0.1),
        "hardtanh": nn.Hardtanh(-0.5, 0.25), "relu6": nn.ReLU6(),
    }
    constants = {
        "norm": nn.BatchNorm2d(4), "norm_plain": nn.BatchNorm2d(4, eps=0.01, affine=False), "prelu": nn.PReLU(4),
        "prelu_one": nn.PReLU(), "average": nn.AvgPool2d(3, 2), "average_padded": nn.AvgPool2d(2, 2, 1),
        "average_uncounted": nn.AvgPool2d(3, 2, 1, count_include_pad=False), "adaptive": nn.AdaptiveAvgPool2d((3, None)),
    }
    layers["relu6"].max_val = 0.25  # which counts
    for name, layer in (layers | constants).items():
        net = randomised(tail(layer)).eval()
        net(torch.zeros(1, 2, 7, 7))
        writable = name in ["max", "max_padded", "max_ceil", "max_dilated"]
        good(d, f"layer_{name}.pt", net, saver(net), (2, 7, 7), MODULE, input_is_flat=False, give_shape=True,
             writable=writable)
    lenet = nn.Sequential(nn.ZeroPad2d((1, 0, 2, 1)), nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.Dropout2d(),
                                                         nn.LeakyReLU()), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Identity(), nn.ReLU(), nn.Linear(8, 3))
    randomised(lenet).eval()
    good(d, "model_i1x9x10_l8_o3.pt", lenet, saver(lenet), (1, 9, 10), MODULE, input_is_flat=False, writable=False)


def traced(module, shape):
    return torch.jit.trace(module.eval(), torch.randn(1, *shape))


def write_scripts(d):
    torch.manual_seed(42)
    found = networks() | {"shapes": (Shapes(), [2, 5, 6]), "mlp_relu": (mlp([6, 4, 3], 43), [1, 1, 6])}
    hooked = nn.Sequential(Hooked(), nn.ReLU())
    hooked[0].register_forward_hook(negate)
    good(d, "hook_within.pt", hooked, lambda p: torch.jit.save(torch.jit.script(hooked), p), [1, 1, 4], "TorchScript",
         give_shape=True)
    for name, (module, shape) in found.items():
        module.eval()
        options = {"input_is_flat": name == "mlp_relu", "give_shape": True}
        good(d, f"traced_{name}.pt", module, lambda p: torch.jit.save(traced(module, shape), p), shape, "TorchScript",
             **options)
        if not isinstance(module, Viewed):  # its functions cannot be scripted
            good(d, f"scripted_{name}.pt", module, lambda p: torch.jit.save(torch.jit.script(module), p), shape,
                 "TorchScript", **options)
        good(d, f"frozen_{name}.pt", module, lambda p: torch.jit.save(torch.jit.freeze(traced(module, shape)), p),
             shape, "TorchScript", tolerance=1e-5, **options)
    named, shape = networks()["lenet"]
    good(d, "model_i1x14x14_l20_o10.pt", named, lambda p: torch.jit.save(traced(named, shape), p), shape,
         "TorchScript", input_is_flat=False)


def write_bad_scripts(d):
    def case(name, script, message):
        bad(d, f"script_{name}.pt", lambda p: torch.jit.save(script, p), message, shape=[1, 1, 4])

    for layer, message in ((nn.Sigmoid(), "(module '1'): got a call of torch.sigmoid"),
                           (nn.Softmax(1), "(module '1'): got a call of torch.softmax")):
        case(type(layer).__name__, traced(nn.Sequential(nn.Linear(4, 3), layer), [4]), message)
    case("line", traced(nn.Sequential(nn.Linear(4, 3), nn.Tanh()), [4]), "activation.py, line 8 (module '1')")
    case("overwritten", torch.jit.script(Overwritten()), "got for torch.relu values that were overwritten in place")
    case("loop", torch.jit.script(Looped()), "got a loop, wanted code without loops")
    case("condition", torch.jit.script(Conditional()), "torch_networks.py, line 11: got for torch.gt ")
    case("training", torch.jit.script(nn.Sequential(nn.Linear(4, 3), nn.Dropout()).train()),
         "got for torch.dropout train True, wanted a network in evaluation")
    case("matrix", torch.jit.script(nn.Linear(5, 3)), "values of shape [1, 4] for a matrix of 5 inputs")
    case("none", torch.jit.script(nn.Identity()), "a forward function that gives values that depend on the image")
    hooked = Hooked()
    hooked.register_forward_hook(negate)
    case("hook", torch.jit.script(hooked), "got hooks of __torch__.torch_networks.Hooked")
    hooked = Hooked()
    hooked.register_forward_pre_hook(double)
    case("pre_hook", torch.jit.script(hooked), "got hooks of ")
    case("short_mean", traced(nn.Sequential(nn.Linear(4, 3), ShortMean()), [4]),
         "got for torch.mean dtype 15, wanted float32 or float64")
    case("unflatten", torch.jit.script(nn.Sequential(nn.Linear(4, 3), nn.Unflatten(1, [1, 3]))), "unflatten")


def write_safetensors(d):
    if save_file is None:
        print("the Python package safetensors is not installed: its files are not tested against it")
        return
    net = mlp([4, 3, 2], 16)
    good(d, "plain.safetensors", net, lambda p: save_file(net.state_dict(), p), (1, 1, 4), "safetensors")
    good(d, "metadata.safetensors", net, lambda p: save_file(net.state_dict(), p, metadata={"format": "pt"}),
         (1, 1, 4), "safetensors")
    mixed = mlp([4, 3, 2], 17)
    mixed[0].half()
    mixed[2].double()
    good(d, "mixed.safetensors", mixed, lambda p: save_file(mixed.state_dict(), p), (1, 1, 4), "safetensors")


def changed(key, value):
    state = mlp([4, 3, 2], 18).state_dict()
    state[key] = value
    return state


def poisoned(value):
    state = mlp([4, 3, 2], 19).state_dict()
    state["2.weight"][1, 2] = value
    return state


def write_bad_state_dicts(d):
    bad(d, "nan.pt", saver(poisoned(float("nan"))), "'2.weight' [1, 2]: got NaN, wanted finite numbers")
    bad(d, "infinity.pt", saver(poisoned(float("-inf"))), "'2.weight' [1, 2]: got infinity")
    bad(d, "chain.pt", saver(changed("2.weight", torch.zeros(2, 4))),
        "'2.weight': got shape [2, 4], wanted 3 columns, as many as layer '0' has outputs")
    bad(d, "bias_size.pt", saver(changed("2.bias", torch.zeros(3))), "'2.bias': got shape [3], wanted [2]")
    bad(d, "unknown_key.pt", saver(changed("2.gamma", torch.zeros(3))), "'2.gamma': got an unknown array")
    bad(d, "vector.pt", saver(changed("3.weight", torch.zeros(3))), "'3.weight': got shape [3] of layer '3'")
    bad(d, "bias_alone.pt", saver(changed("4.bias", torch.zeros(3))), "'4.bias': got a bias alone")
    bad(d, "empty_weight.pt", saver(changed("2.weight", torch.zeros(2, 0))), "'2.weight': got shape [2, 0]")
    bad(d, "integer_weight.pt", saver(changed("0.weight", torch.zeros(3, 4, dtype=torch.int64))),
        "'0.weight': got int64, wanted floating-point weights")
    bad(d, "not_a_tensor.pt", saver(changed("2.extra", "text")), "'2.extra': got 'text', wanted a tensor")
    bad(d, "other_names.pt", saver(changed("head.weight", torch.zeros(2, 2))),
        "layers '0' and 'head', wanted names that differ in their numbers only")
    bad(d, "complex.pt", saver(changed("2.weight", torch.zeros(2, 3, dtype=torch.complex64))), "ComplexFloatStorage")
    norm = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    bad(d, "batchnorm.pt", saver(norm.state_dict()), "'1.running_mean': got batch normalisation")
    conv = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    bad(d, "conv_state_dict.pt", saver(conv.state_dict()), "'0.weight': got a convolution")
    state = mlp([4, 3, 2], 20).state_dict()
    bad(d, "wrong_shape.pt", saver(state), "'0.weight': got shape [3, 4], wanted 6 columns for images of 1x2x3",
        shape=[1, 2, 3])


def write_bad_files(d):
    state = mlp([4, 3, 2], 21).state_dict()
    bad(d, "ambiguous.pt", saver({"model": state, "ema": state | {}, "epoch": 1}), "2 networks: 'model', 'ema'")
    bad(d, "no_network.pt", saver({"epoch": 1}), "without a network")
    bad(d, "tensor.pt", saver(torch.zeros(3)), "without a network")
    bad(d, "evil.pt", saver({"state_dict": state, "x": Evil()}), "got a call of posix.system")
    bad(d, "evil_legacy.pt", saver({"state_dict": state, "x": Evil()}, _use_new_zipfile_serialization=False),
        "got a call of posix.system")
    bad(d, "script.pt", lambda p: torch.jit.save(torch.jit.script(mlp([4, 3, 2], 22)), p),
        "a TorchScript archive, which does not say how large its images are, wanted the input's channels")
    bad(d, "missing_storage.pt", rezip(state, rename=lambda n: n.replace("/data/1", "/data/other")),
        "/data/1': got no such entry")
    bad(d, "short_storage.pt", rezip(state, change=lambda n, data: data[:4] if n.endswith("/data/0") else data),
        "storage '0': got 1 elements, wanted 12")
    bad(d, "byte_order.pt", rezip(state, change=lambda n, data: b"mixed" if n.endswith("/byteorder") else data),
        "an unknown byte order")

    def text(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("this is no model\n")

    negative = torch.randn(2, 3, dtype=torch.complex64).conj().imag
    bad(d, "negative.pt", saver(changed("2.weight", negative)), "got a tensor whose metadata change it")
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(mlp([4, 3, 2], 22)), script)

    def big_endian(path):
        with zipfile.ZipFile(script) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                new.writestr(name, b"big" if name.endswith("byteorder") else old.read(name))

    bad(d, "script_big.pt", big_endian, "got a big-endian TorchScript archive, wanted 'little'", shape=[1, 1, 4])
    bad(d, "text.pt", text, "no known kind of model file")


def write_bad_modules(d):
    bad(d, "custom.pt", saver(Net([4, 3, 2], 23)), "an object of class __main__.Net, whose forward function")
    for layer in (nn.Sigmoid(), nn.Softmax(1), nn.Unflatten(1, (1, 3)), nn.Hardswish()):
        net = nn.Sequential(nn.Linear(4, 3), layer, nn.Linear(3, 2))
        name = type(layer).__name__
        bad(d, f"layer_{name}.pt", saver(net), f"module '1': got {type(layer).__module__}.{name}")
    norm = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False))
    bad(d, "norm_untracked.pt", saver(norm), "module '1': got no running_mean")
    wide = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(2))
    bad(d, "norm_wide.pt", saver(wide), "'1.weight': got shape [2], wanted [3]")
    flat_pool = nn.Sequential(nn.Linear(4, 3), nn.MaxPool2d(2))
    bad(d, "flat_pool.pt", saver(flat_pool), "'1': got values of shape [1, 3], wanted images")
    for name, pool, message in (
            ("indices", nn.MaxPool2d(2, return_indices=True), "module '0': got return_indices"),
            ("large", nn.MaxPool2d(7), "'0': got images of shape [1, 1, 6, 6], wanted larger ones"),
            ("divisor", nn.AvgPool2d(2, divisor_override=3), "module '0': got divisor_override"),
            ("unequal", nn.AdaptiveAvgPool2d(4), "'0': got averages of 6 values in 4 parts")):
        bad(d, f"pool_{name}.pt", saver(nn.Sequential(pool, nn.Flatten(), nn.Linear(9, 2))), message, [1, 6, 6])
    hooked = mlp([4, 3, 2], 24)
    hooked[0].register_forward_hook(print)
    bad(d, "hooked.pt", saver(hooked), "module '0': got _forward_hooks")
    overridden = mlp([4, 3, 2], 25)
    overridden[1].forward = print
    bad(d, "overridden.pt", saver(overridden), "module '1': got a forward function of its own")
    filled = nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2))
    filled[0].value = 0.5
    bad(d, "filled.pt", saver(filled), "module '0': got padding with another value, wanted zeros", [1, 6, 6])
    pruned = mlp([4, 3, 2], 26)
    pruned[0].register_parameter("gain", nn.Parameter(torch.ones(1)))
    bad(d, "gain.pt", saver(pruned), "module '0': got the parameter 'gain'")
    shape = [1, 6, 6]
    for name, conv, message in (
            ("even_same", nn.Conv2d(1, 2, 2, padding="same"), "padding 'same' that differs between the sides"),
            ("reflect", nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), "padding_mode 'reflect'"),
            ("channels", nn.Conv2d(3, 2, 3), "'0.weight': got shape [2, 3, 3, 3], wanted a kernel for 1 channels"),
            ("kernel", nn.Conv2d(1, 2, 7), "'0': got images of 1x6x6, wanted larger ones")):
        bad(d, f"conv_{name}.pt", saver(nn.Sequential(conv, nn.Flatten(), nn.Linear(2, 2))), message, shape=shape)
    conv = nn.Conv2d(1, 2, 3)
    bad(d, "conv_unflattened.pt", saver(nn.Sequential(conv, nn.Linear(4, 2))),
        "'1': got a Linear layer on images of 2x4x4, wanted a Flatten before it", shape=shape)
    bad(d, "conv_flat.pt", saver(nn.Sequential(nn.Flatten(), conv)), "'1': got a Conv2d layer on flat values",
        shape=shape)
    bad(d, "conv_no_shape.pt", saver(nn.Sequential(conv, nn.Flatten(), nn.Linear(4, 2))), "'0': got a convolution")
    bad(d, "flatten_some.pt", saver(nn.Sequential(nn.Flatten(0), nn.Linear(4, 2))), "module '0': got a Flatten")
    bad(d, "no_layers.pt", saver(nn.Sequential(nn.ReLU())), "no layer with weights")


def make(directory, writers):
    os.makedirs(directory, exist_ok=True)
    for write in writers:
        write(directory)
    with open(os.path.join(directory, "cases.json"), "w", encoding="utf-8") as file:
        json.dump({"cases": CASES}, file, indent=None, separators=(",", ":"))
        file.write("\n")


def load(path):
    if path.endswith(".safetensors"):
        return load_file(path)
    return torch.load(path, weights_only=True)


def find_state_dict(value):
    """The state_dict within what a file holds."""
    if isinstance(value, nn.Module):
        return value.state_dict()
    if any(str(k).endswith("weight") for k in value):
        return value
    found = [find_state_dict(v) for v in value.values() if isinstance(v, (dict, nn.Module)) and v]
    return next((f for f in found if f), None)


def check_pair(original, written):
    if original.endswith(".safetensors"):
        wanted = load(original)
    else:
        wanted = find_state_dict(torch.load(original, weights_only=False))
    got = load(written)
    if not written.endswith(".safetensors"):
        assert list(wanted) == list(got), f"{written}: keys {list(got)}, wanted {list(wanted)}"
    assert set(wanted) == set(got), f"{written}: keys {list(got)}, wanted {list(wanted)}"
    for key, tensor in wanted.items():
        other = got[key]
        assert (tensor.dtype, tensor.shape) == (other.dtype, other.shape), f"{written}: {key}"
        as_bytes = [t.detach().contiguous().view(-1).view(torch.uint8).tolist() for t in (tensor, other)]
        assert as_bytes[0] == as_bytes[1], f"{written}: {key}: other values"


def check_strict(written):
    """Files that Verissim wrote of the original's kind of network load into it."""
    net = Net([16, 6, 6, 6, 5], 99)
    net.load_state_dict(torch.load(written, weights_only=True), strict=True)
    mapped = torch.load(written, weights_only=True, mmap=True)
    assert all(torch.equal(mapped[k], v) for k, v in net.state_dict().items())


def check(directory):
    with open(os.path.join(directory, "written.json"), encoding="utf-8") as file:
        listed = json.load(file)
    for original, written in listed["pairs"]:
        check_pair(original, written)
    for written in listed["strict"]:
        check_strict(written)
    print(len(listed["pairs"]), "pairs,", len(listed["strict"]), "strict")


def main():
    command, directory = sys.argv[1:]
    if command == "make":
        make(directory, [write_state_dicts, write_dtypes, write_views, write_checkpoints, write_containers,
                         write_modules, write_convolutions, write_layers, write_scripts, write_bad_scripts, write_safetensors, write_bad_state_dicts,
                         write_bad_files, write_bad_modules])
    elif command == "make-small":
        make(directory, [write_small])
    else:
        check(directory)


if __name__ == "__main__":
    main()
