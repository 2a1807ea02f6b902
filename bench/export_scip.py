#!/usr/bin/env python3
"""Writes a question as a mixed-integer nonlinear program for SCIP, and solves it if asked to. Needs pyscipopt.

    python3 bench/export_scip.py --model model_i1x4x4_l6-6-6_o5.pt --image 3.png --class 1 --ssim 0.98 --out 3.cip
    python3 bench/export_scip.py --model model_i1x4x4_l6-6-6_o5.pt --image 3.png --class 1 --ssim 0.98 --solve

Its feasible points are the counterexamples: pixels in [0, 1]; the mean, variance and covariance that make up the SSIM,
at least the threshold; each ReLU that may be on or off with a binary variable and big-M constraints; and a binary
variable for each other class, one of which reaches at least the reference's score.

Printed is 'robust' (SCIP says infeasible), 'not robust', or 'unknown' with the reason. All but 'not robust' rests on
SCIP's tolerances; a solution that is no counterexample when the network is evaluated in doubles counts as unknown.
Networks of dense layers only.
"""

import argparse
import math
import pathlib
import sys

import numpy

import question


class Program:
    """A question as variables and constraints of a pyscipopt model."""

    def __init__(self, asked, model):
        self.asked = asked
        self.model = model
        self.layers = question.dense_layers(asked.model)
        if len(asked.reference) != self.layers[0][0].shape[1]:
            raise ValueError(f"{asked.model}: wants {self.layers[0][0].shape[1]} values, not {len(asked.reference)}")
        if not 0 <= asked.label < len(self.layers[-1][1]):
            raise ValueError(f"class {asked.label}: the network has {len(self.layers[-1][1])}")
        low, high = self.box()
        self.pixels = [model.addVar(f"x{i}", lb=low[i], ub=high[i]) for i in range(len(low))]
        self.neighbourhood()
        self.misclassified(*self.network(low, high))

    def box(self):
        """[0, 1], less what is farther from the reference than any point of the neighbourhood."""
        radius = float(question.enclosing_radius(self.asked.reference, self.asked.threshold))
        reach = math.nextafter(radius, math.inf)
        low, high = self.asked.reference - reach, self.asked.reference + reach
        return numpy.clip(numpy.nextafter(low, -1), 0, 1), numpy.clip(numpy.nextafter(high, 2), 0, 1)

    def neighbourhood(self):
        x, r, count = self.pixels, self.asked.reference, len(self.pixels)
        c1, c2 = float(question.C1), float(question.C2)
        mean = self.model.addVar("mean", lb=0, ub=1)
        variance = self.model.addVar("variance", lb=0, ub=0.25)
        covariance = self.model.addVar("covariance", lb=-0.25, ub=0.25)
        self.model.addCons(mean * count == self.total(x), "mean_of_x")
        self.model.addCons(variance * count == self.total([v * v for v in x]) - count * mean * mean, "variance_of_x")
        centred = r - r.mean()
        self.model.addCons(covariance * count == self.total([c * v for c, v in zip(centred, x)]), "covariance_of_x")
        own = float(r.mean())
        like = (2 * own * mean + c1) * (2 * covariance + c2)
        most = (mean * mean + own**2 + c1) * (variance + float(r.var()) + c2)
        self.model.addCons(like >= float(self.asked.threshold) * most, "ssim")

    def network(self, low, high):
        """The scores, and the bounds that interval arithmetic gives for them."""
        values = self.pixels
        for index, (weights, biases) in enumerate(self.layers):
            if index:
                values = [self.relu(f"{index}_{i}", v, low[i], high[i]) for i, v in enumerate(values)]
                low, high = numpy.maximum(low, 0), numpy.maximum(high, 0)
            positive, negative = numpy.maximum(weights, 0), numpy.minimum(weights, 0)
            low, high = (
                positive @ low + negative @ high + biases,
                positive @ high + negative @ low + biases,
            )
            low, high = low - 1e-9 * (1 + abs(low)), high + 1e-9 * (1 + abs(high))
            values = [self.sum_of(f"z{index}_{i}", row, values, b) for i, (row, b) in enumerate(zip(weights, biases))]
        return values, low, high

    def sum_of(self, name, row, values, bias):
        result = self.model.addVar(name, lb=None)
        self.model.addCons(result == self.total([w * v for w, v in zip(row.tolist(), values)]) + float(bias), name)
        return result

    def relu(self, name, z, low, high):
        if low >= 0:
            return z
        result = self.model.addVar(f"a{name}", lb=0, ub=max(high, 0.0))
        if high <= 0:
            return result
        on = self.model.addVar(f"on{name}", vtype="B")
        self.model.addCons(result >= z, f"above{name}")
        self.model.addCons(result <= z - low * (1 - on), f"off{name}")
        self.model.addCons(result <= high * on, f"on{name}")
        return result

    def misclassified(self, scores, low, high):
        own = self.asked.label
        chosen = []
        for k, score in enumerate(scores):
            if k == own:
                continue
            chosen.append(self.model.addVar(f"class{k}", vtype="B"))
            self.model.addCons(score - scores[own] >= (low[k] - high[own]) * (1 - chosen[-1]), f"beats{k}")
        self.model.addCons(self.total(chosen) >= 1, "some_class")

    @staticmethod
    def total(terms):
        import pyscipopt

        return pyscipopt.quicksum(terms)

    def point(self):
        return numpy.array([self.model.getVal(v) for v in self.pixels])


def program(asked):
    import pyscipopt

    model = pyscipopt.Model("robustness")
    model.hideOutput()
    return Program(asked, model)


def solved(made, seconds):
    """SCIP's verdict, and why."""
    if seconds > 0:
        made.model.setParam("limits/time", seconds)
    made.model.optimize()
    if made.model.getStatus() == "infeasible":
        return "robust", "SCIP: infeasible"
    if made.model.getNSols() == 0:
        return "unknown", f"SCIP: {made.model.getStatus()}"
    asked, x = made.asked, numpy.clip(made.point(), 0, 1)
    scores = question.evaluate(made.layers, x)
    margin = scores[asked.label] - max(numpy.delete(scores, asked.label))
    similar = question.global_ssim(x, asked.reference)
    told = f"margin {margin:.3g}, SSIM {similar:.12g}"
    if margin <= 0 and similar >= float(asked.threshold):
        return "not robust", told
    return "unknown", f"SCIP's solution is one only within its tolerances: {told}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    question.add_question(parser)
    parser.add_argument("--out", type=pathlib.Path, help="the CIP file")
    parser.add_argument("--solve", action="store_true", help="solve it and print the verdict")
    parser.add_argument("--timeout", type=float, default=0, help="seconds; 0: no limit")
    arguments = parser.parse_args()
    if not arguments.out and not arguments.solve:
        parser.error("nothing to do: --out FILE.cip writes the program, --solve solves it")
    try:
        made = program(question.read_question(arguments))
    except ImportError as error:
        sys.exit(f"export_scip.py: {error}: pip install pyscipopt numpy pillow torch")
    except (OSError, ValueError) as error:
        sys.exit(f"export_scip.py: {error}")
    if arguments.out:
        made.model.writeProblem(str(arguments.out), verbose=False)
    if arguments.solve:
        print(": ".join(solved(made, arguments.timeout)))


if __name__ == "__main__":
    main()
