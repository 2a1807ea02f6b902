"""Networks from modules of PyTorch, by tracing.

The module's forward runs once on an image without values: a tensor on PyTorch's "meta" device that knows only its
shape. Each of PyTorch's functions that meets it comes here (through __torch_function__) and is carried out by the
engine, which builds the network from it. Conditions on shapes are followed as in PyTorch; whatever looks at values (a
condition, item(), numpy()) fails, because there are none, and so nothing can be frozen into the network unseen.

This module imports torch; import it only when the user did.
"""

from __future__ import annotations

import os
import sys
from typing import Iterator, List, Optional, Tuple

import numpy
import torch

from . import _engine
from ._torch_functions import FINAL, HANDLERS, OPERATORS, PASSED

InputError = _engine.InputError
_HERE = os.path.dirname(os.path.abspath(__file__))
_TORCH = os.path.dirname(os.path.abspath(torch.__file__))


class TracedTensor(torch.Tensor):
    """A tensor without values; `_verissim` holds the tracer and the engine's value."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tracer = _tracer_in(args) or _tracer_in(tuple(kwargs.values()))
        if tracer is None:
            raise InputError(f"{_name_of(function)}: a tensor that was computed in a way that cannot be followed")
        try:
            return tracer.carry_out(function, args, kwargs)
        except InputError as error:
            raise InputError(_with_place(error)) from None


def _tracer_in(values) -> Optional["Tracer"]:
    for value in values:
        if isinstance(value, TracedTensor):
            held = value.__dict__.get("_verissim")
            if held is not None:
                return held[0]
        elif isinstance(value, (list, tuple)):
            found = _tracer_in(value)
            if found is not None:
                return found
    return None


def _name_of(function) -> str:
    name = getattr(function, "__name__", "")
    if name in ("__get__", "__set__"):
        name = getattr(getattr(function, "__self__", None), "__name__", name)
    return name or str(function)


_LOOKS = frozenset(
    "__bool__ __float__ __int__ __index__ __contains__ item tolist numpy __array__ gt lt ge le eq ne nonzero".split()
)


def _unknown(name: str) -> str:
    if name in _LOOKS:
        return f"for {name}: the network looks at values (a condition, item(), numpy()), wanted layers alone"
    hint = FINAL.get(name, "")
    return f"for {name}: not a function that Verissim reads (docs/networks.md lists those){hint}"


def _with_place(error: Exception) -> str:
    """The error with the line of the user's code that led to it."""
    text = str(error)
    frame = sys._getframe(1)
    while frame is not None:
        file = os.path.abspath(frame.f_code.co_filename)
        if not file.startswith((_HERE + os.sep, _TORCH + os.sep)) and os.path.exists(file):
            return f"in {os.path.basename(file)}, line {frame.f_lineno}: {text}"
        frame = frame.f_back
    return text


class Tracer:
    """Carries out PyTorch's functions on values of one trace."""

    def __init__(self, name: str, dimension: Tuple[int, int, int], shape: List[int], dtype, device):
        self.trace = _engine.Trace(name, dimension, shape)
        self.dtype = dtype
        self.device = device
        self.known = set()  # where the module's tensors lie

    def wrapped(self, value, like: Optional[TracedTensor] = None, final: bool = False):
        """A value of the engine as a tensor; lists item by item."""
        if isinstance(value, list):
            return tuple(self.wrapped(item) for item in value)
        if not isinstance(value, _engine.TracedValue):
            return value
        tensor = torch.empty(list(value.shape), device="meta", dtype=self.dtype).as_subclass(TracedTensor)
        tensor.__dict__["_verissim"] = (self, value, final)
        return tensor

    def value_of(self, tensor: TracedTensor):
        held = tensor.__dict__.get("_verissim")
        if held is None or held[0] is not self:
            raise InputError("a tensor that was computed in a way that cannot be followed")
        if held[2]:
            raise InputError("a layer behind log_softmax: only the last layer may be one")
        return held[1]

    def overwrite(self, tensor: TracedTensor, value) -> TracedTensor:
        """What an operation in place does: the tensor has other values from now on."""
        tensor.__dict__["_verissim"] = (self, value, False)
        return tensor

    def argument(self, value):
        """An argument as the engine takes it."""
        if isinstance(value, TracedTensor):
            return self.value_of(value)
        if isinstance(value, torch.Tensor):
            return self.constant(value)
        if isinstance(value, (list, tuple)):
            return [self.argument(item) for item in value]
        if isinstance(value, (bool, int, float, str)) or value is None:
            return value
        if hasattr(value, "__index__"):
            return int(value)
        if hasattr(value, "__float__"):
            return float(value)
        return value

    def constant(self, tensor: torch.Tensor):
        """A tensor of the module. Every number of its dtype is a double exactly."""
        if tensor.device.type == "meta":
            raise InputError("a constant tensor without values, made on the device of the image")
        if not tensor.is_floating_point():
            raise InputError(f"a constant tensor of {tensor.dtype}, wanted floating-point numbers")
        if _place(tensor) not in self.known:
            self.doubt_constants()
        with torch._C.DisableTorchFunctionSubclass():
            plain = tensor.detach().to(device="cpu", dtype=torch.float64).contiguous()
            array = numpy.array(plain.numpy(), dtype=numpy.float64, copy=True, order="C")
        return self.trace.constant(array)

    def doubt_constants(self):
        self.trace.doubt("forward computes with tensors that are neither image, parameter, buffer nor attribute, and rounds")

    def call(self, function: str, *arguments):
        return self.trace.call(function, *(self.argument(argument) for argument in arguments))

    def _carry_out_operator(self, function, args, kwargs):
        """One of PyTorch's operators itself, as in the graphs of torch.export; the engine knows them by their names."""
        schema = function._schema
        name = schema.name.split("::")[-1]
        args = list(args)
        for parameter in schema.arguments[len(args) :]:
            if parameter.name in kwargs:
                args.append(kwargs[parameter.name])
            elif not any(later.name in kwargs for later in schema.arguments[len(args) :]):
                break
            else:
                args.append(parameter.default_value)
        if name in OPERATORS:
            return OPERATORS[name](self, *args)
        value = self.call(name, *args)
        if name.endswith("_") and isinstance(args[0], TracedTensor):
            return self.overwrite(args[0], value)
        return self.wrapped(value)

    def carry_out(self, function, args, kwargs):
        passed = PASSED.get(function)
        if passed is not None:
            return passed(self, *args, **kwargs)
        handler = HANDLERS.get(function)
        if handler is None:
            handler = HANDLERS.get(getattr(function, "__wrapped__", None))
        if handler is None and hasattr(function, "_schema"):
            return self._carry_out_operator(function, args, kwargs)
        if handler is None:
            raise InputError(_unknown(_name_of(function)))
        try:
            return handler(self, *args, **kwargs)
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise InputError(f"for {_name_of(function)}: {error}") from None


def _tensors_of(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    yield from module.parameters()
    yield from module.buffers()
    for part in module.modules():
        yield from (value for value in part.__dict__.values() if isinstance(value, torch.Tensor))


def _place(tensor: torch.Tensor) -> Tuple[str, int]:
    with torch._C.DisableTorchFunctionSubclass():
        return str(tensor.device), tensor.untyped_storage().data_ptr()


def example_of(module: torch.nn.Module) -> torch.Tensor:
    """A tensor of the kind and on the device that the module's are."""
    for tensor in list(module.parameters()) + list(module.buffers()):
        if tensor.is_floating_point():
            return tensor
    return torch.empty(0)


# Functions of a tensor that round nothing: what they give are its numbers, or what is known of it without these.
_EXACT = frozenset(
    "__get__ __getitem__ __len__ __hash__ __bool__ __float__ __int__ item tolist numpy size stride dim ndimension numel "
    "nelement element_size is_floating_point is_complex is_contiguous get_device data_ptr storage_offset view view_as "
    "reshape reshape_as flatten unflatten t transpose permute swapaxes squeeze unsqueeze expand expand_as contiguous "
    "detach clone chunk split select narrow cpu cuda requires_grad_ untyped_storage cat concat stack".split()
)


class _Watch(torch.overrides.TorchFunctionMode):
    """Tells of every number that forward computes without the image, also where only a Python number remains of it."""

    def __init__(self, tracer: Tracer):
        super().__init__()
        self._tracer = tracer

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        values = (*args, *kwargs.values())
        if _name_of(function) not in _EXACT and not _is_getter(function) and _has_tensor(values):
            if _tracer_in(values) is None:
                self._tracer.doubt_constants()
        return function(*args, **kwargs)


def _is_getter(function) -> bool:
    return getattr(function, "__name__", "") == "__get__"


def _has_tensor(values) -> bool:
    return any(
        isinstance(value, torch.Tensor) or (isinstance(value, (list, tuple)) and _has_tensor(value)) for value in values
    )


def trace(module: torch.nn.Module, dimension: Tuple[int, int, int], shape: List[int]) -> "_engine.Model":
    """The network of a module in evaluation, for an image of C, H, W given as a tensor of `shape`, [1, ...]."""
    name = type(module).__name__
    example = example_of(module)
    tracer = Tracer(name, dimension, shape, example.dtype, example.device)
    tracer.known = {_place(tensor) for tensor in _tensors_of(module)}
    if example.dtype not in (torch.float32, torch.float64):
        tracer.trace.doubt(f"weights are {example.dtype}")
    image = tracer.wrapped(tracer.trace.input())
    random_state = torch.get_rng_state()
    with evaluation(module), torch.no_grad(), _Watch(tracer):
        try:
            output = module(image)
        except InputError:
            raise
        except Exception as error:  # whatever the user's code raises
            raise InputError(_refused(name, shape, error)) from error
    if not torch.equal(random_state, torch.get_rng_state()):
        raise InputError(f"{name}: forward draws random numbers, also in evaluation")
    if not isinstance(output, TracedTensor) or output.__dict__.get("_verissim") is None:
        raise InputError(f"{name}: forward gives {type(output).__name__}, wanted one tensor of scores")
    return tracer.trace.finish(output.__dict__["_verissim"][1])


def scores_of(module: torch.nn.Module, values: numpy.ndarray) -> Optional[numpy.ndarray]:
    """What the module itself gives in evaluation for one image, float64; None if that is no tensor."""
    example = example_of(module)
    image = torch.from_numpy(values).to(device=example.device, dtype=example.dtype)
    with evaluation(module), torch.no_grad():
        output = module(image)
    if not isinstance(output, torch.Tensor):
        return None
    return output.detach().to(device="cpu", dtype=torch.float64).numpy().reshape(-1)


def _refused(name: str, shape: List[int], error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if "meta" in reason.lower() or "item()" in reason:
        reason = "it looks at values of the image (a condition, item(), numpy()): " + reason
    return f"{name}: forward cannot be followed for an image of shape {list(shape)}: {reason}"


class evaluation:
    """A module in evaluation for a while; afterwards each part is as it was."""

    def __init__(self, module: torch.nn.Module):
        self._module = module
        self._training = [part for part in module.modules() if part.training]

    def __enter__(self):
        for part in self._training:
            part.training = False
        return self._module

    def __exit__(self, *_):
        for part in self._training:
            part.training = True
        return False
