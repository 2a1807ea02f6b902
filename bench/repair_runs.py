"""One run of `verissim run` on an experiment of repair_rows.py, kept in a folder of its own, and what it reached."""

import dataclasses
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import threading
import time

import instances

GRACE_SECONDS = 120  # for data, verification of the file written, and the report
FIELDS = ("group", "name", "method", "references", "proved_before", "proved", "drawdown", "seconds", "cpu", "reason")


@dataclasses.dataclass
class Outcome:
    """`seconds` are of everything but training, `cpu` those of the whole process on all cores. drawdown: points of
    accuracy on the test set, in percent."""

    group: str
    name: str
    method: str
    references: int
    proved_before: int
    proved: int
    drawdown: float
    seconds: float
    cpu: float
    reason: str  # why not all are proved
    network: str = ""  # the file of the network kept, if it is not the one given

    def row(self):
        return {name: getattr(self, name) for name in FIELDS}


def failed(experiment, method, reason, seconds=float("nan"), cpu=float("nan")):
    count = len(references_of(experiment.config))
    return Outcome(experiment.group, experiment.name, method, count, 0, 0, float("nan"), seconds, cpu, reason)


def references_of(config):
    return config["ri"] if isinstance(config["ri"], list) else [config["ri"]]


class Runner:
    """Runs experiments into `out`; one that was run already, by the same program with the same settings, is read."""

    def __init__(self, program, out, budget, threads, fresh=False):
        self.program = shutil.which(program) or program
        self.identity = instances.Verissim(self.program).identity()
        self.out = pathlib.Path(out)
        self.budget = budget
        self.threads = threads
        self.fresh = fresh

    def run(self, experiment, method):
        folder = self.out / method / experiment.name
        repair = {"method": method} | self.budget
        config = experiment.config | {"path": str(folder), "threads": self.threads, "repair": repair}
        done = folder / "bench.json"
        key = {"program": self.identity, "config": config}
        if not self.fresh and done.exists():
            kept = json.loads(done.read_text())
            if kept["key"] == key:
                return Outcome(**kept["outcome"])
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        outcome = self.start(experiment, method, folder / "config.json")
        if outcome.drawdown == outcome.drawdown:  # a run that failed is made again next time
            done.write_text(json.dumps({"key": key, "outcome": dataclasses.asdict(outcome)}, indent=2) + "\n")
        return outcome

    def start(self, experiment, method, config):
        """The limit from outside is for programs that do not keep to theirs: verifying has limits of its own."""
        timeout = experiment.config["minlp"]["timeout"] * len(references_of(experiment.config))
        start = time.perf_counter()
        with open(config.with_name("out.json"), "wb") as out, open(config.with_name("err.txt"), "wb") as err:
            command = [self.program, "run", "--quiet", "--json", str(config)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            killer = threading.Timer(4 * (self.budget["timeout"] + timeout) + GRACE_SECONDS, process.kill)
            killer.start()
            _, status, usage = os.wait4(process.pid, 0)
            killer.cancel()
        wall, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
        process.returncode = os.waitstatus_to_exitcode(status)
        error = config.with_name("err.txt").read_bytes()
        if process.returncode not in instances.EXIT_CODES:
            reason = instances.last_line(error) or f"exit code {process.returncode}"
            return failed(experiment, method, reason, wall, cpu)
        report = json.loads(config.with_name("out.json").read_text())
        return read_report(experiment, method, report, wall, cpu)


def read_report(experiment, method, report, wall, cpu):
    """A report of one reference says of the whole run what one of several says of each."""
    its = report.get("references") or [
        {"verdict": report["verdict"], "verdict_before": report["rounds"][0]["verdict"] if report["rounds"] else ""}
    ]
    proved = sum(reference["verdict"] == "robust" for reference in its)
    before = sum(reference["verdict_before"] == "robust" for reference in its)
    accuracy = report["accuracy"]
    return Outcome(
        experiment.group, experiment.name, method, len(its), before, proved,
        100 * (accuracy["before"] - accuracy["after"]), wall - report["seconds"]["training"], cpu,
        "" if proved == len(its) else report["reason"], network_of(report),
    )  # fmt: skip


def network_of(report):
    folder = pathlib.Path(report["folder"])
    if report["final_network"]:
        return str(folder / report["final_network"]["file"])
    return str(folder / report["best_network"]) if report["best_network"] else ""


def complete(outcomes):
    return [o for o in outcomes if o.drawdown == o.drawdown]


def table(outcomes):
    """A line for each group and method."""
    lines = dict.fromkeys((o.group, o.method) for o in outcomes)
    width = max(len(f"{group} {method}") for group, method in lines)
    result = [
        f"{'':{width}}  runs  failed  references  proved before  proved | drawdown: mean  worst | seconds: median"
        "   worst | CPU: median"
    ]
    for group, method in lines:
        result.append(line(f"{group} {method}", [o for o in outcomes if (o.group, o.method) == (group, method)], width))
    if len(lines) > 1 and len({method for _, method in lines}) == 1:
        result.append(line("all", outcomes, width))
    return "\n".join(result)


def line(label, outcomes, width):
    good = complete(outcomes)
    text = (
        f"{label:{width}}  {len(outcomes):4}  {len(outcomes) - len(good):6}  {sum(o.references for o in outcomes):10}"
        f"  {sum(o.proved_before for o in outcomes):13}  {sum(o.proved for o in outcomes):6} |"
    )
    if not good:
        return text
    drawdowns, seconds = [o.drawdown for o in good], [o.seconds for o in good]
    return text + (
        f" {statistics.mean(drawdowns):+14.2f} {max(drawdowns):+6.2f} | {statistics.median(seconds):15.1f} {max(seconds):7.1f}"
        f" | {statistics.median(o.cpu for o in good):11.1f}"
    )


def verdict_of(row, outcomes):
    """What of the row's targets is reached, in a sentence each."""
    good = complete(outcomes)
    references, proved = sum(o.references for o in outcomes), sum(o.proved for o in outcomes)
    yield proved == references, f"{proved} of {references} references repaired and proved"
    if good:
        drawdown = statistics.mean(o.drawdown for o in good)
        yield drawdown < row.drawdown, f"mean drawdown {drawdown:+.2f} points, wanted below {row.drawdown:g}"
        seconds = statistics.median(o.seconds for o in good)
        yield seconds < row.seconds, f"median {seconds:.1f} s, wanted below {row.seconds:g} s"
