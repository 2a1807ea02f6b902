#!/usr/bin/env python3
"""Whether verissim-check compares a counterexample's scores exactly, however far their digits lie apart.

    points_test.py VERISSIM_CHECK

Each certificate calls the reference itself a counterexample to a network whose scores 0 and 1 are the same large number
but for a term that no float would notice, if there is one; rational arithmetic says which is larger.
"""

import collections
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
    tiny = rng.choice([-1, 0, 1]) * 2.0 ** rng.choice([-149, rng.randint(-148, -20)])
    layers.append(([row, row[:-1] + [tiny]], [bias := scaled(rng, 60), bias]))
    net = {"shape": shape, "conv": None, "pool": (1, 1), "layers": layers}
    levels = [rng.randint(1, 255) for _ in range(shape[1] * shape[2])]
    question = questions.Question("equal", shape, net, levels, "ssim", "0.9")
    question.label = 0
    return question


def main():
    checker = sys.argv[1]
    seen = collections.Counter()
    for seed in range(150):
        question = nearly_equal(random.Random(seed))
        with tempfile.TemporaryDirectory() as folder:
            question.write(pathlib.Path(folder))
            proof = pathlib.Path(folder) / "proof"
            proof.write_bytes(forging.pack(forging.refutation(question, question.reference)))
            said = subprocess.run([checker, proof, *question.options()], capture_output=True, text=True, check=False)
        margin = question.margin(question.reference)
        wanted = (1, "REJECTED: the point: it gets the right class") if margin > 0 else (10, "ACCEPTED: not robust")
        if (said.returncode, said.stdout.strip()) != wanted:
            sys.exit(f"seed {seed}: margin {float(margin)}, but {said.stdout}{said.stderr}")
        seen["equal" if margin == 0 else "larger" if margin > 0 else "smaller"] += 1
    print(dict(seen))
    return 0 if min(seen[kind] for kind in ("equal", "larger", "smaller")) >= 15 else 1


if __name__ == "__main__":
    sys.exit(main())
