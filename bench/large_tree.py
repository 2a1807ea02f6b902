#!/usr/bin/env python3
"""What the certificate of a large tree costs, with 28x28 inputs: bytes a leaf, and checking beside searching.

    python3 bench/large_tree.py                                 # some thousand leaves, a minute on a quiet machine
    python3 bench/large_tree.py --hidden 30 30 --spare 3.4

The networks of the suites are decided with few subproblems, or none of a size to be measured. So this makes one with
random weights, whose right class leads by --spare more than the best attack takes away: the less, the more is to be
split. Times are those of the processor, of the whole processes. Needs torch, like train_networks.py.
"""

import argparse
import json
import pathlib
import resource
import struct
import subprocess
import sys
import tempfile
import zlib

SIDE, CLASSES = 28, 5


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, nargs="+", default=[30, 30])
    parser.add_argument("--ssim", default="0.8")
    parser.add_argument("--spare", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--timeout", default="600", help="of the search")
    parser.add_argument("--program", default="build/release/bin/verissim")
    parser.add_argument("--checker", default="build/release/bin/verissim-check")
    return parser.parse_args()


def write_png(path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes((91 * (SIDE * y + x) + 40) % 256 for x in range(SIDE)) for y in range(SIDE)
    )
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def random_weights(arguments):
    import torch

    torch.manual_seed(arguments.seed)
    sizes = [SIDE * SIDE, *arguments.hidden, CLASSES]
    weights = {}
    for k, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        weights[f"{2 * k}.weight"] = torch.randn(outputs, inputs) * 1.5 / inputs**0.5
        weights[f"{2 * k}.bias"] = torch.randn(outputs) * 0.3
    return weights, weights[f"{2 * len(arguments.hidden)}.bias"]


def processor_seconds(command):
    """What it says, and its seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if not ended.stdout:
        sys.exit(ended.stderr)
    return ended.stdout, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    import torch

    arguments = parse()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model, image, certificate = folder / "model.pt", folder / "image.png", folder / "proof"
        write_png(image)
        weights, last = random_weights(arguments)
        question = ["--model", model, "--image", image, "--class", 0, "--ssim", arguments.ssim,
                    "--dimension", f"1,{SIDE},{SIDE}"]  # fmt: skip
        last[0] = 50.0
        torch.save(weights, model)
        attack, _ = processor_seconds([arguments.program, "attack", *question, "--json", "--quiet"])
        last[0] -= json.loads(attack)["best_margin"] - arguments.spare
        torch.save(weights, model)
        verify = [arguments.program, "verify", *question, "--json", "--quiet", "--threads", 1,
                  "--timeout", arguments.timeout, "--certificate", certificate]  # fmt: skip
        told, search = processor_seconds(verify)
        answer = json.loads(told)
        if answer["verdict"] != "robust":
            sys.exit(f"{answer['verdict']} ({answer['reason']}) after {answer['nodes']} subproblems: other --spare")
        said, check = processor_seconds([arguments.checker, certificate, *question])
        size = certificate.stat().st_size
        print(said.strip())
        leaves = int(said.split()[2])
        print(f"{size} bytes, {size / leaves:.0f} a leaf: {size / leaves / 100:.1f} MB for 10,000")
        print(f"search {search:.1f} s, check {check:.1f} s: {check / search:.1f} times")
    return 0 if said.startswith("ACCEPTED: robust") else 1


if __name__ == "__main__":
    sys.exit(main())
