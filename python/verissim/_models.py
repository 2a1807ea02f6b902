"""Networks from whatever holds one: a file, bytes, an ONNX model, a module of PyTorch."""

from __future__ import annotations

import io
import os
import sys
import threading
import weakref
from typing import Any, List, Optional, Set, Tuple

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
    try:
        sizes = tuple(int(size) for size in dimension)
    except (TypeError, ValueError):
        sizes = ()
    if len(sizes) != 3 or min(sizes) < 1:
        raise InputError(f"dimension: got {dimension!r}, wanted (channels, height, width)")
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
_lock = threading.RLock()  # while a module is read, it is in evaluation


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
    module = unwrapped(module)
    key = (dimension, flat, _structure(module))
    with _lock:
        return _kept_network(torch, module, key, dimension, flat)


def _kept_network(torch: Any, module: Any, key: Any, dimension: Dimension, flat: bool) -> "_engine.Model":
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


def unwrapped(module: Any) -> Any:
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
        a.shape == b.shape and a.dtype == b.dtype and a.device == b.device and _same_values(torch, a, b)
        for a, b in zip(old, new)
    )


def _same_values(torch: Any, a: Any, b: Any) -> bool:
    if a.device.type == "cpu" and a.is_contiguous() and b.is_contiguous():
        return _engine.same_memory(a.data_ptr(), b.data_ptr(), a.numel() * a.element_size())
    return torch.equal(a, b)


_MOST_LEVELS = 4  # of lists, settings and modules within each other
_MOST_ATTRIBUTES = 64  # of an object that may be settings
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def _structure(module: Any, level: int = 0, seen: Optional[Set[int]] = None) -> Tuple[Any, ...]:
    """All that forward may depend on besides the values of parameters and buffers, as far as it can be seen."""
    parts = []
    seen = set() if seen is None else seen
    seen.update(id(part) for part in module.modules())
    for name, part in module.named_modules():
        parts.append((name, id(part), type(part)))
        for attribute, value in part.__dict__.items():
            if attribute not in _OF_TORCH:
                parts.append((attribute, _fingerprint(value, level, seen)))
    return tuple(parts)


# What nn.Module keeps for itself and forward does not see, or what is compared otherwise.
_OF_TORCH = frozenset(
    "training _modules _parameters _buffers _non_persistent_buffers_set _backward_pre_hooks _backward_hooks _is_full_backward_hook "
    "_forward_hooks_with_kwargs _forward_hooks_always_called _forward_pre_hooks_with_kwargs _state_dict_hooks "
    "_state_dict_pre_hooks _load_state_dict_pre_hooks _load_state_dict_post_hooks _version _compiled_call_impl".split()
)


def _fingerprint(value: Any, level: int, seen: Set[int]) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if hasattr(value, "_version") and hasattr(value, "data_ptr"):  # a tensor that is no buffer
        return (tuple(value.shape), str(value.dtype), value.detach().cpu().double().numpy().tobytes())
    if type(value).__module__ == "numpy" and hasattr(value, "tobytes"):
        return value.tobytes()
    if level >= _MOST_LEVELS or id(value) in seen:
        return id(value)
    if isinstance(value, (list, tuple)):
        return tuple(_fingerprint(item, level + 1, seen) for item in value)
    if isinstance(value, dict):
        return tuple((str(key), _fingerprint(item, level + 1, seen)) for key, item in value.items())
    seen.add(id(value))
    if is_module(value):  # one that is not registered, in a list for example
        weights = tuple(_fingerprint(tensor, level, seen) for tensor in value.state_dict().values())
        return (_structure(value, level + 1, seen), weights)
    attributes = getattr(value, "__dict__", None)  # of settings, for example; only its own values, it may be large
    if isinstance(attributes, dict) and len(attributes) <= _MOST_ATTRIBUTES and not isinstance(value, type):
        own = tuple((key, item if isinstance(item, _PLAIN) else id(item)) for key, item in attributes.items())
        return (id(value), own)
    return id(value)


def _trace(module: Any, dimension: Dimension, flat: bool) -> "_engine.Model":
    from . import _torch_trace

    channels, height, width = dimension
    values = numpy.random.default_rng(1).random(channels * height * width, dtype=numpy.float32)
    shape, theirs = _run(module, values, [1, values.size] if flat else [1, channels, height, width])
    network = _torch_trace.trace(module, dimension, shape)
    if not _computes(module, network, values, theirs):
        raise InputError(
            f"{type(module).__name__}: what was traced gives other scores than the module: forward depends on more than "
            "its image and its weights, or loses most digits in PyTorch's arithmetic"
        )
    return network


def agrees(module: Any, network: "_engine.Model", reference: Reference) -> bool:
    """Whether the module's own scores at an image are the network's, but for the rounding of PyTorch."""
    shape = [1, reference.values.size] if reference.flat else [1, *reference.dimension]
    return _computes(module, network, reference.values, _run(module, reference.values, shape)[1])


def _computes(module: Any, network: "_engine.Model", values: Any, scores: Any) -> bool:
    from ._torch_trace import example_of

    rounding = _ROUNDING.get(str(example_of(module).dtype), _ROUNDING_ELSE)
    return scores is not None and _agree(scores, network.scores(values.astype(numpy.float64)), rounding)


def _run(module: Any, values: Any, shape: List[int]) -> Tuple[List[int], Any]:
    """The shape in which the module takes the image, as an image or flat, and its scores."""
    from ._torch_trace import scores_of

    try:
        return shape, scores_of(module, values.reshape(shape))
    except Exception as error:  # whatever the user's code raises
        if len(shape) > 2:
            try:
                return _run(module, values, [1, values.size])
            except InputError:
                pass
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{type(module).__name__}: PyTorch itself fails for an image of shape {shape}: {reason}"
        ) from error


def _agree(theirs: Any, ours: Any, rounding: float) -> bool:
    if theirs.shape != ours.shape:
        return False
    theirs, ours = theirs - theirs[0], ours - ours[0]  # a last log_softmax moves all scores together
    return bool(abs(theirs - ours).max() <= rounding * max(1.0, abs(theirs).max()))
