#!/usr/bin/env python3
"""What certificates cost: their size, and how long checking takes beside the search.

    python3 bench/certificates.py                          # mnist-refs, one thread
    python3 bench/certificates.py mnist-refs --sizes 28x28 --ssim 0.995 0.996
    python3 bench/certificates.py --arithmetic float32

Every instance is verified with a certificate, which verissim-check then reads. The search's seconds are those that it
reports itself; beside them stand those of its whole process, and of the checker's, by the clock (which counts what
starting a process takes) and of the processor. Fails if the checker rejects anything.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import suites


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", nargs="?", default="mnist-refs", choices=suites.SUITES)
    suites.add_selection(parser)
    parser.add_argument("--program", default="build/release/bin/verissim")
    parser.add_argument("--checker", default="build/release/bin/verissim-check")
    parser.add_argument("--arithmetic", default="exact", choices=["exact", "float32"])
    return parser.parse_args()


def leaves_in(text):
    """ "ACCEPTED: robust: 12 parts of the region, 1 frames" has 12."""
    words = text.split()
    return int(words[2]) if words[1] == "robust:" else 0


def run(command):
    start = time.monotonic()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result, time.monotonic() - start


def processor_seconds():
    """Of all processes that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(instance, arguments, certificate):
    question = ["--model", instance.model, "--image", instance.image, "--class", str(instance.class_index)]
    question += ["--ssim", instance.threshold, "--arithmetic", arguments.arithmetic]
    search = [arguments.program, "verify", "--json", "--quiet", *question, "--timeout", str(instance.timeout)]
    search += ["--threads", str(arguments.threads), "--certificate", certificate]
    verified, process = run(search)
    if not verified.stdout:
        sys.exit(f"{instance}: {verified.stderr.strip()}")
    answer = json.loads(verified.stdout)
    if answer["verdict"] == "unknown":
        return {"verdict": "unknown"}
    before = processor_seconds()
    checked, seconds = run([arguments.checker, certificate, *question])
    accepted = checked.stdout.startswith(f"ACCEPTED: {answer['verdict']}")
    return {
        "verdict": answer["verdict"],
        "accepted": accepted,
        "said": checked.stdout.strip(),
        "leaves": leaves_in(checked.stdout) if accepted else 0,
        "search": answer["seconds"],
        "process": process,
        "check": seconds,
        "cpu": processor_seconds() - before,
        "bytes": pathlib.Path(certificate).stat().st_size,
    }


def table(rows):
    print(
        f"{'network':8} {'verdict':11} {'instances':>9} {'search s':>9} {'process s':>9} {'check s':>9} "
        f"{'check CPU':>9} {'leaves':>7} {'bytes/leaf':>10}"
    )
    for group in dict.fromkeys(group for group, _ in rows):
        for verdict in ("robust", "not robust", "unknown"):
            own = [row for name, row in rows if name == group and row["verdict"] == verdict]
            if not own:
                continue
            keys = ("search", "process", "check", "cpu", "leaves", "bytes")
            total = {key: sum(row.get(key, 0) for row in own) for key in keys}
            size = f"{total['bytes'] / total['leaves']:.0f}" if total["leaves"] else "-"
            print(
                f"{group:8} {verdict:11} {len(own):9} {total['search']:9.3f} {total['process']:9.3f} "
                f"{total['check']:9.3f} {total['cpu']:9.3f} {total['leaves']:7} {size:>10}"
            )


def main():
    arguments = parse()
    instances = suites.select(
        arguments.suite, arguments, arguments.limit, arguments.ssim, arguments.timeout, arguments.groups
    )
    rows = []
    rejected = []
    with tempfile.TemporaryDirectory() as folder:
        for instance in instances:
            row = measure(instance, arguments, str(pathlib.Path(folder) / "proof"))
            rows.append((instance.group, row))
            if not row.get("accepted", True):
                rejected.append(f"{instance}: {row['verdict']}, but {row['said']}")
    table(rows)
    print("\n".join(rejected))
    return 1 if rejected else 0


if __name__ == "__main__":
    sys.exit(main())
