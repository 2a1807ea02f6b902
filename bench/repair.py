#!/usr/bin/env python3
"""Repairs networks by `verissim run` and tells how many references are proved afterwards, at what cost.

    python3 bench/repair.py original                    # the original tool's setting: 60 runs, one reference each
    python3 bench/repair.py mnist fashion gtsrb         # ten references of a full-size network in one run
    python3 bench/repair.py methods --limit 20          # these three by every method, and on images not repaired

The folder --out gets a folder for each run (config.json, and what the run wrote), and of each row <row>.csv and
<row>.txt. What was run already, by the same build with the same settings, is not run again (--fresh does). Seconds are
those of everything but training. The exit code is 1 if a run failed, whatever was reached.
"""

import argparse
import concurrent.futures
import csv
import pathlib
import sys

import datasets
import repair_methods
import repair_rows
import repair_runs

METHODS_ROW = "methods"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.epilog = "rows:\n" + "\n".join(f"  {name:9} {row.what}" for name, row in repair_rows.ROWS.items())
    parser.add_argument("rows", nargs="+", choices=[*repair_rows.ROWS, METHODS_ROW])
    parser.add_argument("--data", type=pathlib.Path, default=datasets.DATA, help="folder with models/, ri/ and images")
    parser.add_argument(
        "--networks", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "networks",
        help="from train_networks.py",
    )  # fmt: skip
    parser.add_argument("--program", default="build/release/bin/verissim")
    parser.add_argument("--method", default="auto", help="of repair, for rows but 'methods'")
    parser.add_argument("--methods", nargs="+", default=list(repair_methods.METHODS), help="that 'methods' compares")
    parser.add_argument("--groups", nargs="+", default=list(repair_methods.ROWS), help="rows that 'methods' takes")
    parser.add_argument("--limit", type=int, default=50, help="images not repaired that 'methods' verifies")
    parser.add_argument("--only", default="", help="only runs whose name contains this")
    parser.add_argument("--seconds", type=float, help="for repair, instead of the row's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; times suffer if cores are short")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("results/bench/repair"))
    parser.add_argument("--fresh", action="store_true", help="run everything again")
    return parser, parser.parse_args()


def runner_of(name, arguments):
    budget = repair_rows.ROWS[name].budget()
    if arguments.seconds:
        budget = dict.fromkeys(budget, arguments.seconds)
    return repair_runs.Runner(arguments.program, arguments.out / name, budget, arguments.threads, arguments.fresh)


def run_row(name, place, arguments):
    row = repair_rows.ROWS[name]
    chosen = [e for e in row.experiments(place) if arguments.only in e.name]
    runner = runner_of(name, arguments)

    def one(experiment):
        outcome = runner.run(experiment, arguments.method)
        print(shown(outcome), flush=True)
        return outcome

    outcomes = [one(e) for e in first_of_each_model(chosen)]  # trains what the others load
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        try:
            outcomes += pool.map(one, [e for e in chosen if e.name not in {o.name for o in outcomes}])
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    text = repair_runs.table(outcomes) + "\n\n"
    for reached, sentence in repair_runs.verdict_of(row, outcomes):
        text += f"{'reached' if reached else 'missed':8} {sentence}\n"
    write(name, outcomes, text, arguments)
    return outcomes


def first_of_each_model(experiments):
    return list({e.config["model"]["path"]: e for e in reversed(experiments)}.values())


def shown(outcome):
    return (
        f"{outcome.name:22} {outcome.method:12} {outcome.proved_before:3} -> {outcome.proved} of {outcome.references}"
        f" proved  drawdown {outcome.drawdown:+.2f}  {outcome.seconds:8.1f} s  {outcome.cpu:7.1f} s CPU  {outcome.reason}"
    )


def compare_methods(place, arguments):
    compared = []
    for name in arguments.groups:
        row = repair_rows.ROWS[name]
        runner = runner_of(name, arguments)
        for experiment in row.experiments(place):
            images = row.unseen(place)[: arguments.limit]
            for method in arguments.methods:
                outcome = runner.run(experiment, method)
                print(shown(outcome), flush=True)
                compared.append(repair_methods.compared(outcome, experiment, images, arguments))
    write(METHODS_ROW, [c.outcome for c in compared], repair_methods.table(compared), arguments)
    return [c.outcome for c in compared]


def write(name, outcomes, text, arguments):
    print("\n" + text, flush=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{name}.txt").write_text(text.rstrip() + "\n")
    with open(arguments.out / f"{name}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, repair_runs.FIELDS)
        writer.writeheader()
        writer.writerows(outcome.row() for outcome in outcomes)


def main():
    parser, arguments = parse()
    place = repair_rows.Place(arguments.data.resolve(), arguments.networks.resolve(), arguments.out.resolve())
    outcomes = []
    try:
        for name in arguments.rows:
            if name == METHODS_ROW:
                outcomes += compare_methods(place, arguments)
            else:
                outcomes += run_row(name, place, arguments)
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))
    return 0 if len(repair_runs.complete(outcomes)) == len(outcomes) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; what was run is kept")
