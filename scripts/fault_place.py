"""The small experiment that scripts/faults.py disturbs: its data, its course in time, and what a run must leave."""

import collections
import glob
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import time
import zipfile
import zlib

SIDE, CLASSES, THRESHOLD = 6, 3, 0.25


class Wrong(Exception):
    """What is left is not as it must be."""


def demand(holds, what):
    if not holds:
        raise Wrong(what)


# --- the experiment ---


def image_of(rng, label):
    """Bands of light whose place tells the class, in noise."""
    return bytes(min(255, (170 if (y // 2) % CLASSES == label else 70) + rng.randrange(60)) for y in range(SIDE)
                 for _ in range(SIDE))


def png_of(pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[k:k + SIDE] for k in range(0, SIDE * SIDE, SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_data(folder):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    rng = random.Random(5)
    for name, count in (("train", 600), ("t10k", 120)):
        labels = [k % CLASSES for k in range(count)]
        images = b"".join(image_of(rng, label) for label in labels)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, count, SIDE, SIDE) + images)
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + bytes(labels))
    (folder / "reference.png").write_bytes(png_of(image_of(rng, 1)))


def config_of(inputs, place):
    return {"path": str(place / "results"), "dimension": [1, SIDE, SIDE],
            "ri": {"path": str(inputs / "reference.png"), "class_idx": 1},
            "model": {"dataset": "MNIST", "hidden_layer": [24, 24], "path": str(place / "models"),
                      "data_path": str(inputs), "selected_classes": list(range(CLASSES)), "epochs": 30, "batch_size": 16},
            "minlp": {"threshold": THRESHOLD, "timeout": 600},
            "repair": {"method": "penalty", "shrink": False, "lr": 0.001, "batch_size": 32}}


# --- its course in time ---

BEFORE, TRAINING, VERIFICATION, REPAIR, PROOF, REPORT, AFTER = PHASES = (
    "before the folder", "training", "verification", "repair", "proof of the file", "last report", "after the end")
# Of a run that begins anew: how often a fault is aimed at each.
WEIGHTS = {BEFORE: 1, TRAINING: 3, VERIFICATION: 5, REPAIR: 6, PROOF: 4, REPORT: 2}

Phase = collections.namedtuple("Phase", "name began")


class Course:
    """The phases of a run so far, as the file of its events tells them while it grows."""

    def __init__(self, file):
        self.file, self.read, self.phases = file, 0, [Phase(BEFORE, 0.0)]

    def look(self):
        data = self.file.read_bytes()[self.read:] if self.file.exists() else b""
        whole = data[:data.rfind(b"\n") + 1]
        self.read += len(whole)
        for line in whole.splitlines():
            event = json.loads(line)
            name = self.begun_by(event)
            if name:
                self.phases.append(Phase(name, event["seconds"]))
        return self.phases[-1].name

    @staticmethod
    def begun_by(event):
        kind = event["event"]
        if kind == "verdict":
            if event["round"] is None:
                return REPORT
            return PROOF if event["verdict"] == "robust" else REPAIR
        if kind == "note":
            return VERIFICATION if event["text"].startswith(("trained for", "network from")) else None
        return {"folder": TRAINING, "repaired": VERIFICATION, "finished": AFTER, "failed": AFTER}.get(kind)

    def count(self, name):
        self.look()
        return sum(phase.name == name for phase in self.phases)

    def spans(self, name):
        """How long each phase of that name was."""
        self.look()
        return [end.began - phase.began for phase, end in zip(self.phases, self.phases[1:]) if phase.name == name]


Ended = collections.namedtuple("Ended", "code out err seconds")


class Case:
    """One place with a config of its own, in which one fault happens."""

    def __init__(self, options, inputs, place, rng):
        self.options, self.inputs, self.place, self.rng = options, inputs, place, rng
        self.hits = []  # the phases that faults have hit
        place.mkdir(parents=True, exist_ok=True)
        self.config = place / "config.json"
        self.config.write_text(json.dumps(config_of(inputs, place)))
        self.patience = 300  # seconds after which a program counts as hanging
        self.current = place  # the folder that programs are started in
        self.elsewhere = place.with_name(f"{place.name}.elsewhere")

    def start(self, *words, setup=None, environment=None):
        return subprocess.Popen([self.options.program, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                preexec_fn=setup, env={**os.environ, **(environment or {})}, text=True, cwd=self.current)

    def use_relative_paths(self):
        config = config_of(self.inputs, self.place)
        for section, key in (config, "path"), (config["ri"], "path"), (config["model"], "path"), (config["model"], "data_path"):
            section[key] = os.path.relpath(section[key], self.place)
        self.config.write_text(json.dumps(config))

    def go_elsewhere(self):
        """To a folder from where the relative paths lead to nothing, but for another network of the same name."""
        self.current = self.elsewhere / "deep"
        (self.current / "models").mkdir(parents=True)
        name, = {path.name for path in self.place.parent.glob("whole/models/*.pt")}
        shutil.copy(self.inputs / "hard.pt", self.current / "models" / name)

    def clean(self):
        shutil.rmtree(self.place)
        shutil.rmtree(self.elsewhere, ignore_errors=True)

    def finish(self, process, started=None):
        try:
            out, err = process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise Wrong("it hangs") from error
        return Ended(process.returncode, out, err, time.monotonic() - (started or time.monotonic()))

    def call(self, *words, **more):
        started = time.monotonic()
        return self.finish(self.start(*words, **more), started)

    def run(self, **more):
        return self.call("run", "--quiet", self.config, **more)

    def start_run(self, *words):
        """The process, and its course."""
        events = self.place.parent / f"{self.place.name}.events"
        events.unlink(missing_ok=True)
        return self.start("run", "--quiet", "--events", events, *words), Course(events)

    def strike(self, process, course, number, wanted, phases=None):
        """Sends the signal at some moment of one of the phases, seldom after it; then the process ends."""
        weights = {name: WEIGHTS[name] for name in phases or WEIGHTS if wanted.course.spans(name)}
        name, = self.rng.choices(list(weights), list(weights.values()))
        which = self.rng.randrange(len(wanted.course.spans(name)))
        while process.poll() is None and course.count(name) <= which:
            time.sleep(0.001)
        time.sleep(self.rng.uniform(0.0, 1.1 * wanted.course.spans(name)[which]))
        hit = course.look()
        process.send_signal(number)
        ended = self.finish(process)
        if number == signal.SIGKILL:
            hit = course.look()
        self.hits.append(hit)
        return ended

    def folders(self):
        return sorted(pathlib.Path(name) for name in glob.glob(str(self.place / "results" / "*")))


def one_line(ended):
    """The one line that a refused or failed command leaves; progress is not shown where nobody looks."""
    lines = [line for line in ended.err.splitlines() if line]
    demand(len(lines) == 1 and lines[0].startswith("verissim: "), f"standard error is not one line: {ended.err!r}")
    return lines[0]


# --- what is left ---


def whole_png(data):
    return data.startswith(b"\x89PNG\r\n\x1a\n") and data.endswith(b"IEND\xaeB`\x82")


def whole_npy(data):
    size = struct.unpack("<H", data[8:10])[0]
    shape = eval(data[10:10 + size].decode(), {"__builtins__": {}}, {})["shape"]  # pylint: disable=eval-used
    count = 1
    for side in shape:
        count *= side
    return len(data) == 10 + size + 8 * count


def whole_model(path):
    with zipfile.ZipFile(path) as archive:
        return archive.testzip() is None and any(name.endswith("data.pkl") for name in archive.namelist())


def is_whole(path):
    data = path.read_bytes()
    if path.suffix == ".json":
        json.loads(data)
        return True
    if path.suffix == ".pt":
        return whole_model(path)
    if path.suffix == ".png":
        return whole_png(data)
    if path.suffix == ".npy":
        return whole_npy(data)
    if path.suffix == ".certificate":
        return zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")
    if path.suffix == ".html":
        return data.rstrip().endswith(b"</html>")
    if path.parent.name == "states" or path.suffix == ".checkpoint":
        return hashlib.sha256(data[:-64]).hexdigest().encode() == data[-64:]
    if path.name == "exp_logfile.txt":
        return data == b"" or data.endswith(b"\n")
    raise Wrong(f"a file that nobody knows: {path.name}")


def check_files(place, partial_allowed, killed_before=False):
    """Every file under a final name is whole. Parts are left only by what could not clean up: a killed run. One that is
    gone on with removes them from its folder, but not from that of models, which others may use."""
    for path in sorted(place.rglob("*")):
        if not path.is_file() or path.parent == place and path.name == "config.json":
            continue
        if ".partial-" in path.name:
            shared = killed_before and path.parent.name == "models"
            demand(partial_allowed or shared, f"a part is left: {path}")
            continue
        try:
            good = is_whole(path)
        except (ValueError, zipfile.BadZipFile, KeyError, struct.error, SyntaxError) as error:
            raise Wrong(f"{path} is damaged: {error}") from error
        demand(good, f"{path} is not whole")


def report_of(folder):
    return json.loads((folder / "report.json").read_text())


def facts_of(folder):
    path, report = folder / "repaired_model.pt", report_of(folder)
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
    return report["verdict"], digest, len(report["rounds"])


def check_finished_report(folder, wanted):
    got = facts_of(folder)
    demand(got == wanted.facts, f"{folder.name} ended with {got}, without a fault with {wanted.facts}")


def check_finished(case, folder, wanted):
    """The run ended as the one without a fault."""
    demand(report_of(folder)["finished"], f"{folder.name} is not finished")
    check_finished_report(folder, wanted)
    demand(not (folder / "states").exists(), "states are left of a finished run")
    certificate = folder / "proof.certificate"
    if wanted.certified and case.options.checker:
        command = [case.options.checker, certificate, "--model", folder / "repaired_model.pt", "--image",
                   case.inputs / "reference.png", "--class", "1", "--ssim", THRESHOLD, "--dimension", f"1,{SIDE},{SIDE}"]
        checked = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=False, text=True)
        demand(checked.returncode == 20, f"the certificate is not accepted: {checked.stdout}")


def resume(case, wanted, folder):
    ended = case.call("run", "--quiet", "--resume", folder)
    demand(ended.code == wanted.code, f"gone on with, it ended with {ended.code}, not {wanted.code}: {ended.err}")
    check_files(case.place, partial_allowed=False)
    check_finished(case, folder, wanted)


Wanted = collections.namedtuple("Wanted", "code facts seconds course certified verify_code verify_margin "
                                    "verify_seconds verify_threshold")
