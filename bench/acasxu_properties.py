#!/usr/bin/env python3
"""Writes the ACAS Xu properties 5 to 10 of Katz et al. (Reluplex, CAV 2017, appendix) as VNN-LIB files.

    python3 bench/acasxu_properties.py FOLDER

The published ranges are in feet, radians and feet per second; the networks' inputs are normalised with the means and
ranges below, which are those of the published networks. The lowest score is the advice.
"""

import argparse
import pathlib

MEANS = (19791.091, 0.0, 0.0, 650.0, 600.0)
RANGES = (60261.0, 6.28318530718, 6.28318530718, 1100.0, 1200.0)
ADVICE = ("COC", "weak left", "weak right", "strong left", "strong right")
PI = 3.141592

# Boxes as ranges of rho, theta, psi, v_own, v_int; and the advice that must be given, or one that must not be.
PROPERTIES = {
    5: ([((250, 400), (0.2, 0.4), (-PI, -PI + 0.005), (100, 400), (0, 400))], "is", "strong right"),
    6: (
        [
            ((12000, 62000), (0.7, PI), (-PI, -PI + 0.005), (100, 1200), (0, 1200)),
            ((12000, 62000), (-PI, -0.7), (-PI, -PI + 0.005), (100, 1200), (0, 1200)),
        ],
        "is",
        "COC",
    ),
    7: ([((0, 60760), (-PI, PI), (-PI, PI), (100, 1200), (0, 1200))], "is neither", ("strong left", "strong right")),
    8: (
        [((0, 60760), (-PI, -0.75 * PI), (-0.1, 0.1), (600, 1200), (600, 1200))],
        "is one of",
        ("COC", "weak left"),
    ),
    9: ([((2000, 7000), (-0.4, -0.14), (-PI, -PI + 0.01), (100, 150), (0, 150))], "is", "strong left"),
    10: ([((36000, 60760), (0.7, PI), (-PI, -PI + 0.01), (900, 1200), (600, 1200))], "is", "COC"),
}


def number(value):
    return f"{value:.9f}"


def bounds(box):
    """The constraints of one box, normalised."""
    for i, (low, high) in enumerate(box):
        yield f"(>= X_{i} {number((low - MEANS[i]) / RANGES[i])})"
        yield f"(<= X_{i} {number((high - MEANS[i]) / RANGES[i])})"


def violations(kind, advice):
    """Conjunctions of constraints on the scores, any of which is a violation."""
    everything = range(len(ADVICE))
    if kind == "is":
        own = ADVICE.index(advice)
        return [[f"(<= Y_{i} Y_{own})"] for i in everything if i != own]
    own = [ADVICE.index(name) for name in advice]
    lowest = own if kind == "is neither" else [i for i in everything if i not in own]
    against = [i for i in everything if i not in lowest]
    return [[f"(<= Y_{i} Y_{j})" for j in against] for i in lowest]


def disjunction(conjunctions):
    if len(conjunctions) == 1:
        return "\n".join(f"(assert {constraint})" for constraint in conjunctions[0])
    lines = "\n".join(f"    (and {' '.join(constraints)})" for constraints in conjunctions)
    return f"(assert (or\n{lines}\n))"


def text(number_of_property):
    boxes, kind, advice = PROPERTIES[number_of_property]
    lines = [f"; ACAS Xu property {number_of_property}: the advice {kind} {advice}"]
    lines += [f"(declare-const X_{i} Real)" for i in range(len(MEANS))]
    lines += [f"(declare-const Y_{i} Real)" for i in range(len(ADVICE))]
    lines.append(disjunction([list(bounds(box)) for box in boxes]))
    lines.append(disjunction(violations(kind, advice)))
    return "\n".join(lines) + "\n"


def write_all(folder):
    for name in PROPERTIES:
        (folder / f"prop_{name}.vnnlib").write_text(text(name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    write_all(arguments.folder)


if __name__ == "__main__":
    main()
