#!/usr/bin/env python3
"""Whether verissim-check believes a counterexample only where rational arithmetic agrees, and wherever digits allow.

    points_test.py VERISSIM_CHECK

Each certificate calls the reference itself a counterexample to a network whose scores 0 and 1 are the same large number
but for a small term, if there is one; rational arithmetic says which is larger. A score of at most the rival's that no
double tells from it may be rejected, never the other way round.
"""

import collections
import math
import pathlib
import random
import subprocess
import sys
import tempfile

import forging
import model_files
import questions


def scaled(rng, spread):
    return model_files.single(rng.choice([-1, 1]) * rng.uniform(1, 2) * 2.0 ** rng.randint(-spread, spread))


def magnitudes(layers, x):
    """Of what is added up on the way to each score."""
    for rows, biases in layers:
        x = [sum(abs(w) * v for w, v in zip(row, x)) + abs(b) for row, b in zip(rows, biases)]
    return x


def nearly_equal(rng):
    """Networks of 1 to 4 layers; weights from the smallest denormal number to 2^60."""
    shape = (1, rng.randint(1, 2), 2)
    before, layers = shape[1] * shape[2], []
    for _ in range(rng.randint(0, 3)):
        size = rng.randint(2, 4)
        layers.append(([[scaled(rng, 60) for _ in range(before)] for _ in range(size)],
                       [abs(scaled(rng, 30)) for _ in range(size)]))
        before = size
    row = [scaled(rng, 20) for _ in range(before)]
    row[-1] = 0.0
    levels = [rng.randint(1, 255) for _ in range(shape[1] * shape[2])]
    largest = math.frexp(max(magnitudes(layers, [1.0] * len(levels))))[1]
    power = min(100, largest - rng.randint(5, 60)) if rng.random() < 0.7 else rng.choice([-149, rng.randint(-148, -20)])
    tiny = rng.choice([-1, 0, 1, 1]) * 2.0**power
    layers.append(([row, row[:-1] + [tiny]], [bias := scaled(rng, 60), bias]))
    net = {"shape": shape, "conv": None, "pool": (1, 1), "layers": layers}
    question = questions.Question("equal", shape, net, levels, "ssim", "0.9")
    question.label = 0
    return question


def main():
    checker = sys.argv[1]
    seen = collections.Counter()
    for seed in range(300):
        question = nearly_equal(random.Random(seed))
        with tempfile.TemporaryDirectory() as folder:
            question.write(pathlib.Path(folder))
            proof = pathlib.Path(folder) / "proof"
            proof.write_bytes(forging.pack(forging.refutation(question, question.reference)))
            said = subprocess.run([checker, proof, *question.options()], capture_output=True, text=True, check=False)
        margin = question.margin(question.reference)
        visible = -margin > 1e-12 * max(magnitudes(question.net["layers"], question.reference))
        accepted = said.returncode == 10 and said.stdout == "ACCEPTED: not robust\n"
        rejected = said.returncode == 1 and said.stdout.startswith("REJECTED: the point: it is not shown")
        if not (rejected if margin > 0 else accepted or (rejected and not visible)):
            sys.exit(f"seed {seed}: margin {float(margin)}, but {said.stdout}{said.stderr}")
        seen["false" if margin > 0 else "visible" if visible else "too close"] += 1
    print(dict(seen))
    return 0 if min(seen[kind] for kind in ("false", "visible", "too close")) >= 15 else 1


if __name__ == "__main__":
    sys.exit(main())
