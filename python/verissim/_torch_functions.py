"""PyTorch's functions as calls of the engine's, by their Python names and signatures.

A handler gets the tracer and the function's own arguments. The engine's functions are those of TorchScript
(docs/networks.md): what an argument means, and what is refused, is decided there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ._engine import InputError

HANDLERS = {}  # function -> handler
OPERATORS = {}  # names of torch.ops.aten that the engine does not know -> handler
PASSED = {}  # function -> what PyTorch says of a tensor's shape and kind
FINAL = {
    "softmax": "; leave it out: it changes no class, but margins are about the scores before it",
    "sigmoid": "; if it is the last layer, leave it out: it changes no order of the scores",
}


def _places(name):
    """Where PyTorch keeps a function of that name."""
    for space in (torch, F, torch.Tensor, torch._C._nn):
        found = getattr(space, name, None)
        if callable(found):
            yield found


def handles(*names):
    def register(handler):
        for name in names:
            for function in _places(name):
                HANDLERS[function] = handler
        return handler

    return register


def _changed(t, x, value, inplace=False):
    if inplace:
        return t.overwrite(x, value)
    return t.wrapped(value)


def _register_simple():
    """Functions of one image with the same meaning and order of arguments in the engine."""

    def plain(name):
        def handler(t, x, *args):
            return t.wrapped(t.call(name, x, *args))

        return handler

    def in_place(name):
        def handler(t, x, *args):
            return t.overwrite(x, t.call(name + "_", x, *args))

        return handler

    for name in ("abs", "neg"):
        handles(name)(plain(name))
        handles(name + "_")(in_place(name))
    handles("absolute")(plain("abs"))
    handles("negative", "__neg__")(plain("neg"))
    for name in ("t", "detach"):
        handles(name)(plain(name))


_register_simple()


# Activations.


@handles("relu")
def relu(t, input, inplace=False):
    return _changed(t, input, t.call("relu_" if inplace else "relu", input), inplace)


@handles("relu_")
def relu_(t, input):
    return relu(t, input, True)


@handles("relu6")
def relu6(t, input, inplace=False):
    return _changed(t, input, t.call("relu6_" if inplace else "relu6", input), inplace)


@handles("leaky_relu")
def leaky_relu(t, input, negative_slope=0.01, inplace=False):
    return _changed(t, input, t.call("leaky_relu_" if inplace else "leaky_relu", input, negative_slope), inplace)


@handles("leaky_relu_")
def leaky_relu_(t, input, negative_slope=0.01):
    return leaky_relu(t, input, negative_slope, True)


@handles("prelu")
def prelu(t, input, weight):
    return t.wrapped(t.call("prelu", input, weight))


@handles("hardtanh")
def hardtanh(t, input, min_val=-1.0, max_val=1.0, inplace=False):
    return _changed(t, input, t.call("hardtanh_" if inplace else "hardtanh", input, min_val, max_val), inplace)


@handles("hardtanh_")
def hardtanh_(t, input, min_val=-1.0, max_val=1.0):
    return hardtanh(t, input, min_val, max_val, True)


@handles("clamp", "clip")
def clamp(t, input, min=None, max=None):
    return t.wrapped(t.call("clamp", input, min, max))


@handles("clamp_", "clip_")
def clamp_(t, input, min=None, max=None):
    return t.overwrite(input, t.call("clamp_", input, min, max))


@handles("clamp_min")
def clamp_min(t, input, min):
    return clamp(t, input, min)


@handles("clamp_max")
def clamp_max(t, input, max):
    return clamp(t, input, None, max)


@handles("maximum")
def maximum(t, input, other):
    return t.wrapped(t.call("maximum", input, other))


@handles("minimum")
def minimum(t, input, other):
    return t.wrapped(t.call("minimum", input, other))


@handles("max")
def maximum_of_two(t, input, *others, **more):
    if len(others) != 1 or more or not isinstance(others[0], torch.Tensor):
        raise InputError("for max: wanted the larger of two tensors; a maximum over an axis is not read")
    return maximum(t, input, others[0])


@handles("min")
def minimum_of_two(t, input, *others, **more):
    if len(others) != 1 or more or not isinstance(others[0], torch.Tensor):
        raise InputError("for min: wanted the smaller of two tensors; a minimum over an axis is not read")
    return minimum(t, input, others[0])


@handles("log_softmax")
def log_softmax(t, input, dim=None, _stacklevel=3, dtype=None):
    """As the last layer it is left out: differences of scores are the same before and after it."""
    rank = len(input.shape)
    if rank != 2 or dim not in (1, -1):
        raise InputError(f"for log_softmax over dim {dim} of {rank} dimensions: wanted scores [1, classes] and dim 1")
    t.trace.doubt("last log_softmax is left out, and rounds")
    return t.wrapped(t.value_of(input), final=True)


OPERATORS["log_softmax"] = log_softmax
OPERATORS["_log_softmax"] = lambda t, input, dim, half_to_float=False: log_softmax(t, input, dim)


# Layers.


@handles("linear")
def linear(t, input, weight, bias=None):
    return t.wrapped(t.call("linear", input, weight, bias))


@handles("matmul", "__matmul__", "mm")
def matmul(t, input, other):
    return t.wrapped(t.call("matmul", input, other))


@handles("addmm")
def addmm(t, input, mat1, mat2, *, beta=1, alpha=1):
    return t.wrapped(t.call("addmm", input, mat1, mat2, beta, alpha))


@handles("conv2d")
def conv2d(t, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return t.wrapped(t.call("conv2d", input, weight, bias, stride, padding, dilation, groups))


@handles("batch_norm")
def batch_norm(t, input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5,
               cudnn_enabled=None):
    return t.wrapped(t.call("batch_norm", input, weight, bias, running_mean, running_var, training, momentum, eps))


@handles("dropout", "feature_dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")
def dropout(t, input, p=0.5, training=True, inplace=False):
    return t.wrapped(t.call("dropout", input, p, training))


@handles("max_pool2d", "_max_pool2d")
def max_pool2d(t, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    if return_indices:
        raise InputError("for max_pool2d: return_indices True, wanted False")
    stride = [] if stride is None else stride
    return t.wrapped(t.call("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode))


@handles("avg_pool2d")
def avg_pool2d(t, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    stride = [] if stride is None else stride
    return t.wrapped(t.call("avg_pool2d", input, kernel_size, stride, padding, ceil_mode, count_include_pad,
                            divisor_override))


def _sizes(output_size, images):
    sizes = list(output_size) if isinstance(output_size, (list, tuple)) else [output_size, output_size]
    return [int(images[k - 2]) if size is None else int(size) for k, size in enumerate(sizes)]


@handles("adaptive_avg_pool2d")
def adaptive_avg_pool2d(t, input, output_size):
    return t.wrapped(t.call("adaptive_avg_pool2d", input, _sizes(output_size, input.shape)))


@handles("adaptive_max_pool2d", "_adaptive_max_pool2d")
def adaptive_max_pool2d(t, input, output_size, return_indices=False):
    if return_indices:
        raise InputError("for adaptive_max_pool2d: return_indices True, wanted False")
    sizes = _sizes(output_size, input.shape)
    images = [int(size) for size in input.shape[-2:]]
    if any(size % parts for size, parts in zip(images, sizes)):
        raise InputError(f"for adaptive_max_pool2d: {images} in parts of unequal size, wanted equal ones")
    kernel = [size // parts for size, parts in zip(images, sizes)]
    return max_pool2d(t, input, kernel)


# Names of the same layers in the graphs of older releases of torch.export; what else they give is not used.
OPERATORS["_native_batch_norm_legit_no_training"] = (
    lambda t, x, weight, bias, mean, variance, momentum, eps: (
        batch_norm(t, x, mean, variance, weight, bias, False, momentum, eps), None, None,
    )
)
OPERATORS["convolution"] = lambda t, *args: t.wrapped(t.call("_convolution", *args))
OPERATORS["max_pool2d_with_indices"] = lambda t, *args: (max_pool2d(t, *args), None)
OPERATORS["_adaptive_avg_pool2d"] = adaptive_avg_pool2d


# Arithmetic.


def _arithmetic(name, engine_name, reversed_name=None):
    def forward(t, input, other, *, alpha=1):
        if isinstance(alpha, (int, float)) and alpha == 1:
            return t.wrapped(t.call(engine_name, input, other))
        return t.wrapped(t.call(engine_name, input, other, alpha))

    def backward(t, input, other):  # other op input
        return t.wrapped(t.call(engine_name, other, input))

    def in_place(t, input, other, *, alpha=1):
        return t.overwrite(input, t.call(engine_name + "_", input, other, *([] if alpha == 1 else [alpha])))

    handles(name, f"__{name}__")(forward)
    handles(f"__r{name}__")(backward)
    handles(name + "_", f"__i{name}__")(in_place)
    for other_name in reversed_name or ():
        handles(other_name, f"__{other_name}__")(forward)
        handles(other_name + "_", f"__i{other_name}__")(in_place)
        handles(f"__r{other_name}__")(backward)


_arithmetic("add", "add")
_arithmetic("sub", "sub", ["subtract"])
_arithmetic("mul", "mul", ["multiply"])


@handles("div", "divide", "true_divide", "__truediv__", "__div__")
def div(t, input, other, *, rounding_mode=None):
    return t.wrapped(t.call("div", input, other, rounding_mode))


@handles("__rtruediv__", "__rdiv__")
def divide_into(t, input, other):
    return t.wrapped(t.call("div", other, input))


@handles("div_", "divide_", "__itruediv__", "__idiv__")
def div_(t, input, other, *, rounding_mode=None):
    return t.overwrite(input, t.call("div_", input, other, rounding_mode))


@handles("rsub")
def rsub(t, input, other, *, alpha=1):
    return t.wrapped(t.call("rsub", input, other, alpha))


@handles("mean")
def mean(t, input, dim=None, keepdim=False, *, axis=None, dtype=None):
    return t.wrapped(t.call("mean", input, dim if axis is None else axis, keepdim))


@handles("sum")
def total(t, input, dim=None, keepdim=False, *, axis=None, dtype=None):
    return t.wrapped(t.call("sum", input, dim if axis is None else axis, keepdim))


# Order and shape.


def _flat(sizes):
    """Sizes given one by one, or as one list."""
    if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)):
        return list(sizes[0])
    return list(sizes)


@handles("reshape")
def reshape(t, input, *shape, **named):
    return t.wrapped(t.call("reshape", input, _flat(shape or (named["shape"],))))


@handles("view")
def view(t, input, *shape, **named):
    shape = _flat(shape or tuple(named.values()))
    if any(isinstance(size, torch.dtype) for size in shape):
        raise InputError("for view: another dtype")
    return t.wrapped(t.call("view", input, shape))


@handles("view_as", "reshape_as")
def view_as(t, input, other):
    return t.wrapped(t.call("view", input, [int(size) for size in other.shape]))


@handles("flatten")
def flatten(t, input, start_dim=0, end_dim=-1):
    return t.wrapped(t.call("flatten", input, start_dim, end_dim))


@handles("unflatten")
def unflatten(t, input, dim, sizes):
    shape = [int(size) for size in input.shape]
    dim = dim % len(shape)
    return t.wrapped(t.call("reshape", input, shape[:dim] + _flat((sizes,)) + shape[dim + 1:]))


@handles("squeeze")
def squeeze(t, input, *dim, **named):
    dim = dim or tuple(named.values())
    return t.wrapped(t.call("squeeze", input, *(_flat(dim) and [_flat(dim)] if dim else [])))


@handles("unsqueeze")
def unsqueeze(t, input, dim):
    return t.wrapped(t.call("unsqueeze", input, dim))


@handles("permute")
def permute(t, input, *dims, **named):
    return t.wrapped(t.call("permute", input, _flat(dims or tuple(named.values()))))


@handles("transpose", "swapaxes", "swapdims")
def transpose(t, input, dim0, dim1):
    return t.wrapped(t.call("transpose", input, dim0, dim1))


@handles("clone")
def clone(t, input, *, memory_format=None):
    return t.wrapped(t.call("clone", input))


@handles("contiguous")
def contiguous(t, input, *, memory_format=None):
    return t.wrapped(t.call("contiguous", input))


@handles("to", "type", "type_as", "float", "double", "cpu", "cuda")
def to(t, input, *args, **kwargs):
    """Between devices and kinds of floating-point numbers nothing changes."""
    for value in list(args) + list(kwargs.values()):
        if isinstance(value, torch.dtype) and value not in (torch.float32, torch.float64):
            raise InputError(f"for to: {value}, wanted float32 or float64")
    return t.wrapped(t.call("detach", input))


@handles("cat", "concat", "concatenate")
def cat(t, tensors, dim=0, *, axis=None):
    return t.wrapped(t.call("cat", list(tensors), dim if axis is None else axis))


@handles("stack")
def stack(t, tensors, dim=0):
    return t.wrapped(t.call("cat", [unsqueeze(t, tensor, dim) for tensor in tensors], dim))


@handles("chunk")
def chunk(t, input, chunks, dim=0):
    return t.wrapped(t.call("chunk", input, chunks, dim))


@handles("split")
def split(t, tensor, split_size_or_sizes, dim=0):
    return t.wrapped(t.call("split", tensor, split_size_or_sizes, dim))


@handles("select")
def select(t, input, dim, index):
    return t.wrapped(t.call("select", input, dim, index))


@handles("narrow")
def narrow(t, input, dim, start, length):
    return t.wrapped(t.call("slice", input, dim, start, start + length, 1))


@handles("pad")
def pad(t, input, pad, mode="constant", value=None):
    return t.wrapped(t.call("pad", input, list(pad), mode, 0.0 if value is None else value))


@handles("__getitem__")
def getitem(t, input, index):
    index = index if isinstance(index, tuple) else (index,)
    kept = sum(1 for part in index if part is not None and part is not Ellipsis)
    axis, result = 0, input
    for part in index:
        if part is Ellipsis:
            axis += len(input.shape) - kept
        elif part is None:
            result = unsqueeze(t, result, axis)
            axis += 1
        elif isinstance(part, slice):
            size = int(result.shape[axis])
            start, stop, step = part.indices(size)
            if (start, stop, step) != (0, size, 1):
                result = t.wrapped(t.call("slice", result, axis, start, stop, step))
            axis += 1
        elif isinstance(part, int) and not isinstance(part, bool):
            result = select(t, result, axis, part)
        else:
            raise InputError(f"for an index of type {type(part).__name__}: wanted numbers and slices")
    return result if result is not input else t.wrapped(t.call("detach", input))


# What is known of a tensor without its values.


def _passed(*names):
    for name in names:
        function = getattr(torch.Tensor, name, None)
        if function is None:
            continue
        getter = getattr(function, "__get__", None) if not callable(function) else function

        def answer(t, *args, _function=getter, **kwargs):
            with torch._C.DisableTorchFunctionSubclass():
                return _function(*args, **kwargs)

        PASSED[getter] = answer


_passed("size", "dim", "ndimension", "numel", "nelement", "stride", "is_contiguous", "is_floating_point", "is_complex",
        "element_size", "get_device", "__len__", "__hash__", "is_set_to", "requires_grad_", "__repr__",
        "shape", "ndim", "requires_grad", "is_leaf", "layout", "is_sparse", "is_quantized", "is_nested", "names",
        "itemsize", "grad_fn", "is_mkldnn")
PASSED[torch.Tensor.dtype.__get__] = lambda t, x: t.dtype
PASSED[torch.Tensor.device.__get__] = lambda t, x: t.device
for _name in ("is_floating_point", "is_complex", "numel", "is_tensor"):
    if hasattr(torch, _name):
        PASSED[getattr(torch, _name)] = (
            lambda t, x, _function=getattr(torch, _name): _without_override(_function, x)
        )
for _name, _answer in (("is_cuda", "cuda"), ("is_mps", "mps"), ("is_cpu", "cpu"), ("is_meta", "meta")):
    if hasattr(torch.Tensor, _name):
        PASSED[getattr(torch.Tensor, _name).__get__] = lambda t, x, _answer=_answer: t.device.type == _answer
for _name in ("T", "mT"):
    HANDLERS[getattr(torch.Tensor, _name).__get__] = (
        lambda t, x: t.wrapped(t.call("transpose", x, -2, -1)) if len(x.shape) == 2 else _no_transpose()
    )
HANDLERS[torch.Tensor.data.__get__] = lambda t, x: t.wrapped(t.call("detach", x))


def _without_override(function, *args):
    with torch._C.DisableTorchFunctionSubclass():
        return function(*args)


def _no_transpose():
    raise InputError("for T of other than 2 dimensions: wanted transpose or permute")
