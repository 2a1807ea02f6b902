#!/usr/bin/env python3
"""Writes the corpora of the fuzz targets (fuzz/corpus) and the certificates' problem (fuzz/problem).

    python3 fuzz/make_corpus.py [VERISSIM]

With the path of the program, certificates are made anew too. Equal bytes each time. The targets of model files begin
with tests/network/data as well, which is not copied here.
"""

import gzip
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
MODELS = HERE.parent / "tests" / "network" / "data"


def put(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)


def noise(count, seed=1):
    """Bytes that look random."""
    state, out = seed, bytearray()
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(state >> 16 & 255)
    return bytes(out)


# --- images ---


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, bits, colour, interlace=0, extra=(), filters=True, rows=None):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    raw = b""
    passes = [(0, 0, 1, 1)]
    if interlace:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    for x, y, dx, dy in passes if rows is None else []:
        w, h = (width - x + dx - 1) // dx, (height - y + dy - 1) // dy
        for k in range(h if w > 0 else 0):
            raw += bytes([k % 5 if filters else 0]) + noise((w * channels * bits + 7) // 8, k + 1)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    body = b"".join(chunk(kind, data) for kind, data in extra)
    packed = zlib.compress(raw if rows is None else rows, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def make_png():
    palette = (b"PLTE", noise(3 * 16))
    cases = {
        "grey": png(5, 4, 8, 0), "grey1": png(9, 3, 1, 0), "grey2": png(5, 2, 2, 0), "grey4": png(3, 3, 4, 0),
        "grey16": png(3, 2, 16, 0), "rgb": png(4, 4, 8, 2), "rgb16": png(2, 2, 16, 2), "alpha": png(3, 3, 8, 4),
        "rgba": png(3, 2, 8, 6), "rgba16": png(2, 2, 16, 6), "interlaced": png(9, 9, 8, 2, 1),
        "palette4": png(4, 4, 4, 3, 0, [palette]), "palette8_trns": png(4, 4, 8, 3, 0, [palette, (b"tRNS", noise(9))]),
        "trns_rgb": png(4, 4, 8, 2, 0, [(b"tRNS", b"\0\1\0\2\0\3")]),
        "texts": png(3, 3, 8, 0, 0, [(b"gAMA", b"\0\0\xb1\x8f"), (b"tEXt", b"Title\0words"),
                                     (b"zTXt", b"a\0\0" + zlib.compress(b"b" * 200))]),
        "huge_claim": png(16384, 16384, 8, 6, rows=b"\0" * 100), "too_large": png(2**31 - 1, 2**31 - 1, 8, 0, rows=b""),
        "empty_side": png(0, 4, 8, 0, rows=b""),
    }
    for name, data in cases.items():
        put("png", name + ".png", data)
        put("checker_png", name + ".png", data)


def make_pnm():
    put("pnm", "p5", b"P5 3 2 255\n" + noise(6))
    put("pnm", "p6", b"P6\n# comment\n2 2\n255\n" + noise(12))
    put("pnm", "p5_16", b"P5 2 2 65535\n" + noise(8))
    put("pnm", "p2", "P2 3 2 15\n1 2 3\n4 5 15\n")
    put("pnm", "p3", "P3 1 2 255 1 2 3 # x\n4 5 6")
    put("pnm", "crlf", b"P6\r\n2 2\r\n255\r\n" + b"\r\n" * 3 + noise(9))
    put("pnm", "huge_claim", "P6 16384 16384 255\n")
    put("pnm", "overflow", "P5 99999999999999999999 1 255\n")
    put("pnm", "bitmap", "P4 8 8\n12345678")
    put("pnm", "over_maximum", b"P5 2 2 7\n\x08\x01\x02\x03")


def npy(descr, shape, data, version=1, order="False"):
    header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".encode() + b" " * 7 + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def make_npy():
    doubles = struct.pack("<4d", 0.0, 0.25, 1.0, 0.5)
    put("npy", "f8.npy", npy("<f8", "(1, 2, 2)", doubles))
    put("npy", "f8_big.npy", npy(">f8", "(4,)", struct.pack(">4d", 0, 1, 0.5, 0.125)))
    put("npy", "f4.npy", npy("<f4", "(2, 2)", struct.pack("<4f", 0, 1, 0.5, 0.125), 2))
    put("npy", "u1.npy", npy("|u1", "(2, 2, 3)", noise(12), 3))
    put("npy", "u1_grey.npy", npy("|u1", "(3, 2)", noise(6)))
    put("npy", "nan.npy", npy("<f8", "(1,)", struct.pack("<d", float("nan"))))
    put("npy", "infinity.npy", npy("<f4", "(1,)", struct.pack("<f", float("inf"))))
    put("npy", "denormal.npy", npy("<f8", "(1,)", struct.pack("<d", 5e-324)))
    put("npy", "fortran.npy", npy("<f8", "(2, 2)", doubles, order="True"))
    put("npy", "object.npy", npy("|O", "(1,)", b"cos\nsystem\n."))
    put("npy", "huge_claim.npy", npy("<f8", "(16384, 16384)", b""))
    put("npy", "product.npy", npy("<f8", "(65536, 65536, 65536, 65536)", b""))


# --- data sets ---


def idx(sizes, data):
    return struct.pack(">I", 0x800 | len(sizes)) + b"".join(struct.pack(">I", s) for s in sizes) + data


def make_idx():
    images, labels = idx([2, 3, 4], noise(24)), idx([5], bytes(range(5)))
    put("idx", "images", images)
    put("idx", "labels", labels)
    put("idx", "images.gz", gzip.compress(images, mtime=0))
    put("idx", "two_members.gz", gzip.compress(labels[:6], mtime=0) + gzip.compress(labels[6:], mtime=0))
    put("idx", "huge_claim", idx([2**32 - 1, 2**32 - 1, 2**32 - 1], b""))
    put("idx", "zero", idx([0, 3, 4], b""))
    put("idx", "bomb.gz", gzip.compress(idx([1, 1000, 1000], bytes(10**6)), mtime=0))


def archive(entries, pack=zipfile.ZIP_STORED):
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", pack) as out:
            for name, data in entries:
                out.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, pack)
        file.seek(0)
        return file.read()


def make_archive():
    image = b"P6 2 2 255\n" + noise(12)
    usual = [("GTSRB/Training/00003/00000_00001.ppm", image), ("GTSRB/Training/00003/GT-00003.csv", "a;b\n")]
    put("archive", "usual.zip", archive(usual))
    put("archive", "deflated.zip", archive(usual, zipfile.ZIP_DEFLATED))
    put("archive", "outside.zip", archive([("../../outside/00001/x.ppm", image), ("/etc/00002/y.ppm", image),
                                           ("C:\\00003\\z.ppm", image), ("a/../../00004/w.ppm", image)]))
    put("archive", "bomb.zip", archive([("00001/x.ppm", bytes(10**6))], zipfile.ZIP_DEFLATED))
    put("archive", "empty.zip", archive([]))
    lying = bytearray(archive([("00001/x.ppm", image)], zipfile.ZIP_DEFLATED))
    at = lying.index(b"PK\1\2") + 24
    lying[at:at + 4] = struct.pack("<I", 1 << 27)  # the size that the directory claims
    put("archive", "huge_claim.zip", bytes(lying))
    lying[at - 4:at] = struct.pack("<I", 1 << 17)  # and that of its packed bytes, more than the file has
    put("archive", "huge_claims.zip", bytes(lying))


def make_labels():
    put("labels", "usual.csv", "Filename;Width;Height;ClassId\r\n00000.ppm;53;54;16\r\n00001.ppm;42;45;1\r\n")
    put("labels", "other_order.csv", "ClassId;Filename\n3; a.ppm \n\n42;b.ppm")
    put("labels", "outside.csv", "Filename;ClassId\n../x.ppm;1\n")
    put("labels", "wrong_class.csv", "Filename;ClassId\nx.ppm;43\n")
    put("labels", "overflow.csv", "Filename;ClassId\nx.ppm;99999999999999999999\n")
    put("labels", "twice.csv", "Filename;ClassId;ClassId\nx.ppm;1;2\n")


# --- texts ---


def make_config():
    for name in ("fashion-mnist", "mnist", "gtsrb"):
        shutil.copy(HERE.parent / "examples" / f"{name}.json", CORPUS / "config")
    put("config", "nested.json", "[" * 40 + "]" * 40)
    put("config", "twice.json", '{"path": "a", "path": "b"}')
    put("config", "numbers.json", '{"dimension": [1, 1e400, -0.0], "minlp": {"threshold": 1e-999999999}}')
    put("config", "escapes.json", '{"path": "\\ud800\\u0000\\n\\"", "x": "\x7f"}')
    put("config", "comment.json", "/* a /* b */ { // c\n}")


def make_vnnlib():
    put("vnnlib", "one.vnnlib", "; words\n(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n"
        "(assert (>= X_0 -1.5e-3))\n(assert (<= X_0 0.25))\n(assert (or (and (<= Y_0 Y_1)) (and (>= Y_0 1))))\n")
    put("vnnlib", "two.vnnlib", "(vnnlib-version <2.0>)\n(declare-network N (declare-input X float32 [1,2])\n"
        "(declare-output Y float32 [1,2]))\n(assert (and (<= X[0,0] 1) (>= X[0,0] 0) (== X[0,1] (/ 1 3))))\n"
        "(assert (< (+ (* 2 Y[0,0]) (- Y[0,1])) 3))\n")
    put("vnnlib", "deep.vnnlib", "(assert " + "(and " * 300 + ")" * 300 + ")")
    put("vnnlib", "exponent.vnnlib", "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 1e99999999))")
    put("vnnlib", "index.vnnlib", "(declare-const X_99999999999 Real)(declare-const Y_4294967296 Real)")
    put("vnnlib", "shape.vnnlib", "(vnnlib-version <2.0>)(declare-network N (declare-input X Real [1000000,1000000])"
        "(declare-output Y Real [2]))(assert (<= X[0,0] 1))")
    put("vnnlib", "spread.vnnlib", "(declare-const X_0 Real)(declare-const Y_0 Real)\n"
        + "(assert (or (<= Y_0 1) (<= Y_0 2) (<= Y_0 3)))\n" * 8)


# --- models ---


def records(shape, entries):
    out = bytes(shape)
    for name, data in entries:
        out += bytes([len(name)]) + name.encode() + struct.pack("<H", len(data)) + data
    return out


def make_pickle():
    shapes = {"conv.pt": (2, 3, 4), "script.pt": (1, 4, 4)}
    for path in sorted(MODELS.glob("*.pt")):
        if not zipfile.is_zipfile(path):
            continue
        with zipfile.ZipFile(path) as file:
            entries = [(name, file.read(name)) for name in file.namelist()]
        put("pickle", path.stem, records(shapes.get(path.name, (0, 0, 0)), entries))
    storages = [("a/data/0", struct.pack("<4f", 1, 2, 3, 4)), ("a/version", b"3\n")]
    evil = b"\x80\x02cposix\nsystem\nq\x00X\x04\0\0\0trueq\x01\x85q\x02Rq\x03."
    put("pickle", "call", records((0, 0, 0), [("a/data.pkl", evil)] + storages))
    put("pickle", "long", records((0, 0, 0), [("a/data.pkl", b"\x80\x02\x8b\xff\xff\xff\x7f.")] + storages))
    put("pickle", "deep", records((0, 0, 0), [("a/data.pkl", b"\x80\x02" + b"(" * 2000 + b"l" * 2000 + b".")] + storages))
    put("pickle", "many", records((0, 0, 0), [("a/data.pkl", b"\x80\x02]q\0" + b"h\0a" * 200 + b".")] + storages))


def safetensors(header, data):
    text = header.encode()
    return struct.pack("<Q", len(text)) + text + data


def linear(dtype, numbers):
    return safetensors(f'{{"0.weight":{{"dtype":"{dtype}","shape":[2,2],"data_offsets":[0,{len(numbers) * 2 // 3}]}},'
                       f'"0.bias":{{"dtype":"{dtype}","shape":[2],"data_offsets":[{len(numbers) * 2 // 3},{len(numbers)}]}}}}', numbers)


def make_safetensors():
    put("safetensors", "float32", linear("F32", struct.pack("<6f", 1, 2, -3, 0.5, 0, 1)))
    put("safetensors", "float16", linear("F16", struct.pack("<6e", 1, 2, -3, 0.5, 0, 1)))
    put("safetensors", "float64", linear("F64", struct.pack("<6d", 1, 2, -3, 0.5, 0, 1)))
    put("safetensors", "nan", linear("F32", struct.pack("<6f", float("nan"), 2, -3, 0.5, 0, 1)))
    put("safetensors", "infinity", linear("F32", struct.pack("<6f", float("inf"), 2, -3, 0.5, 0, 1)))
    put("safetensors", "denormal", linear("F64", struct.pack("<6d", 5e-324, 2e-310, -5e-324, 0.5, 0, 1)))
    put("safetensors", "largest", linear("F64", struct.pack("<6d", *[1.7976931348623157e308] * 6)))
    put("safetensors", "huge_claim", safetensors('{"a":{"dtype":"F32","shape":[4294967296,4294967296],'
                                                 '"data_offsets":[0,4]}}', b"1234"))
    put("safetensors", "header_beyond", struct.pack("<Q", 2**63) + b"{}")
    put("safetensors", "nested", safetensors("[" * 400 + "]" * 400, b""))


# --- ONNX: protobuf by hand ---


def varint(value):
    value &= 2**64 - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name, dims, values, kind=1):
    raw = struct.pack(f"<{len(values)}" + {1: "f", 7: "q", 11: "d"}[kind], *values)
    return b"".join(field(1, d) for d in dims) + field(2, kind) + field(8, name) + field(9, raw)


def attribute(name, value):
    if isinstance(value, float):
        return field(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + field(20, 1)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    return field(1, name) + b"".join(field(8, v) for v in value) + field(20, 7)


def node(kind, inputs, output, **attributes):
    return (b"".join(field(1, i) for i in inputs) + field(2, output) + field(3, output + "_node") + field(4, kind)
            + b"".join(field(5, attribute(k, v)) for k, v in attributes.items()))


def value_info(name, shape):
    dims = b"".join(field(1, field(1, d) if isinstance(d, int) else field(2, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


def onnx(nodes, shape, tensors=(), opset=13):
    graph = b"".join(field(1, n) for n in nodes) + field(2, "g") + b"".join(field(5, t) for t in tensors)
    graph += field(11, value_info("x", shape)) + field(12, value_info("y", ["N"]))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, opset))


def make_onnx():
    w = [0.5, -1, 2, 0.25, 1, -0.5, 3, 1]
    dense = [tensor("w", [2, 4], w), tensor("b", [2], [0.1, -0.2])]
    last = node("Gemm", ["f", "w", "b"], "y", transB=1)
    put("onnx", "gemm", onnx([node("Flatten", ["x"], "f", axis=1), last], [1, 1, 2, 2], dense))
    kernel = tensor("k", [2, 1, 2, 2], w)
    two = [tensor("w", [2, 2], w[:4]), tensor("b", [2], [0.1, -0.2])]
    for name, attributes in (("conv", {}), ("strided", {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
                             ("huge_pads", {"pads": [1 << 40] * 4}), ("huge_dilation", {"dilations": [1 << 40, 1]}),
                             ("negative", {"strides": [-1, 1]}), ("wide_pads", {"pads": [20_000] * 4})):
        put("onnx", name, onnx([node("Conv", ["x", "k"], "c", **attributes), node("Relu", ["c"], "r"),
                                node("GlobalAveragePool", ["r"], "p"), node("Flatten", ["p"], "f"), last],
                               [1, 1, 4, 4], [kernel] + two))
    for kind in ("MaxPool", "AveragePool"):
        put("onnx", kind.lower(), onnx([node(kind, ["x"], "p", kernel_shape=[2, 2], strides=[2, 2]),
                                        node("Flatten", ["p"], "f"), last], [1, 1, 4, 4], dense))
    put("onnx", "huge_input", onnx([node("MaxPool", ["x"], "p", kernel_shape=[8192, 8192], strides=[8192, 8192]),
                                    node("Flatten", ["p"], "f"), last], [1, 1, 16384, 16384], dense))
    put("onnx", "huge_zeros", onnx([node("ConstantOfShape", ["s"], "z"), node("Add", ["x", "z"], "y")], [1, 4],
                                   [tensor("s", [2], [1 << 20, 1 << 20], 7)]))
    put("onnx", "expand", onnx([node("Expand", ["x", "s"], "y")], [1, 4], [tensor("s", [3], [1 << 20, 1, 4], 7)]))
    put("onnx", "slice", onnx([node("Slice", ["x", "a", "e"], "f"), last], [1, 1, 1, 8],
                              dense + [tensor("a", [1], [-(1 << 63)], 7), tensor("e", [1], [(1 << 63) - 1], 7)]))
    put("onnx", "reshape", onnx([node("Reshape", ["x", "s"], "f"), last], [1, 1, 2, 2],
                                dense + [tensor("s", [2], [0, -1], 7)]))
    put("onnx", "concat", onnx([node("Concat", ["x", "x"], "f", axis=1), last], [1, 2], dense))
    put("onnx", "pad", onnx([node("Pad", ["x", "s"], "f"), last], [1, 2],
                            dense + [tensor("s", [4], [0, 1, 0, 1], 7)]))
    put("onnx", "huge_pad", onnx([node("Pad", ["x", "s"], "f"), last], [1, 2],
                                 dense + [tensor("s", [4], [0, 1 << 40, 0, 1], 7)]))
    put("onnx", "nan", onnx([node("Flatten", ["x"], "f"), last], [1, 1, 2, 2],
                            [tensor("w", [2, 4], [float("nan")] * 8), dense[1]]))
    put("onnx", "overflow", onnx([node("Mul", ["x", "m"], "a"), node("Mul", ["a", "m"], "f"), last], [1, 4],
                                 [tensor("m", [1], [1e308], 11)] + dense))
    put("onnx", "norm", onnx([node("BatchNormalization", ["x", "o", "o", "o", "z"], "c", epsilon=1e-5),
                              node("Flatten", ["c"], "f"), last], [1, 1, 2, 2],
                             dense + [tensor("o", [1], [1.0]), tensor("z", [1], [0.0])]))
    put("onnx", "cycle", onnx([node("Relu", ["y"], "a"), node("Relu", ["a"], "y")], [1, 4]))
    put("onnx", "bomb.gz", gzip.compress(onnx([node("Relu", ["x"], "y")], [1, 4], [tensor("w", [20_000], [0.0] * 20_000)]),
                                         mtime=0))


def make_checker_onnx():
    for path in sorted((CORPUS / "onnx").iterdir()):
        put("checker_onnx", path.name, path.read_bytes())
    # Small files of networks that would be large.
    small = [tensor("k", [1, 1, 1, 1], [2])]
    nodes = [node("Relu", ["x" if k == 0 else f"r{k}"], f"r{k + 1}") for k in range(300)]
    put("checker_onnx", "many_relus", onnx(nodes, [1, 1, 800, 800]))
    put("checker_onnx", "large_input", onnx([node("Conv", ["x", "k"], "y")], [1, 1, 4096, 4096], small))
    for name, size, pad in (("large_kernel", 1 << 19, 1 << 18), ("large_pads", 1, 2000)):
        pool = node("AveragePool", ["x"], "y", kernel_shape=[size] * 2, pads=[pad] * 4)
        put("checker_onnx", name, onnx([pool], [1, 1, 4, 4]))
    put("checker_onnx", "residual", onnx([node("Conv", ["x", "k"], "c"), node("Relu", ["c"], "r"),
                                          node("Add", ["r", "x"], "y")], [1, 1, 4, 4], small))


# --- certificates ---


def state_dict(layers):
    """What torch.save writes of Linear layers, as far as readers look at it."""
    pickle = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01("
    storages = []
    for number, (weight, bias) in enumerate(layers):
        for name, numbers, shape in ((f"{2 * number}.weight", sum(weight, []), [len(weight), len(weight[0])]),
                                     (f"{2 * number}.bias", bias, [len(bias)])):
            text = lambda s: b"X" + struct.pack("<I", len(s)) + s.encode()
            whole = lambda n: b"J" + struct.pack("<i", n)
            strides = [shape[1], 1] if len(shape) == 2 else [1]
            pair = lambda values: b"(" + b"".join(whole(v) for v in values) + b"t"
            pickle += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(("
            pickle += text("storage") + b"ctorch\nFloatStorage\n" + text(str(len(storages))) + text("cpu")
            pickle += whole(len(numbers)) + b"tQ" + whole(0) + pair(shape) + pair(strides)
            pickle += b"\x89ccollections\nOrderedDict\n)RtR"
            storages.append(struct.pack(f"<{len(numbers)}f", *numbers))
    entries = [("m/data.pkl", pickle + b"u."), ("m/byteorder", b"little"), ("m/version", b"3\n")]
    return archive(entries + [(f"m/data/{k}", data) for k, data in enumerate(storages)])


def make_problem(program):
    folder = HERE / "problem"
    folder.mkdir(exist_ok=True)
    values = [(b - 128) / 100 for b in noise(4000, 7)]

    def matrix(rows, columns):
        return [[values.pop() for _ in range(columns)] for _ in range(rows)]

    layers = [(matrix(8, 9), matrix(1, 8)[0]), (matrix(6, 8), matrix(1, 6)[0]), (matrix(2, 6), [3.0, 0.0])]
    (folder / "model.pt").write_bytes(state_dict(layers))
    rows = b"".join(b"\0" + bytes([60 + 40 * ((x + y) % 3) + 30 * (x == y) for x in range(3)]) for y in range(3))
    (folder / "image.png").write_bytes(png(3, 3, 8, 0, rows=rows))
    put("checker_pytorch", "model.pt", (folder / "model.pt").read_bytes())
    if program:
        make_certificates(program, folder)


def make_certificates(program, folder):
    """Certificates of the problem with tau 0.9, as they are before packing; those of other thresholds are refused."""
    for tau, arithmetic in (("0.9", "exact"), ("0.9", "float32"), ("0.99", "exact"), ("0.5", "exact"), ("0.2", "exact")):
        with tempfile.TemporaryDirectory() as place:
            file = pathlib.Path(place) / "c"
            command = [program, "verify", "--model", folder / "model.pt", "--image", folder / "image.png", "--class", "0",
                       "--ssim", tau, "--dimension", "1,3,3", "--certificate", file, "--quiet", "--threads", "1",
                       "--arithmetic", arithmetic]
            code = subprocess.run([str(word) for word in command], check=False, stdout=subprocess.DEVNULL).returncode
            if code not in (10, 20) or not file.exists():
                print(f"tau {tau}: exit code {code}, no certificate")
                continue
            data = file.read_bytes()
            line = data.index(b"\n") + 1
            name = f"tau_{tau}" + ("" if arithmetic == "exact" else "_float32")
            put("certificate", name, data[:line] + zlib.decompress(data[line:-4]))


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else None
    for folder in sorted(CORPUS.glob("*")):
        if folder.name != "certificate" or program:
            shutil.rmtree(folder)
    (CORPUS / "config").mkdir(parents=True)
    for make in (make_png, make_pnm, make_npy, make_idx, make_archive, make_labels, make_config, make_vnnlib, make_pickle,
                 make_safetensors, make_onnx, make_checker_onnx):
        make()
    make_problem(program)
    for path in sorted(MODELS.glob("*.pt")):
        put("checker_pytorch", path.name, path.read_bytes())
        put("pytorch", path.name, path.read_bytes())
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    print(len(files), "files,", sum(path.stat().st_size for path in files), "bytes")


if __name__ == "__main__":
    main()
