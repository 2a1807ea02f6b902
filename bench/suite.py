#!/usr/bin/env python3
"""Runs `verissim verify` over a list of instances and reports verdicts, times and memory.

    python3 bench/suite.py                                  # all networks in ../shared/data, one thread, 60 s each
    python3 bench/suite.py --sizes 4x4 8x8 --csv small.csv
    python3 bench/suite.py --list mine.csv --timeout 600

Times: 'inside' is what the program measures from the loaded question to the verdict, 'process' the wall clock of the
whole process. The exit code is 1 if a run failed, whatever the verdicts.
"""

import argparse
import csv
import dataclasses
import math
import statistics
import sys

import instances


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def shown(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def times(values):
    return "  ".join(f"{shown(v):>9}" for v in (statistics.median(values), percentile(values, 0.95), max(values)))


def print_table(results):
    width = max(len(r[0].group) for r in results)
    print(
        f"\n{'':{width}}  robust  not robust  unknown  failed |"
        f" {'inside: median':>15}  {'p95':>9}  {'worst':>9} | {'process: median':>16}  {'p95':>9}  {'worst':>9} |"
        f" {'nodes: most':>11} | {'peak MB':>7}"
    )
    for group in dict.fromkeys(i.group for i, _ in results):
        runs = [run for instance, run in results if instance.group == group]
        counts = [sum(run.verdict == v for run in runs) for v in ("robust", "not robust", "unknown", "failed")]
        print(
            f"{group:{width}}  {counts[0]:6}  {counts[1]:10}  {counts[2]:7}  {counts[3]:6} |"
            f" {'':5} {times([r.seconds for r in runs])} | {'':6} {times([r.wall for r in runs])} |"
            f" {max(r.nodes for r in runs):11} | {max(r.peak_mb for r in runs):7.1f}"
        )


def write_csv(path, results):
    fields = [f.name for f in dataclasses.fields(instances.Instance)] + [
        f.name for f in dataclasses.fields(instances.Run)
    ]
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, fields)
        writer.writeheader()
        for instance, run in results:
            writer.writerow(dataclasses.asdict(instance) | dataclasses.asdict(run))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/bin/verissim")
    instances.add_selection(parser)
    parser.add_argument("--csv", help="write every run to this file")
    parser.add_argument("--quiet", action="store_true", help="only the table")
    arguments = parser.parse_args()

    results = []
    for instance in instances.selected(arguments):
        run = instances.run(arguments.program, instance, arguments.timeout, arguments.threads)
        results.append((instance, run))
        if not arguments.quiet:
            print(
                f"{str(instance):24} {run.verdict:10} {shown(run.seconds):>9} inside {shown(run.wall):>9} process"
                f" {run.nodes:7} nodes  bound {run.margin_bound:+.5f}  {run.reason}",
                flush=True,
            )
        if arguments.csv:
            write_csv(arguments.csv, results)
    if not results:
        parser.error("no instances")
    print_table(results)
    return 1 if any(run.verdict == "failed" for _, run in results) else 0


if __name__ == "__main__":
    sys.exit(main())
