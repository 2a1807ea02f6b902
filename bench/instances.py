"""What is measured: a verification instance, the tools that answer it, and one run of a tool on an instance."""

import csv
import dataclasses
import hashlib
import json
import math
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import threading
import time

GRACE_SECONDS = 30  # beyond the time limit, before a program is ended from outside
VERDICTS = ("robust", "not robust", "unknown", "failed")
DECIDED = ("robust", "not robust")
VNNLIB = "vnnlib"
EXIT_CODES = {20: "robust", 10: "not robust", 0: "unknown"}
# What other tools say: that the property holds, that there is a counterexample, or neither.
WORDS = {
    "robust": "robust", "unsat": "robust", "verified": "robust", "safe": "robust", "holds": "robust",
    "not robust": "not robust", "sat": "not robust", "falsified": "not robust", "violated": "not robust",
    "unknown": "unknown", "timeout": "unknown",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Instance:
    """A question for `verissim verify`; or of the competition, with a property's file for an image."""

    group: str
    model: str
    image: str
    class_index: int
    threshold: str
    timeout: float = 60.0
    region: str = "ssim"  # the option of `verissim verify` that takes the threshold; or VNNLIB
    dimension: str = ""  # C,H,W; empty: what the model says

    def __str__(self):
        if self.region == VNNLIB:
            return " ".join(
                (
                    self.group,
                    *(pathlib.Path(p).name.removesuffix(".gz").rsplit(".", 1)[0] for p in (self.model, self.image)),
                )
            )
        return f"{self.group} {pathlib.Path(self.image).stem} {self.threshold}"


@dataclasses.dataclass
class Run:
    verdict: str  # one of VERDICTS
    reason: str
    margin_bound: float  # the certified lower bound; a counterexample's margin
    margin_seen: float  # the smallest at any point looked at, in rounded arithmetic
    nodes: int
    seconds: float  # as the program measures it
    wall: float  # of the whole process
    peak_mb: float


def failure(reason, wall=math.nan, peak_mb=math.nan):
    return Run("failed", reason, math.nan, math.nan, 0, wall, wall, peak_mb)


class Verissim:
    """A build of this program."""

    def __init__(self, program, extra=()):
        self.program = shutil.which(program) or program
        self.extra = tuple(extra)

    def command(self, instance, threads, out):
        """out: a file that may be written with the answer; otherwise standard output has it."""
        limits = ("--timeout", f"{instance.timeout:g}", "--threads", str(threads), *self.extra)
        if instance.region == VNNLIB:
            return [self.program, "vnncomp", instance.model, instance.image, "--out", out, *limits]
        shape = ("--dimension", instance.dimension) if instance.dimension else ()
        return [
            self.program, "verify", "--json", "--model", instance.model, "--image", instance.image,
            "--class", str(instance.class_index), f"--{instance.region}", instance.threshold, *shape,
            *limits,
        ]  # fmt: skip

    def identity(self):
        """Changes when the build or its options do."""
        digest = hashlib.sha256(pathlib.Path(self.program).read_bytes()).hexdigest()[:12]
        return " ".join((digest, *self.extra))


class Template:
    """Any other tool: a command with {model}, {image}, {class}, {threshold}, {region}, {dimension}, {timeout}
    and {threads}.

    {property} is another name of {image}; {out} is a file for the answer, if it does not go to standard output.
    """

    def __init__(self, command):
        self.words = shlex.split(command)

    def command(self, instance, threads, out):
        values = {
            "model": instance.model, "image": instance.image, "class": instance.class_index,
            "threshold": instance.threshold, "timeout": f"{instance.timeout:g}", "threads": threads,
            "dimension": instance.dimension, "region": instance.region, "property": instance.image, "out": out,
        }  # fmt: skip
        return [word.format(**values) for word in self.words]

    def identity(self):
        return shlex.join(self.words)


def tool(text, extra=()):
    """A path of this program, or a template: whatever has a brace or a space in it."""
    return Template(text) if "{" in text else Verissim(text, extra)


def read_list(path, timeout=60.0):
    """Instances from a CSV file with the columns group, model, image, class, ssim; files are relative to its folder.

    There may be timeout, dimension, and region: which option takes what stands under ssim (ssim, linf, l2).
    """
    folder = pathlib.Path(path).parent
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            yield Instance(
                row["group"], str(folder / row["model"]), str(folder / row["image"]), int(row["class"]), row["ssim"],
                float(row.get("timeout") or timeout), row.get("region") or "ssim", row.get("dimension") or "",
            )  # fmt: skip


def run(who, instance, threads):
    with tempfile.TemporaryDirectory() as folder:
        out, err, result = (pathlib.Path(folder) / name for name in ("out", "err", "result"))
        start = time.perf_counter()
        try:
            with open(out, "wb") as out_file, open(err, "wb") as err_file:
                command = who.command(instance, threads, str(result))
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out_file, stderr=err_file)
        except OSError as error:
            return failure(str(error))
        killer = threading.Timer(instance.timeout + GRACE_SECONDS, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        answer = result if result.exists() else out
        measured = process.returncode, err.read_bytes(), wall, usage.ru_maxrss / 1024
        return read(answer.read_bytes(), *measured)


def read(out, code, err, wall, peak_mb):
    """A JSON object of this program, or else the first line that is one of WORDS, or begins with one before a colon."""
    if out.lstrip().startswith(b"{"):
        return read_answer(out, code, err, wall, peak_mb)
    for line in out.decode(errors="replace").splitlines():
        word, _, reason = line.strip().partition(":")
        if word.lower() in WORDS:
            return Run(WORDS[word.lower()], reason.strip(), math.nan, math.nan, 0, wall, wall, peak_mb)
    return failure(last_line(err) or f"no verdict, exit code {code}", wall, peak_mb)


def last_line(err):
    lines = err.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def read_answer(out, code, err, wall, peak_mb):
    """What `verissim verify --json` printed. A verdict that the exit code contradicts is a failure."""
    try:
        answer = json.loads(out)
    except ValueError:
        return failure(last_line(err) or f"exit code {code}", wall, peak_mb)
    verdict = answer["verdict"]
    if EXIT_CODES.get(code) != verdict:
        return failure(f"'{verdict}' with exit code {code}", wall, peak_mb)
    if answer["reason"] == "interrupted":  # together with the suite: no answer to keep
        return failure(answer["reason"], wall, peak_mb)
    bound, seen = (number(answer.get(name)) for name in ("margin_bound", "margin_seen"))
    return Run(verdict, answer["reason"], bound, seen, answer["nodes"], answer["seconds"], wall, peak_mb)


def number(value):
    return math.nan if value is None else value


def contradict(verdicts):
    """Whether one run proved what another refuted."""
    return set(DECIDED) <= set(verdicts)
