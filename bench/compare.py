#!/usr/bin/env python3
"""Compares two builds in one interleaved run and prints ratios of time, new to old (below 1: the new one is faster).

    python3 bench/compare.py OLD/bin/verissim NEW/bin/verissim --sizes 4x4 8x8 --repeat 5

Every instance is run by both programs in turn, the order changing each time, and each program's shortest time counts, so
that a machine that is busy for a while does not favour one of them. The exit code is 1 if the programs contradict each
other ('robust' against 'not robust') or a run failed.
"""

import argparse
import math
import sys

import instances

SHORTEST = 1e-5  # seconds; shorter times are noise


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def measure(programs, instance, arguments):
    """The runs of both programs, as many as --repeat each."""
    runs = ([], [])
    for turn in range(arguments.repeat):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            runs[which].append(instances.run(programs[which], instance, arguments.timeout, arguments.threads))
    return runs


def ratio(runs, field):
    old, new = (max(SHORTEST, min(getattr(r, field) for r in side)) for side in runs)
    return new / old


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    instances.add_selection(parser)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()

    wrong = 0
    by_group = {}
    for instance in instances.selected(arguments):
        runs = measure((arguments.old, arguments.new), instance, arguments)
        verdicts = [{r.verdict for r in side} for side in runs]
        both = verdicts[0] | verdicts[1]
        note = ""
        if "failed" in both or {"robust", "not robust"} <= both:
            wrong += 1
            note = "  WRONG"
        elif verdicts[0] != verdicts[1]:
            note = "  verdict changed"
        ratios = ratio(runs, "seconds"), ratio(runs, "wall")
        by_group.setdefault(instance.group, []).append(ratios)
        print(
            f"{str(instance):24} inside x{ratios[0]:.3f}  process x{ratios[1]:.3f}"
            f"  {'/'.join(sorted(verdicts[0]))} -> {'/'.join(sorted(verdicts[1]))}{note}",
            flush=True,
        )
    if not by_group:
        parser.error("no instances")
    print()
    for group, ratios in by_group.items():
        inside, process = (geometric_mean(column) for column in zip(*ratios))
        print(f"{group:8} {len(ratios):4} instances: inside x{inside:.3f}, process x{process:.3f} (geometric means)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
