#!/usr/bin/env python3
"""Runs files that Verissim wrote like others: onnxruntime and PyTorch must compute what Verissim does.

written_files.py DIR: DIR/written.json lists file, original, shape (channels, height, width), channels_last, input and
output of each. Networks that a file holds without their architecture are compared by keys, shapes and dtypes.
"""

import gzip
import json
import os
import sys

import numpy as np


def run_onnx(entry):
    import onnxruntime

    data = open(entry["file"], "rb").read()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    port = session.get_inputs()[0]
    x = np.array(entry["input"]).reshape(entry["shape"])
    if entry["channels_last"]:
        x = x.transpose(1, 2, 0)
    shape = [size if isinstance(size, int) else None for size in port.shape]
    if len(shape) == 4:
        shape = [shape[0] or 1, *x.shape]
    else:
        shape = [1 if size is None and k + 1 < len(shape) else size for k, size in enumerate(shape)]
        shape = [x.size if size is None else size for size in shape]
    kind = np.float64 if port.type == "tensor(double)" else np.float32
    batch = int(np.prod(shape)) // x.size  # as many times the same image
    y = session.run(None, {port.name: np.tile(x.reshape(-1), batch).reshape(shape).astype(kind)})[0]
    return y.reshape(batch, -1)[0]


def run_torch(entry):
    import torch

    try:
        module = torch.jit.load(entry["file"]).eval()
    except RuntimeError:
        module = torch.load(entry["file"], weights_only=False)
    if not isinstance(module, torch.nn.Module):
        return None
    channels, height, width = entry["shape"]
    shape = [1, width] if channels == height == 1 else [1, channels, height, width]
    x = torch.tensor(entry["input"], dtype=torch.float64).reshape(shape)
    module = module.eval()
    with torch.no_grad():
        try:
            return module.to(torch.float64)(x).numpy()
        except RuntimeError:  # frozen numbers and casts stay float32
            return module.to(torch.float32)(x.to(torch.float32)).numpy()


def tensors(value):
    """The tensors of a checkpoint by their keys."""
    if hasattr(value, "dtype"):
        return {"": (str(value.dtype), tuple(value.shape), tuple(value.stride()))}
    found = {}
    for key, item in value.items() if isinstance(value, dict) else []:
        found.update({f"{key}/{rest}": what for rest, what in tensors(item).items()})
    return found


def same_keys(entry):
    import torch

    before = torch.load(entry["original"], weights_only=False)
    after = torch.load(entry["file"], weights_only=False)
    return tensors(before) == tensors(after) and len(tensors(after)) > 0


def check(entry):
    """What is wrong; nothing if all is right."""
    name = os.path.basename(entry["file"])
    if name.endswith(".safetensors"):
        from safetensors.torch import load_file

        before, after = load_file(entry["original"]), load_file(entry["file"])
        return [] if tensors(before) == tensors(after) else [f"{name}: other keys"]
    got = run_onnx(entry) if ".onnx" in name else run_torch(entry)
    if got is None:
        return [] if same_keys(entry) else [f"{name}: other keys"]
    wanted = np.array(entry["output"])
    error = np.abs(got.reshape(-1) - wanted) / np.maximum(1.0, np.abs(wanted))
    return [f"{name}: {error.max()} apart"] if not error.max() <= 1e-4 else []


def main():
    folder = sys.argv[1]
    entries = json.load(open(os.path.join(folder, "written.json")))
    faults = [fault for entry in entries for fault in check(entry)]
    print("\n".join(faults) or f"{len(entries)} files are as they should be")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
