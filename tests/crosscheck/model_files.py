"""Model and image files written byte by byte, without any library that reads or writes them elsewhere."""

import io
import pickle
import struct
import sys
import types
import zipfile
import zlib
from collections import OrderedDict


def single(x):
    """The float32 nearest to x."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


class _Storage:
    def __init__(self, key, count):
        self.key, self.count = key, count


class _Tensor:
    def __init__(self, key, values, shape):
        self.storage, self.shape = _Storage(key, len(values)), tuple(shape)

    def __reduce__(self):
        strides = []
        for axis in range(len(self.shape)):
            stride = 1
            for size in self.shape[axis + 1 :]:
                stride *= size
            strides.append(stride)
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (self.storage, 0, self.shape, tuple(strides), False, OrderedDict())


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if not isinstance(obj, _Storage):
            return None
        return "storage", sys.modules["torch"].FloatStorage, obj.key, "cpu", obj.count


def _named(module, name):
    one = types.ModuleType(module)
    stand_in = type(name, (), {"__module__": module, "__qualname__": name})
    setattr(one, name, stand_in)
    return one


def write_state_dict(path, layers):
    """layers: [(weights by rows, biases)], Linear with a ReLU between each two, as torch.save writes them."""
    stand_ins = {"torch": _named("torch", "FloatStorage"), "torch._utils": _named("torch._utils", "_rebuild_tensor_v2")}
    real = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        state, arrays = OrderedDict(), []
        for index, (rows, biases) in enumerate(layers):
            flat = [w for row in rows for w in row]
            for name, values, shape in (("weight", flat, (len(rows), len(rows[0]))), ("bias", biases, (len(biases),))):
                state[f"layers.{2 * index}.{name}"] = _Tensor(str(len(arrays)), values, shape)
                arrays.append(values)
        pickled = io.BytesIO()
        _Pickler(pickled, protocol=2).dump(state)
    finally:
        for name, module in real.items():
            sys.modules.pop(name) if module is None else sys.modules.update({name: module})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickled.getvalue())
        archive.writestr("model/byteorder", "little")
        for key, values in enumerate(arrays):
            archive.writestr(f"model/data/{key}", floats(values))
        archive.writestr("model/version", "3\n")


def write_png(path, height, width, channels, levels):
    """levels: by rows, the channels of a pixel side by side."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = width * channels
    lines = b"".join(b"\0" + bytes(levels[k * row : (k + 1) * row]) for k in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


# ONNX in protobuf's wire format.


def _varint(value):
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def _field(number, value):
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    if isinstance(value, str):
        value = value.encode()
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _tensor(name, shape, values):
    return b"".join(_field(1, d) for d in shape) + _field(2, 1) + _field(8, name) + _field(9, floats(values))


def _value(name, shape):
    dimensions = b"".join(_field(1, _field(1, d)) for d in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dimensions)))


def _integers(name, values):
    return _field(1, name) + b"".join(_field(8, v) for v in values) + _field(20, 7)


def _node(op, inputs, output, attributes=()):
    data = b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(3, output) + _field(4, op)
    return data + b"".join(_field(5, attribute) for attribute in attributes)


def write_onnx(path, shape, conv, pool, layers):
    """A convolution of `shape` images without padding, ReLU, MaxPool, then layers as in write_state_dict.

    conv: (kernels by output channel, each flat over [input channels, 2, 2]; biases).
    """
    kernels, biases = conv
    channels, height, width = shape
    tensors = [_tensor("k", (len(kernels), channels, 2, 2), [w for kernel in kernels for w in kernel])]
    tensors.append(_tensor("kb", (len(biases),), biases))
    nodes = [_node("Conv", ["x", "k", "kb"], "c", [_integers("kernel_shape", [2, 2])])]
    nodes += [_node("Relu", ["c"], "r")]
    if pool != (1, 1):
        nodes += [_node("MaxPool", ["r"], "p", [_integers("kernel_shape", pool)])]
    nodes += [_node("Flatten", ["r" if pool == (1, 1) else "p"], "f")]
    last = "f"
    for index, (rows, offsets) in enumerate(layers):
        flat = [w for row in rows for w in row]
        tensors.append(_tensor(f"w{index}", (len(rows), len(rows[0])), flat))
        tensors.append(_tensor(f"b{index}", (len(offsets),), offsets))
        transposed = _field(1, "transB") + _field(3, 1) + _field(20, 2)
        nodes.append(_node("Gemm", [last, f"w{index}", f"b{index}"], f"g{index}", [transposed]))
        last = f"g{index}"
        if index + 1 < len(layers):
            nodes.append(_node("Relu", [last], f"a{index}"))
            last = f"a{index}"
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "net")
    graph += b"".join(_field(5, tensor) for tensor in tensors)
    graph += _field(11, _value("x", (1, channels, height, width)))
    graph += _field(12, _value(last, (1, len(layers[-1][1]))))
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13)))
