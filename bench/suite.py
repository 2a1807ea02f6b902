#!/usr/bin/env python3
"""Runs a suite of verification instances: verdicts, times and memory as CSV, table and cactus plots.

    python3 bench/suite.py                                     # mnist-refs, one thread, 60 s each
    python3 bench/suite.py fashion --limit 5 --jobs 2          # five images of each network, two at a time
    python3 bench/suite.py --list mine.csv --timeout 600
    python3 bench/suite.py gtsrb --tool 'other-tool {model} {image} {class} {threshold} {timeout}'

The folder --out gets <suite>.csv, <suite>.txt (the table, and what was left open) and a plot <suite>-<network>.svg for
each network. What the CSV file has already is not run again (by the same program with the same number of threads).
Times: 'inside' is what the program measures from the loaded question to the verdict, 'process' the wall clock of the
whole process. The exit code is 1 if a run failed or repetitions contradict each other, whatever the verdicts;
in the suite 'competition' also if a verdict is the contrary of the published one.
"""

import argparse
import concurrent.futures
import pathlib
import re
import sys
import threading

import competition
import instances
import report
import results
import suites


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", nargs="?", default="mnist-refs", choices=suites.SUITES)
    suites.add_selection(parser)
    parser.add_argument(
        "--program", "--tool", default="build/release/bin/verissim", help="or a command with {model} ..."
    )
    parser.add_argument("--option", action="append", default=[], help="passed on to the program: --option=--seed=2")
    parser.add_argument("--jobs", type=int, default=1, help="instances at a time; times suffer if cores are short")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each instance; the table has their median")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("results/bench"), help="folder for the files")
    parser.add_argument("--csv", type=pathlib.Path, help="the CSV file, if it is to be elsewhere")
    parser.add_argument("--fresh", action="store_true", help="run everything again, whatever the CSV file has")
    parser.add_argument("--quiet", action="store_true", help="only the table")
    arguments = parser.parse_args()
    if arguments.list:
        arguments.suite = pathlib.Path(arguments.list).stem
    return parser, arguments


def run_all(jobs, who, store, arguments):
    """Runs what is missing, some at a time."""
    missing = [job for job in jobs if job not in store.runs]
    done = len(jobs) - len(missing)
    if done:
        print(f"{done} of {len(jobs)} runs are in {store.path} already", flush=True)
    lock = threading.Lock()

    def one(job):
        run = instances.run(who, job.instance, arguments.threads)
        with lock:
            store.add(job, run)
            if not arguments.quiet:
                print(shown(job.instance, run), flush=True)

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        try:
            for future in [pool.submit(one, job) for job in missing]:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def shown(instance, run):
    return (
        f"{str(instance):28} {run.verdict:10} {report.shown(run.seconds):>9} inside {report.shown(run.wall):>9} process"
        f" {run.nodes:7} nodes  bound {run.margin_bound:+.5f}  {run.reason}"
    )


def write_plots(items, arguments):
    for group in dict.fromkeys(s.instance.group for s in items):
        own = [s for s in items if s.instance.group == group]
        path = arguments.out / f"{arguments.suite}-{re.sub('[^A-Za-z0-9_.-]', '_', group)}.svg"
        path.write_text(report.cactus_of(own, f"{arguments.suite}: {group}"))
        print(f"plot: {path}")


def main():
    parser, arguments = parse()
    try:
        chosen = suites.selected(arguments)
        who = instances.tool(arguments.program, arguments.option)
        path = arguments.csv or arguments.out / f"{arguments.suite}.csv"
        store = results.Results(path, who.identity(), arguments.threads, arguments.fresh)
    except (OSError, ValueError, KeyError) as error:
        parser.error(str(error))
    if not chosen:
        parser.error("no instances")

    jobs = [results.Job(instance, turn) for turn in range(arguments.repeat) for instance in chosen]
    run_all(jobs, who, store, arguments)
    items = report.summaries((job.instance, store.runs[job]) for job in jobs)
    text = report.table(items) + "\n" + report.open_questions(items)
    wrong = any(s.verdict == "failed" for s in items)
    if chosen[0].region == instances.VNNLIB:
        published = competition.read_published(arguments.data)
        text += "\n" + competition.compared(items, published)
        wrong = wrong or bool(competition.wrong(items, published))
    print("\n" + text)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{arguments.suite}.txt").write_text(text.rstrip() + "\n")
    write_plots(items, arguments)
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; the CSV file has what was run")
