#!/usr/bin/env python3
"""Runs the fuzz targets of the build "fuzz" one after the other and reports executions and findings.

    python3 scripts/fuzz.py [--seconds 600] [--build build/fuzz] [--out build/fuzz/found] [TARGET...]

New inputs are kept in OUT/<target>/corpus for the next time, findings (crashes, hangs, too much memory, leaks) as
OUT/<target>/crash-* and the like. What was fixed belongs into fuzz/findings/<target>, which is replayed from then on.
The exit code is 0 if nothing was found.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / "tests" / "network" / "data"
MORE_SEEDS = {"pytorch": MODELS, "onnx": MODELS, "checker_onnx": MODELS, "safetensors": MODELS}


def run(target, options):
    place = pathlib.Path(options.out) / target
    corpus = place / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    before = {path.name for path in place.glob("*-*")}
    seeds = [ROOT / "fuzz" / "corpus" / target, ROOT / "fuzz" / "findings" / target, MORE_SEEDS.get(target)]
    command = [pathlib.Path(options.build) / "bin" / f"fuzz_{target}", "-fork=1", "-ignore_crashes=1", "-ignore_ooms=1",
               "-ignore_timeouts=1", f"-max_total_time={options.seconds}", "-timeout=30", "-rss_limit_mb=3000",
               "-max_len=16384", f"-artifact_prefix={place}/", corpus, *[s for s in seeds if s and s.exists()]]
    with open(place / "log.txt", "w", encoding="utf-8") as log:
        subprocess.run([str(word) for word in command], stdout=log, stderr=log, check=False, env=dict(os.environ))
    log = (place / "log.txt").read_text(errors="replace")
    steps = re.findall(r"^#(\d+): cov: (\d+)", log, re.MULTILINE)
    executions, covered = steps[-1] if steps else ("0", "0")
    found = sorted({path.name for path in place.glob("*-*")} - before)
    print(f"{target}: {executions} executions, {covered} edges, {len(found)} findings {' '.join(found)}", flush=True)
    return len(found) + (0 if steps else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--build", default=ROOT / "build" / "fuzz")
    parser.add_argument("--out", default=ROOT / "build" / "fuzz" / "found")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    targets = options.targets or sorted(path.name for path in (ROOT / "fuzz" / "corpus").iterdir())
    sys.exit(1 if sum([run(target, options) for target in targets]) else 0)


if __name__ == "__main__":
    main()
