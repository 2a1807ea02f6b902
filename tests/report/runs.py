"""Folders of small runs, made by the program itself, for the tests of its pages. Python's standard library alone."""

import json
import pathlib
import random
import struct
import subprocess
import zlib

PIXELS = [200 + i if i < 8 else 80 + i for i in range(16)]  # bright above, dark below: an even label


def write_png(path, rows):
    height, width = len(rows), len(rows[0])
    data = b"".join(b"\0" + bytes(row) for row in rows)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    )


def write_mnist(root, count=200, size=8):
    """Images whose upper half is bright for even labels and dark for odd ones."""
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    rng = random.Random(5)
    for name in ("train", "t10k"):
        labels = bytes(i % 10 for i in range(count))
        pixels = bytearray()
        for label in labels:
            for pixel in range(size * size):
                upper = pixel < size * size // 2
                pixels.append((190 if upper == (label % 2 == 0) else 60) + rng.randrange(60))
        (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, count, size, size) + pixels)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels)


def write_network(path, fragile):
    """1x4x4 -> 6-6 -> 2 classes as safetensors. Class 1 wins everywhere, or by one pixel near the reference's."""
    rng = random.Random(1)
    sizes = [(16, 6), (6, 6), (6, 2)]
    tensors = {}
    for k, (inputs, outputs) in enumerate(sizes):
        noise = 0.2 if fragile and k < 2 else 0.0
        tensors[f"{2 * k}.weight"] = [outputs, inputs], [noise * rng.gauss(0, 1) for _ in range(inputs * outputs)]
        tensors[f"{2 * k}.bias"] = [outputs], [0.0] * outputs
    tensors["4.bias"][1][1] = 1.0
    if fragile:
        for key in ("0.weight", "2.weight"):
            weights = tensors[key][1]
            weights[: tensors[key][0][1]] = [1.0] + [0.0] * (tensors[key][0][1] - 1)
        tensors["4.weight"][1][6] = 4.0
        tensors["4.bias"][1][1] = -4.0 * PIXELS[0] / 255 + 0.05
    header, data = {}, b""
    for key, (shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def make_run(program, root, fragile, reference="3 <b> & 'x'.png", more=None):
    """Makes a run below root and returns its folder. Without LibTorch a fragile network is verified only."""
    root.mkdir(parents=True, exist_ok=True)
    if not (root / "data").exists():
        write_mnist(root / "data")
    write_png(root / reference, [PIXELS[i : i + 4] for i in range(0, 16, 4)])
    (root / "models").mkdir(exist_ok=True)
    write_network(root / "models" / "model_i1x4x4_l6-6_o2.pt", fragile)
    config = {
        "path": str(root / "results"),
        "dimension": [1, 4, 4],
        "ri": {"path": str(root / reference), "class_idx": 1},
        "model": {
            "dataset": "MNIST",
            "hidden_layer": [6, 6],
            "path": str(root / "models"),
            "data_path": str(root / "data"),
            "selected_classes": [3, 4],
        },
        "minlp": {"threshold": 0.9},
        **(more or {}),
    }
    answer = run(program, root, config)
    if answer.returncode == 3 and "LibTorch" in answer.stderr:
        config["repair"] = {"max_rounds": 0}
        answer = run(program, root, config)
    if answer.returncode not in (10, 20):
        raise AssertionError(f"verissim run ended with {answer.returncode}: {answer.stderr}")
    return pathlib.Path(json.loads(answer.stdout)["folder"])


def run(program, root, config):
    (root / "config.json").write_text(json.dumps(config))
    return subprocess.run(
        [program, "run", "--json", "--quiet", str(root / "config.json")], capture_output=True, text=True, timeout=200
    )
