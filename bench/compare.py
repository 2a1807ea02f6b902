#!/usr/bin/env python3
"""Compares two builds, or this program and another tool, in one interleaved run: ratios of time, new to old (below 1:
the new one is faster).

    python3 bench/compare.py OLD/bin/verissim NEW/bin/verissim --sizes 4x4 8x8 --repeat 5
    python3 bench/compare.py OLD/bin/verissim NEW/bin/verissim --suite fashion --limit 5
    python3 bench/compare.py '.venv/bin/python bench/export_scip.py --solve --model {model} --image {image}
        --class {class} --ssim {threshold} --timeout {timeout}' build/release/bin/verissim --sizes 4x4

A tool whose name has a brace in it is a command with {model}, {image}, {class}, {threshold}, {timeout}, {threads} and
{dimension}; its verdict is the first line of its output that is robust, not robust or unknown (or as the verification
competition calls it: unsat, sat, timeout), with a reason after a colon if it likes.

Every instance is run by both in turn, the order changing each time, and each one's shortest time counts, so that a
machine that is busy for a while does not favour one of them. 'inside' is the time that this program measures itself
(of another tool the whole process), 'process' the wall clock of the whole process. Ratios are of instances that both
decide; the others are counted. The exit code is 1 if the two contradict each other ('robust' against 'not robust') or
a run failed.
"""

import argparse
import csv
import dataclasses
import math
import pathlib
import sys

import instances
import plot
import suites

SHORTEST = 1e-5  # seconds; shorter times are noise


@dataclasses.dataclass
class Pair:
    """The runs of both tools on one instance."""

    instance: instances.Instance
    runs: tuple  # of two lists

    def verdicts(self, side):
        return sorted({run.verdict for run in self.runs[side]})

    def decided(self, side):
        return all(verdict in instances.DECIDED for verdict in self.verdicts(side))

    def wrong(self):
        both = self.verdicts(0) + self.verdicts(1)
        return "failed" in both or instances.contradict(both)

    def shortest(self, side, field):
        return max(SHORTEST, min(getattr(run, field) for run in self.runs[side]))

    def ratio(self, field):
        return self.shortest(1, field) / self.shortest(0, field)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def measure(tools, instance, arguments):
    """The runs of both, as many as --repeat each."""
    runs = ([], [])
    for turn in range(arguments.repeat):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            runs[which].append(instances.run(tools[which], instance, arguments.threads))
    return Pair(instance, runs)


def line(pair):
    note = "  WRONG" if pair.wrong() else "  verdict changed" if pair.verdicts(0) != pair.verdicts(1) else ""
    reasons = "".join(f"  ({run.reason})" for side in pair.runs for run in side[:1] if run.verdict == "failed")
    return (
        f"{str(pair.instance):28} inside x{pair.ratio('seconds'):.3g}  process x{pair.ratio('wall'):.3g}"
        f"  {'/'.join(pair.verdicts(0))} -> {'/'.join(pair.verdicts(1))}{note}{reasons}"
    )


def summary(group, pairs):
    both = [pair for pair in pairs if pair.decided(0) and pair.decided(1)]
    only = [sum(pair.decided(side) and not pair.decided(1 - side) for pair in pairs) for side in (0, 1)]
    counts = (
        f"{len(both)} of {len(pairs)} instances decided by both, {only[0]} only by the old, {only[1]} only by the new"
    )
    if not both:
        return f"{group:12} {counts}"
    inside, process = (geometric_mean([pair.ratio(field) for pair in both]) for field in ("seconds", "wall"))
    return f"{group:12} {counts}: inside x{inside:.3g}, process x{process:.3g} (geometric means)"


def write_csv(path, pairs):
    fields = [f.name for f in dataclasses.fields(instances.Instance)]
    sides = [f"{side}_{column}" for side in ("old", "new") for column in ("verdict", "seconds", "wall")]
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(fields + sides)
        for pair in pairs:
            row = [getattr(pair.instance, name) for name in fields]
            for side in (0, 1):
                times = [pair.shortest(side, field) for field in ("seconds", "wall")]
                row += ["/".join(pair.verdicts(side)), *times]
            writer.writerow(row)


def cactus(pairs, title):
    series = []
    for side, name in enumerate(("old", "new")):
        times = [pair.shortest(side, "wall") for pair in pairs if pair.decided(side)]
        series.append((f"{name}: {len(times)} of {len(pairs)}", times))
    return plot.cactus(series, title, max(pair.instance.timeout for pair in pairs))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--suite", default="mnist-refs", choices=suites.SUITES)
    suites.add_selection(parser)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--csv", type=pathlib.Path, help="write both verdicts and times of every instance")
    parser.add_argument("--plot", type=pathlib.Path, help="write a cactus plot (SVG) of the wall clock of both")
    arguments = parser.parse_args()
    try:
        chosen = suites.selected(arguments)
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))
    if not chosen:
        parser.error("no instances")

    tools = [instances.tool(text) for text in (arguments.old, arguments.new)]
    pairs = []
    for instance in chosen:
        pairs.append(measure(tools, instance, arguments))
        print(line(pairs[-1]), flush=True)
    print()
    for group in dict.fromkeys(pair.instance.group for pair in pairs):
        print(summary(group, [pair for pair in pairs if pair.instance.group == group]))
    if arguments.csv:
        write_csv(arguments.csv, pairs)
    if arguments.plot:
        arguments.plot.write_text(cactus(pairs, arguments.list or arguments.suite))
    return 1 if any(pair.wrong() for pair in pairs) else 0


if __name__ == "__main__":
    sys.exit(main())
