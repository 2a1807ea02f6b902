#!/usr/bin/env python3
"""Runs `verissim vnncomp` on competition instances and compares with the published verdicts and times.

    python3 bench/vnncomp.py                           # acasxu, mnist_fc and oval21 in ../shared/data/vnncomp
    python3 bench/vnncomp.py --families acasxu --repeat 3 --csv acasxu.csv

Times are those of the whole process, start-up included; the published ones were measured on other machines. ACAS Xu
properties that the folder lacks are written from their definitions (acasxu_properties.py). The exit code is 1 if a
verdict contradicts the published consensus or a run failed.
"""

import argparse
import csv
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import acasxu_properties

FAMILIES = ("acasxu", "mnist_fc", "oval21")
LIMITS = {"acasxu": 116.0, "mnist_fc": 120.0, "oval21": 720.0}  # the competition's, roughly
EXIT_CODES = {"sat": 10, "unsat": 20, "timeout": 0, "unknown": 0}


def instances(data, families):
    with open(data / "expected.csv", newline="") as file:
        for row in csv.DictReader(file):
            if row["benchmark"] in families:
                yield row


def packed(folder, name):
    return folder / f"{name}.gz" if (folder / f"{name}.gz").exists() else folder / name


def files(data, row, written):
    """The network and the property of an instance."""
    folder = data / row["benchmark"]
    asked = packed(folder, row["property"])
    if not asked.exists() and row["benchmark"] == "acasxu":
        asked = written / row["property"]
    return packed(folder, row["network"]), asked


def run(arguments, network, asked, limit):
    """The verdict ('failed' with what was said) and the seconds of one process."""
    command = [arguments.program, "vnncomp", str(network), str(asked), "--quiet"]
    command += ["--timeout", str(limit), "--threads", str(arguments.threads)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    verdict = done.stdout.split("\n", 1)[0]
    if EXIT_CODES.get(verdict) != done.returncode:
        print(f"failed: {done.stderr.strip()}", file=sys.stderr)
        verdict = "failed"
    return verdict, seconds


def published(row, tool):
    """A tool's time, if it gave the right answer."""
    return float(row[f"{tool}_s"]) if row[f"{tool}_verdict"] == row["consensus"] else float("inf")


def judge(row, verdict):
    if verdict == row["consensus"]:
        return "right"
    return "wrong" if {verdict, row["consensus"]} == {"sat", "unsat"} else "open"


def measure(arguments, data, written):
    for row in instances(data, arguments.families):
        limit = arguments.timeout or LIMITS[row["benchmark"]]
        runs = [run(arguments, *files(data, row, written), limit) for _ in range(arguments.repeat)]
        verdict = next((v for v, _ in runs if judge(row, v) != "right"), runs[0][0])
        result = {
            "family": row["benchmark"],
            "network": row["network"],
            "property": row["property"],
            "expected": row["consensus"],
            "verdict": verdict,
            "judgement": judge(row, verdict),
            "seconds": round(statistics.median(s for _, s in runs), 4),
            "abcrown": published(row, "abcrown"),
            "nnenum": published(row, "nnenum"),
        }
        print(
            f"{result['family']:9} {result['network'][:22]:22} {result['property'][-40:]:40} {verdict:8}"
            f" {result['judgement']:6} {result['seconds']:8.3f} s   abcrown {result['abcrown']:7.2f}"
            f"   nnenum {result['nnenum']:7.2f}",
            flush=True,
        )
        yield result


def print_table(results):
    print(f"\n{'family':9}  runs  right  open  wrong  median s  worst s   faster than nnenum, abcrown")
    for family in dict.fromkeys(r["family"] for r in results):
        own = [r for r in results if r["family"] == family]
        counts = [sum(r["judgement"] == kind for r in own) for kind in ("right", "open", "wrong")]
        seconds = [r["seconds"] for r in own]
        right = [r for r in own if r["judgement"] == "right"]
        faster = [sum(r["seconds"] < r[tool] for r in right) for tool in ("nnenum", "abcrown")]
        print(
            f"{family:9} {len(own):5}  {counts[0]:5}  {counts[1]:4}  {counts[2]:5}  {statistics.median(seconds):8.3f}"
            f"  {max(seconds):7.3f}   {faster[0]}, {faster[1]}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/bin/verissim")
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("../shared/data/vnncomp"))
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--timeout", type=float, help="seconds for each instance (default: the competition's)")
    parser.add_argument("--threads", type=int, default=0, help="0: all")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each instance; the median counts")
    parser.add_argument("--csv", help="write every instance to this file")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.data / "expected.csv"):
        parser.error(f"no file {arguments.data / 'expected.csv'}")

    with tempfile.TemporaryDirectory() as folder:
        acasxu_properties.write_all(pathlib.Path(folder))
        results = list(measure(arguments, arguments.data, pathlib.Path(folder)))
    if arguments.csv:
        with open(arguments.csv, "w", newline="") as file:
            writer = csv.DictWriter(file, results[0].keys())
            writer.writeheader()
            writer.writerows(results)
    print_table(results)
    return 1 if any(r["judgement"] == "wrong" or r["verdict"] == "failed" for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
