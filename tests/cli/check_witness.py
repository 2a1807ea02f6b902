#!/usr/bin/env python3
"""Replays a counterexample by onnxruntime in single precision and evaluates the property's assertions on it.

    check_witness.py NETWORK.onnx[.gz] PROPERTY.vnnlib[.gz] RESULT

Inputs are taken exactly as written, outputs exactly as onnxruntime computes them. Ends with 0 if all assertions hold.
"""

import gzip
import re
import sys
from fractions import Fraction

import numpy as np
import onnxruntime

COMPARE = {
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
}


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def expressions(text):
    """Nested lists of words."""
    stack = [[]]
    for word in re.findall(r"[()]|[^\s()]+", re.sub(r";.*", "", text)):
        if word == "(":
            stack.append([])
        elif word == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(word)
    assert len(stack) == 1, "parentheses do not match"
    return stack[0]


def value(expression, names):
    if isinstance(expression, str):
        return names[expression] if expression in names else Fraction(expression)
    values = [value(part, names) for part in expression[1:]]
    if expression[0] == "+":
        return sum(values)
    if expression[0] == "-":
        return -values[0] if len(values) == 1 else values[0] - sum(values[1:])
    assert expression[0] == "*", expression
    result = Fraction(1)
    for factor in values:
        result *= factor
    return result


def holds(formula, names):
    if formula[0] == "and":
        return all(holds(part, names) for part in formula[1:])
    if formula[0] == "or":
        return any(holds(part, names) for part in formula[1:])
    return COMPARE[formula[0]](value(formula[1], names), value(formula[2], names))


def main():
    network, prop, result = sys.argv[1:]
    lines = read(result).decode().split("\n", 1)
    assert lines[0] == "sat", lines[0]
    given = {name: number for name, number in expressions(lines[1])[0]}
    inputs = [given[f"X_{i}"] for i in range(sum(name.startswith("X_") for name in given))]
    session = onnxruntime.InferenceSession(read(network))
    port = session.get_inputs()[0]
    shape = [size if isinstance(size, int) and size > 0 else 1 for size in port.shape]
    point = np.array([float(number) for number in inputs])
    single = point.astype(np.float32)
    assert (single.astype(np.float64) == point).all(), "the point is not one of single precision"
    outputs = session.run(None, {port.name: single.reshape(shape)})[0].ravel()
    names = {f"X_{i}": Fraction(number) for i, number in enumerate(inputs)}
    for i, output in enumerate(outputs):
        names[f"Y_{i}"] = Fraction(float(output))
        assert abs(float(output) - float(given[f"Y_{i}"])) <= 1e-4 * (1 + abs(float(output))), f"Y_{i}"
    for command in expressions(read(prop).decode()):
        if command[0] == "assert":
            assert holds(command[1], names), f"violated: {command[1]}"


if __name__ == "__main__":
    main()
