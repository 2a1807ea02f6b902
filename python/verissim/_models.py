"""Networks from whatever holds one: a file, bytes, an ONNX model, a module of PyTorch."""

from __future__ import annotations

import io
import os
import sys
import weakref
from typing import Any, Dict, List, Optional, Tuple

from . import _engine
from ._images import Dimension, Reference, is_path, read
from ._numpy import numpy

InputError = _engine.InputError
_MOST_KEPT = 4  # networks of one module, for images of different sizes
# By that share of the largest score the network's scores and PyTorch's own may differ, since PyTorch rounds.
_ROUNDING = {"torch.float16": 2e-2, "torch.bfloat16": 1e-1}
_ROUNDING_ELSE = 1e-3


def is_module(model: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def load(model: Any, dimension: Optional[Dimension] = None) -> "_engine.Model":
    """Reads a network once, to ask several questions about it.

    model: as for `verify`. dimension: channels, height and width of its images, where the file does not say them;
    always for an nn.Module, which is read as it is now.
    """
    model = _exported(model)
    if is_module(model):
        if dimension is None:
            raise InputError(f"{type(model).__name__}: got no dimension, wanted dimension=(channels, height, width)")
        return _read_module(model, _checked(dimension), False)
    return _read_stored(model, dimension)


def open_for(model: Any, image: Any, dimension: Optional[Dimension]) -> Tuple["_engine.Model", Reference]:
    """The network, and the image as its input."""
    if dimension is not None:
        dimension = _checked(dimension)
    model = _exported(model)
    if is_module(model):
        reference = read(image, dimension)
        return _read_module(model, reference.dimension, reference.flat and dimension is None), reference
    try:
        network = _read_stored(model, dimension)
    except InputError as error:
        if dimension is not None or "dimension=" not in str(error):
            raise
        # The file does not say how large its images are: as large as this one.
        reference = read(image, None)
        return _read_stored(model, reference.dimension), reference
    if network.flat and dimension is None:
        reference = read(image, None)
        if reference.values.size == network.dimension[2]:
            return network.with_input(reference.dimension), reference
    return network, read(image, tuple(network.dimension))


def _checked(dimension: Any) -> Dimension:
    sizes = tuple(int(size) for size in dimension)
    if len(sizes) != 3 or min(sizes) < 1:
        raise InputError(f"dimension: got {tuple(dimension)}, wanted (channels, height, width)")
    return sizes


def _read_stored(model: Any, dimension: Optional[Dimension]) -> "_engine.Model":
    try:
        if isinstance(model, _engine.Model):
            return model if dimension is None else model.with_input(dimension)
        if is_path(model):
            return _engine.load(os.fspath(model), dimension)
        if isinstance(model, (bytes, bytearray, memoryview)):
            return _engine.parse("model", bytes(model), dimension)
        if hasattr(model, "SerializeToString"):
            return _engine.parse("ONNX model", model.SerializeToString(), dimension)
    except InputError as error:
        raise InputError(str(error).replace("--dimension C,H,W", "dimension=(C, H, W)")) from None
    raise InputError(
        f"model: got {type(model).__name__}, wanted an nn.Module, the path of a file, or ONNX (a model or bytes)"
    )


# Modules of PyTorch. What was traced is kept until the module changes.

_kept: "weakref.WeakKeyDictionary[Any, List[Tuple[Any, List[Any], _engine.Model]]]" = weakref.WeakKeyDictionary()


def clear_cache() -> None:
    """Forgets the networks that were read from nn.Modules.

    They are read again by themselves when a parameter, a buffer, a submodule or a plain attribute changes; this is for
    what cannot be seen from outside, such as a global variable that forward looks at.
    """
    _kept.clear()


def _read_module(module: Any, dimension: Dimension, flat: bool) -> "_engine.Model":
    torch = sys.modules["torch"]
    if isinstance(module, torch.jit.ScriptModule):
        buffer = io.BytesIO()
        torch.jit.save(module, buffer)
        return _read_stored(buffer.getvalue(), dimension)
    module = _unwrapped(module)
    key = (dimension, flat, _structure(module))
    tensors = list(module.parameters()) + list(module.buffers())
    entries = _kept.setdefault(module, [])
    for entry in entries:
        if entry[0] == key and _same(torch, entry[1], tensors):
            return entry[2]
    network = _trace(module, dimension, flat)
    copies = [tensor.detach().clone() for tensor in tensors]
    entries.insert(0, (key, copies, network))
    del entries[_MOST_KEPT:]
    return network


def _exported(model: Any) -> Any:
    """The module of what torch.export gave."""
    export = sys.modules.get("torch.export")
    return model.module() if export is not None and isinstance(model, export.ExportedProgram) else model


def _unwrapped(module: Any) -> Any:
    """The module that a wrapper only runs in another way."""
    torch = sys.modules["torch"]
    while True:
        if isinstance(module, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            module = module.module
        elif hasattr(module, "_orig_mod"):  # of torch.compile
            module = module._orig_mod
        else:
            return module


def _same(torch: Any, old: List[Any], new: List[Any]) -> bool:
    return len(old) == len(new) and all(
        a.shape == b.shape and a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
        for a, b in zip(old, new)
    )


_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def _structure(module: Any) -> Tuple[Any, ...]:
    """All that forward may depend on besides the values of parameters and buffers, as far as it can be seen."""
    parts = []
    for name, part in module.named_modules():
        parts.append((name, id(part), type(part)))
        for attribute, value in part.__dict__.items():
            if attribute not in _OF_TORCH:
                parts.append((attribute, _fingerprint(value, 0)))
    return tuple(parts)


# What nn.Module keeps for itself and forward does not see, or what is compared otherwise.
_OF_TORCH = frozenset(
    "training _parameters _buffers _non_persistent_buffers_set _backward_pre_hooks _backward_hooks _is_full_backward_hook "
    "_forward_hooks_with_kwargs _forward_hooks_always_called _forward_pre_hooks_with_kwargs _state_dict_hooks "
    "_state_dict_pre_hooks _load_state_dict_pre_hooks _load_state_dict_post_hooks _version _compiled_call_impl".split()
)


def _fingerprint(value: Any, level: int) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)) and level < 4:
        return tuple(_fingerprint(item, level + 1) for item in value)
    if isinstance(value, dict) and level < 4:
        return tuple((str(key), _fingerprint(item, level + 1)) for key, item in value.items())
    if hasattr(value, "_version") and hasattr(value, "data_ptr"):  # a tensor that is no buffer
        return (id(value), tuple(value.shape), value.detach().cpu().numpy().tobytes())
    if isinstance(value, numpy.ndarray):
        return (id(value), value.tobytes())
    return id(value)


def _trace(module: Any, dimension: Dimension, flat: bool) -> "_engine.Model":
    from . import _torch_trace

    channels, height, width = dimension
    image = [1, channels, height, width]
    values = [1, channels * height * width]
    shapes = [values] if flat else [image, values]
    first_error: Optional[InputError] = None
    for shape in shapes:
        try:
            network = _torch_trace.trace(module, dimension, shape)
        except InputError as error:
            first_error = first_error or error
            continue
        _check(module, network, shape)
        return network
    assert first_error is not None
    raise first_error


def _check(module: Any, network: "_engine.Model", shape: List[int]) -> None:
    """That the network computes what the module does, on one image."""
    torch = sys.modules["torch"]
    from ._torch_trace import evaluation

    values = numpy.random.default_rng(1).random(shape, dtype=numpy.float32)
    example = next(iter(list(module.parameters()) + list(module.buffers())), torch.empty(0))
    image = torch.from_numpy(values).to(example.device)
    if example.is_floating_point():
        image = image.to(example.dtype)
    with evaluation(module), torch.no_grad():
        theirs = module(image).detach().double().cpu().numpy().reshape(-1)
    ours = network.scores(values.astype(numpy.float64).reshape(-1))
    # A last log_softmax moves all scores together.
    theirs, ours = theirs - theirs[0], ours - ours[0]
    rounding = _ROUNDING.get(str(image.dtype), _ROUNDING_ELSE)
    if theirs.shape != ours.shape or not abs(theirs - ours).max() <= rounding * max(1.0, abs(theirs).max()):
        raise InputError(
            f"{type(module).__name__}: what was traced gives other scores than the module: forward depends on more than "
            "its image and its weights"
        )
