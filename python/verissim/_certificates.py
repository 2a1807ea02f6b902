"""Certificates: what is proved is written down while it is proved, and another program checks it.

`check` runs verissim-check, which shares no code with the engine, and hands it files: those that the user named, or
what PyTorch and NumPy alone make of modules and arrays. The engine takes no part in it.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import struct
import sys
import zlib
from dataclasses import dataclass
from typing import Any, Iterator, List, Optional, Tuple, Union

from . import _engine
from ._images import Dimension, Reference, is_path, is_pil_image, read
from ._models import agrees, is_module, unwrapped
from ._numbers import check_arithmetic, check_label, decimal_text
from ._numpy import numpy

InputError = _engine.InputError
PROGRAM = os.path.join(os.path.dirname(_engine.__file__), "verissim-check")


@dataclass(frozen=True)
class Check:
    """What the independent checker says of a certificate.

    verdict: "robust", "not robust", or "rejected" if the certificate does not prove what is claimed.
    message: the checker's own line; where and why it rejects.
    """

    verdict: str
    message: str

    @property
    def robust(self) -> bool:
        """Whether the certificate proves robustness."""
        return self.verdict == "robust"

    def __bool__(self) -> bool:
        # A rejected certificate must not pass for a proof because somebody wrote `if check(...)`.
        raise TypeError("a Check is neither true nor false: look at its verdict, or at robust")


def check(
    certificate: Any,
    model: Any,
    image: Any,
    label: int,
    ssim: Any,
    *,
    arithmetic: str = "exact",
    dimension: Optional[Dimension] = None,
) -> Check:
    """Checks a certificate against your own network, image, class and threshold.

    This runs verissim-check, a program that shares no code with the engine: it reads the files, computes every bound
    again with outward rounding, and takes nothing from the certificate but the argument.

    certificate: what `Result.certificate` gave: bytes, or the path of a file.
    model: the path of a file, its bytes, an ONNX ModelProto, or an nn.Module, of which PyTorch writes the same file again
        (see `verify`). It has to be, bit by bit, the one that was verified.
    image: the path of a PNG file, a PIL image, uint8 pixels, or float values that are k / 255 in float32. Files and PIL
        images are resized to the network's input, by the checker itself.
    label: the class that is claimed, from 0. ssim: the threshold that is claimed.
    arithmetic: "exact", or "float32" if what is claimed is about evaluations by float32 (see `verify`).
    dimension: (C, H, W) of the network's input, where neither the model's file nor the image says it.

    Returns a `Check`. A certificate that proves something else is "rejected"; only what is no question raises
    `InputError`.
    """
    import subprocess  # late, so that `import verissim` is quick; so is tempfile
    import tempfile

    limit, label, arithmetic = decimal_text("ssim", ssim), check_label(label), check_arithmetic(arithmetic)
    with tempfile.TemporaryDirectory(prefix="verissim-") as folder:
        image_name, found = _image_file(image, dimension, folder)
        words = [PROGRAM, _certificate_file(certificate, folder), "--model", model_file(model, folder, image, dimension)]
        words += ["--image", image_name, "--class", str(label), "--ssim", limit, "--arithmetic", arithmetic]
        if found is not None:
            words += ["--dimension", ",".join(map(str, found))]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    message = done.stdout.strip()
    verdict = {20: "robust", 10: "not robust", 1: "rejected"}.get(done.returncode)
    wanted = {"robust": "ACCEPTED: robust", "not robust": "ACCEPTED: not robust", "rejected": "REJECTED: "}
    if verdict is None or not message.startswith(wanted[verdict]):
        said = (done.stderr.strip().splitlines() or [message or "nothing"])[0]
        raise InputError(f"verissim-check: it ended with {done.returncode} and said: {said}")
    return Check(verdict, message)


def main() -> int:
    """The command verissim-check, as pip installs it."""
    os.execv(PROGRAM, [PROGRAM, *sys.argv[1:]])


class Recording:
    """The certificate of one answer, from what was wished to what the result holds."""

    def __init__(self, wanted: Union[bool, str], folder: str, reference: Reference) -> None:
        self._in_memory = wanted is True
        self._path = os.path.join(folder, "certificate") if wanted is True else str(wanted)
        self.request = _engine.Certificate(self._path, reference.file or _write_png(reference, folder))

    def content(self, no_certificate: Optional[str]) -> Union[bytes, str, None]:
        if no_certificate is not None:
            return None
        if not self._in_memory:
            return self._path
        with open(self._path, "rb") as file:
            return file.read()


def wanted(certificate: Any, is_batch: bool) -> Union[bool, str]:
    """False, True, or the file's name."""
    if certificate is None or isinstance(certificate, bool):
        return bool(certificate)
    if not is_path(certificate):
        raise InputError(f"certificate: got {type(certificate).__name__}, wanted True or the path of a file")
    if is_batch:
        raise InputError("certificate: got one path for a batch, wanted True: each result then holds its own")
    return os.fspath(certificate)


@contextlib.contextmanager
def workplace(certificate: Union[bool, str]) -> Iterator[str]:
    """A folder for as long as it takes; "" if no certificate is wanted."""
    if certificate is False:
        yield ""
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="verissim-") as folder:
        yield folder


# What a checker can be handed.


def _certificate_file(certificate: Any, folder: str) -> str:
    if is_path(certificate):
        return os.fspath(certificate)
    if isinstance(certificate, (bytes, bytearray, memoryview)):
        return _write(os.path.join(folder, "certificate"), bytes(certificate))
    raise InputError(f"certificate: got {type(certificate).__name__}, wanted bytes or the path of a file")


def model_file(model: Any, folder: str, image: Any, dimension: Optional[Dimension]) -> str:
    """The file of a network that a certificate is about; `image` is one of those that it is for."""
    if is_path(model):
        return os.fspath(model)
    if is_module(model):
        return _module_file(unwrapped(model), folder, image, dimension)
    if hasattr(model, "SerializeToString"):
        return _write(os.path.join(folder, "model.onnx"), model.SerializeToString())
    if isinstance(model, (bytes, bytearray, memoryview)):
        data = bytes(model)
        name = "model.pt" if data.startswith(b"PK") else "model.onnx"  # PyTorch's files are zip archives
        return _write(os.path.join(folder, name), data)
    raise InputError(f"model: got {type(model).__name__}, wanted the path of a file, its bytes, or an nn.Module")


@contextlib.contextmanager
def question_file(model: Any, folder: str, image: Any, dimension: Optional[Dimension]) -> Iterator[str]:
    """The file of a network that a certificate will be about, which must compute what a module does.

    Errors name the module, which its user knows, in place of that file.
    """
    name = model_file(model, folder, image, dimension)
    if not is_module(model):
        yield name
        return
    kind = type(unwrapped(model)).__name__
    try:
        reference = read(image, dimension)
        if not agrees(unwrapped(model), _engine.load(name, reference.dimension), reference):
            raise InputError(f"{name}: certificate: the file that PyTorch writes of it is another network")
        yield name
    except InputError as error:
        raise InputError(str(error).replace(name, kind)) from None


def _image_file(image: Any, dimension: Optional[Dimension], folder: str) -> Tuple[str, Optional[Dimension]]:
    """A PNG file, and the size of the network's input if it is known."""
    if is_path(image):
        return os.fspath(image), dimension
    if is_pil_image(image):  # in its own size: the checker resizes
        return _write_png(read(image, None), folder), dimension
    reference = read(image, dimension)
    return _write_png(reference, folder), reference.dimension


def _write(name: str, data: bytes) -> str:
    with open(name, "wb") as file:
        file.write(data)
    return name


def _write_png(reference: Reference, folder: str) -> str:
    channels, height, width = reference.dimension
    if channels not in (1, 3):
        raise InputError(f"certificate: got an image of {channels} channels, wanted 1 or 3: certificates are about PNGs")
    pixels = numpy.clip(numpy.rint(reference.values.astype(numpy.float64) * 255), 0, 255).astype(numpy.uint8)
    if not (pixels.astype(numpy.float32) / numpy.float32(255) == reference.values).all():
        raise InputError(
            "certificate: got an image with other values than k / 255 in float32, wanted one of 8 bits: certificates are "
            "about PNG files"
        )
    rows = pixels.reshape(channels, height, width).transpose(1, 2, 0).reshape(height, width * channels)
    filtered = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(filtered)), (b"IEND", b"")]
    data = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return _write(os.path.join(folder, "image.png"), b"\x89PNG\r\n\x1a\n" + data)


def _module_file(module: Any, folder: str, image: Any, dimension: Optional[Dimension]) -> str:
    """What PyTorch writes of a module: the state_dict where that tells all, otherwise an ONNX file."""
    layers = _linear_layers(sys.modules["torch"], module)
    if layers is not None:
        return _write(os.path.join(folder, "model.pt"), _state_dict(layers))
    return _write(os.path.join(folder, "model.onnx"), _onnx(module, read(image, dimension)))


def _onnx(module: Any, reference: Reference) -> bytes:
    """PyTorch's export, in which every layer stays as it is: nothing is folded, so nothing rounds."""
    import importlib.util
    import warnings

    from ._torch_trace import evaluation, example_of

    torch = sys.modules["torch"]
    kind = type(module).__name__
    if importlib.util.find_spec("onnx") is None:
        raise InputError(f"certificate: PyTorch writes a {kind} as ONNX, for which the package onnx has to be installed")
    example = example_of(module)
    shape = [1, reference.values.size] if reference.flat else [1, *reference.dimension]
    image = torch.zeros(shape, dtype=example.dtype, device=example.device)
    settings = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        settings["dynamo"] = False
    buffer = io.BytesIO()
    try:
        with evaluation(module), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(module, (image,), buffer, **settings)
    except Exception as error:  # whatever PyTorch or the user's code raises
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"certificate: PyTorch cannot write a {kind} as ONNX: {reason}") from error
    return buffer.getvalue()


def _state_dict(layers: List[Any]) -> bytes:
    """A file of torch.save for Linear, ReLU, ..., Linear, as checkers read a state_dict."""
    torch = sys.modules["torch"]
    tensors = {}
    for number, layer in enumerate(layers):
        for name, tensor in layer.named_parameters(recurse=False):
            tensors[f"{number}.{name}"] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    return buffer.getvalue()


def _linear_layers(torch: Any, module: Any) -> Optional[List[Any]]:
    """The Linear layers of a module that is nothing but these with ReLUs between; None if it is something else."""
    nn = torch.nn
    layers: List[Any] = []
    activated = True  # whether a Linear may follow
    for part in _flattened(nn, module):
        kind = type(part)
        if kind is nn.Flatten and (part.start_dim, part.end_dim) == (1, -1) and not _is_changed(part):
            continue
        if kind in (nn.Identity, nn.Dropout) and not _is_changed(part):
            continue
        if kind is nn.ReLU and layers and not _is_changed(part):
            activated = True
        elif kind is nn.Linear and activated and not _is_changed(part):
            layers.append(part)
            activated = False
        else:
            return None
    return layers if layers and not activated else None


def _flattened(nn: Any, module: Any) -> Iterator[Any]:
    """The layers of sequences within each other; what is no plain sequence is one layer."""
    plain = isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward
    if not plain or _is_changed(module):
        yield module
        return
    for part in module:
        yield from _flattened(nn, part)


def _is_changed(module: Any) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or "forward" in module.__dict__)
