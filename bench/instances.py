"""What is measured: lists of verification instances, and one run of the program on one of them."""

import csv
import dataclasses
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

DIGITS = (1, 3, 5, 7, 9)  # the classes of the networks in models/mnist, in the order of their outputs
THRESHOLDS = ("0.9", "0.95", "0.98", "0.99", "0.999")
MODELS = {
    "4x4": "model_i1x4x4_l6-6-6_o5.pt",
    "8x8": "model_i1x8x8_l20-20_o5.pt",
    "14x14": "model_i1x14x14_l50-50_o5.pt",
    "28x28": "model_i1x28x28_l100-100_o5.pt",
}
GRACE_SECONDS = 30  # beyond the program's own time limit, before it is ended from outside


@dataclasses.dataclass(frozen=True)
class Instance:
    group: str
    model: str
    image: str
    class_index: int
    threshold: str

    def __str__(self):
        return f"{self.group} {pathlib.Path(self.image).stem} {self.threshold}"


@dataclasses.dataclass
class Run:
    verdict: str  # "robust", "not robust", "unknown", or "failed"
    reason: str
    margin_bound: float
    nodes: int
    seconds: float  # as the program measures it
    wall: float  # of the whole process
    peak_mb: float


def mnist_suite(data, sizes, digits, thresholds):
    """The networks and reference digits in the data folder, smallest first."""
    data = pathlib.Path(data)
    for size in sizes:
        for digit in digits:
            for threshold in thresholds:
                yield Instance(
                    size,
                    str(data / "models" / "mnist" / MODELS[size]),
                    str(data / "ri" / "mnist" / f"{digit}.png"),
                    DIGITS.index(digit),
                    threshold,
                )


def read_list(path):
    """Instances from a CSV file with the columns group, model, image, class and ssim; files relative to its folder."""
    folder = pathlib.Path(path).parent
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            yield Instance(
                row["group"], str(folder / row["model"]), str(folder / row["image"]), int(row["class"]), row["ssim"]
            )


def run(program, instance, timeout, threads, extra=()):
    command = [
        program, "verify", "--json", "--model", instance.model, "--image", instance.image,
        "--class", str(instance.class_index), "--ssim", instance.threshold,
        "--timeout", str(timeout), "--threads", str(threads), *extra,
    ]  # fmt: skip
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        killer = threading.Timer(timeout + GRACE_SECONDS, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return read_answer(process.returncode, out.read(), err.read(), wall, usage.ru_maxrss / 1024)


def read_answer(code, out, err, wall, peak_mb):
    expected = {"robust": 20, "not robust": 10, "unknown": 0}
    try:
        answer = json.loads(out)
    except ValueError:
        lines = err.decode(errors="replace").strip().splitlines()
        return Run("failed", lines[-1] if lines else f"exit code {code}", float("nan"), 0, wall, wall, peak_mb)
    verdict = answer["verdict"]
    if expected.get(verdict) != code:
        return Run("failed", f"'{verdict}' with exit code {code}", float("nan"), 0, wall, wall, peak_mb)
    bound = float("nan") if answer["margin_bound"] is None else answer["margin_bound"]
    return Run(verdict, answer["reason"], bound, answer["nodes"], answer["seconds"], wall, peak_mb)


def add_selection(parser):
    parser.add_argument("--data", default="../shared/data", help="folder with models/mnist and ri/mnist")
    parser.add_argument("--list", help="a CSV file of instances instead: group, model, image, class, ssim")
    parser.add_argument("--sizes", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--digits", nargs="+", type=int, choices=DIGITS, default=list(DIGITS))
    parser.add_argument("--ssim", nargs="+", default=list(THRESHOLDS), help="thresholds")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds for each instance")
    parser.add_argument("--threads", type=int, default=1)


def selected(arguments):
    if arguments.list:
        return list(read_list(arguments.list))
    return list(mnist_suite(arguments.data, arguments.sizes, arguments.digits, arguments.ssim))
