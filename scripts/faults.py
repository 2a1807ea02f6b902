#!/usr/bin/env python3
"""Does bad things to `verissim run` and `verissim verify` while they work, and looks at what is left.

    python3 scripts/faults.py --program build/release/bin/verissim [--checker PROGRAM] [--count 100] [--seed 1] [--keep DIR]

A small experiment (a data set of its own, training, some rounds of repair) and a verification with a checkpoint are
killed, interrupted, run into a full disk, a read-only folder, too little memory, a jump of the clock, or each other.
Kills and signals are aimed at a phase of the run, which its events tell; at the end it is said how many hit which.
Checked each time: what lies under a final name is whole, nothing half-written is left where the program could clean up,
the exit code and the one line on standard error are right, and what was interrupted and gone on with ends with the same
verdict and the very same network as without the fault. What the machine does not allow (mounting a small disk, faketime)
is named and replaced, not skipped in silence. --long adds a training that is killed after its first kept state. The exit
code is 0 if nothing was wrong.
"""

import argparse
import collections
import concurrent.futures
import glob
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from fault_place import (  # noqa: E402
    BEFORE, PHASES, REPAIR, SIDE, TRAINING, VERIFICATION, WEIGHTS, Case, Wanted, check_files, check_finished, check_finished_report, config_of,
    demand, facts_of, one_line, report_of, resume, write_data)

NOBODY = 65534


# --- faults of run ---


def wait_some(case, seconds):
    time.sleep(case.rng.uniform(0.0, 1.1 * seconds))


def killed(case, wanted, phases=None, elsewhere=False):
    """kill -9, some times in a row, then gone on with to the end."""
    process, course = case.start_run(case.config)
    for _ in range(case.rng.randint(1, case.options.strikes)):
        case.strike(process, course, signal.SIGKILL, wanted, phases)
        check_files(case.place, partial_allowed=True)
        folders = [folder for folder in case.folders() if (folder / "params.json").exists()]
        if not folders:
            demand(case.run().code == wanted.code, "after a kill before the run began it does not run")
            return "before the run had a folder"
        if elsewhere and case.current == case.place:
            case.go_elsewhere()
        if (folders[0] / "report.json").exists() and report_of(folders[0])["finished"]:
            check_finished_report(folders[0], wanted)
            return told(case) + ", when it was finished" + resume_finished(case, wanted, folders[0])
        process, course = case.start_run("--resume", folders[0])
    finish_resumed(case, wanted, process, folders[0], killed_before=True)
    return told(case) + ", and gone on with"


def killed_in_repair(case, wanted):
    return killed(case, wanted, [REPAIR])


def resumed_elsewhere(case, wanted):
    """Relative paths mean the files that they meant, wherever a killed run is gone on with."""
    case.use_relative_paths()
    return killed(case, wanted, elsewhere=True)


def resume_finished(case, wanted, folder):
    """Killed in the very end: without its page it is gone on with, with it only what is litter is removed."""
    if not (folder / "report.html").exists():
        resume(case, wanted, folder)
        return " but for its page, and gone on with"
    ended = case.call("run", "--quiet", "--resume", folder)
    demand(ended.code == 3 and "is finished" in one_line(ended), f"exit code {ended.code}: {ended.err}")
    check_finished(case, folder, wanted)
    return ""


def finish_resumed(case, wanted, process, folder, killed_before):
    ended = case.finish(process)
    demand(ended.code == wanted.code, f"gone on with, it ended with {ended.code}: {ended.err}")
    check_files(case.place, partial_allowed=False, killed_before=killed_before)
    check_finished(case, folder, wanted)


def told(case):
    return "in " + ", ".join(case.hits)


def signalled(number, phases=None, name=None):
    """An interrupt, some times in a row, each time gone on with."""

    def fault(case, wanted):
        process, course = case.start_run(case.config)
        for _ in range(case.rng.randint(1, case.options.strikes)):
            ended = case.strike(process, course, number, wanted, phases)
            if ended.code == -number:
                demand(course.look() == BEFORE, "it ended by the signal although it had a folder")
                return "before the program caught signals"
            check_files(case.place, partial_allowed=False)
            demand(ended.err == "", f"an interrupt is no error: {ended.err!r}")
            if ended.code == wanted.code:
                check_finished(case, case.folders()[0], wanted)
                return told(case) + ", too late to stop it"
            demand(ended.code == 0, f"exit code {ended.code} after an interrupt: {ended.out}")
            if not case.folders():
                return "before the run had a folder"
            folder = case.folders()[0]
            demand(not report_of(folder)["finished"], "an interrupted run says that it is finished")
            process, course = case.start_run("--resume", folder)
        finish_resumed(case, wanted, process, folder, killed_before=False)
        return told(case) + ", and gone on with"

    fault.__name__ = name or signal.Signals(number).name.lower()
    return fault


def small_files(case, wanted):
    """No file may be larger than some KB: as a full disk, at every file in turn."""
    limit = case.rng.choice([0, 200, 1000, 2000, 4000, 6000, 9000, 30000])
    ended = case.run(setup=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    return after_full_disk(case, wanted, ended, f"with files of at most {limit} bytes")


def after_full_disk(case, wanted, ended, what):
    check_files(case.place, partial_allowed=False)
    if ended.code == wanted.code:  # large enough
        check_finished(case, case.folders()[0], wanted)
        return what + ": it sufficed"
    demand(ended.code == 3, f"exit code {ended.code} {what}: {ended.out}{ended.err}")
    line = one_line(ended)
    demand("cannot be" in line, f"the line does not say what cannot be written: {line}")
    for folder in case.folders():
        if (folder / "params.json").exists():
            resume(case, wanted, folder)
            return what + ", and gone on with"
    return what


def mounted(case, size):
    disk = case.place / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=False,
                          stderr=subprocess.DEVNULL)
    return disk if done.returncode == 0 else None


def full_disk(case, wanted):
    """A disk of some KB, which is full before the end; then there is room, and it is gone on with."""
    size = case.rng.choice([4, 16, 32, 64, 96])
    disk = mounted(case, size)
    if disk is None:
        return small_files(case, wanted) + " (no disk may be mounted here)"
    try:
        config = config_of(case.inputs, case.place)
        config["path"] = str(disk)
        case.config.write_text(json.dumps(config))
        ended = case.run()
        check_files(disk, partial_allowed=False)
        demand(ended.code in (3, wanted.code), f"exit code {ended.code}: {ended.err}")
        if ended.code == 3:
            one_line(ended)
        for folder in sorted(disk.iterdir()):
            if ended.code == 3 and (folder / "params.json").exists():
                again = case.call("run", "--quiet", "--resume", folder)  # while there is no room
                check_files(disk, partial_allowed=False)
                demand(again.code in (3, wanted.code), f"exit code {again.code}: {again.err}")
                ended = ended if again.code == 3 else again
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
        for folder in sorted(disk.iterdir()):
            if ended.code == 3 and (folder / "params.json").exists():
                resume(case, wanted, folder)
                return f"of {size} KB, and gone on with"
        return f"of {size} KB"
    finally:
        subprocess.run(["umount", disk], check=True)


def read_only(case, wanted):
    """Results may not be written. Root may write anywhere, so nobody runs it then."""
    (case.place / "results").mkdir()
    (case.place / "models").mkdir()
    (case.place / "results").chmod(0o555)
    if case.rng.random() < 0.5:
        (case.place / "models").chmod(0o777)
    setup = (lambda: os.setuid(NOBODY)) if os.geteuid() == 0 else None
    ended = case.run(setup=setup)
    demand(ended.code == 3, f"exit code {ended.code}: {ended.out}")
    demand("ermission denied" in one_line(ended), ended.err)
    demand(not case.folders(), "a folder was made")
    (case.place / "results").chmod(0o755)
    return "refused"


def interrupted(case, wanted):
    """A run that was interrupted between its folder and its end; nothing if the moment was missed."""
    process, course = case.start_run(case.config)
    case.strike(process, course, signal.SIGINT, wanted, [TRAINING, VERIFICATION, REPAIR])
    folders = case.folders()
    return folders[0] if folders and not report_of(folders[0])["finished"] else None


def read_only_run(case, wanted):
    """A run's folder may not be written when it is to be gone on with. It stays as it is until it may."""
    folder = interrupted(case, wanted)
    if folder is None:
        return "it was too quick"
    before = contents(case.place)
    if os.geteuid() == 0:
        ended = case.call("run", "--quiet", "--resume", folder, setup=lambda: os.setuid(NOBODY))
    else:
        folder.chmod(0o555)
        ended = case.call("run", "--quiet", "--resume", folder)
        folder.chmod(0o755)
    demand(ended.code == 3, f"exit code {ended.code}: {ended.out}")
    demand("ermission denied" in one_line(ended), ended.err)
    demand(contents(case.place) == before, "something was changed")
    resume(case, wanted, folder)
    return told(case) + ", refused, and gone on with"


def contents(place):
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


def resumed_twice(case, wanted):
    """Of two that go on with a run at once one does."""
    folder = interrupted(case, wanted)
    if folder is None:
        return "it was too quick"
    both = [case.finish(process)
            for process in [case.start("run", "--quiet", "--resume", folder) for _ in range(2)]]
    demand(sorted(ended.code for ended in both) == [3, wanted.code], f"exit codes {[ended.code for ended in both]}")
    line = one_line(next(ended for ended in both if ended.code == 3))
    demand("at work" in line or "is finished" in line, line)
    check_files(case.place, partial_allowed=False)
    check_finished(case, folder, wanted)
    return told(case) + ", the second is refused"


def at_once(case, wanted):
    """Two runs of one config, which share the model's file."""
    runs = [case.start("run", "--quiet", case.config) for _ in range(2)]
    for process in runs:
        ended = case.finish(process)
        demand(ended.code == wanted.code, f"exit code {ended.code}: {ended.err}")
    check_files(case.place, partial_allowed=False)
    demand(len(case.folders()) == 2, "two runs share a folder")
    for folder in case.folders():
        check_finished(case, folder, wanted)
    return "both finished"


def resumed_at_once(case, wanted):
    """A run that is at work is not gone on with."""
    process = case.start("run", "--quiet", case.config)
    while process.poll() is None and not any((folder / "params.json").exists() for folder in case.folders()):
        time.sleep(0.002)
    second = case.call("run", "--quiet", "--resume", case.folders()[0])
    ended = case.finish(process)
    demand(ended.code == wanted.code, f"exit code {ended.code}: {ended.err}")
    demand(second.code == 3, f"the second run ended with {second.code}")
    line = one_line(second)
    demand("at work" in line or "is finished" in line, line)
    check_files(case.place, partial_allowed=False)
    check_finished(case, case.folders()[0], wanted)
    return "the second is refused"


def little_memory(case, wanted):
    """As much address space as the program hardly needs to start, with any number of threads of OpenBLAS."""
    megabytes = case.rng.choice([150, 250, 400, 550, 600, 700, 900])
    threads = {"OPENBLAS_NUM_THREADS": case.rng.choice("124")}
    ended = case.run(setup=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20,) * 2),
                     environment=case.rng.choice([threads, {}]))
    check_files(case.place, partial_allowed=False)
    what = f"{megabytes} MB"
    if ended.code == wanted.code:
        check_finished(case, case.folders()[0], wanted)
        return what + ": it sufficed"
    if ended.code == 127 or "error while loading shared libraries" in ended.err:
        demand(not case.folders(), "a folder was made")
        return what + ": the program does not start"
    demand(ended.code == 3, f"exit code {ended.code} with {what}: {ended.out}{ended.err}")
    one_line(ended)
    for folder in case.folders():
        if (folder / "params.json").exists():
            resume(case, wanted, folder)
            return what + ", and gone on with"
    return what


def clock_jump(case, wanted):
    """The wall clock jumps by years while the run is at work. Time limits are measured by one that does not."""
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not found:
        demand(clocks_of(case.options.root) == [], "time is measured by a clock that jumps")
        return "no faketime here: no code measures time by the wall clock"
    moment = case.place.parent / f"{case.place.name}.clock"
    moment.write_text("+0")
    process = case.start("run", "--quiet", case.config, environment={
        "LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": str(moment), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"})
    wait_some(case, wanted.seconds / 2)
    jump = case.rng.choice(["+3650d", "-3650d", "+2h", "-2h"])
    moment.write_text(jump)
    ended = case.finish(process)
    moment.unlink()
    demand(ended.code == wanted.code, f"exit code {ended.code} after {jump}: {ended.out}{ended.err}")
    check_files(case.place, partial_allowed=False)
    check_finished(case, case.folders()[0], wanted)
    demand(0 <= report_of(case.folders()[0])["seconds"]["total"] < 3600, "the times are those of the jump")
    return jump


def clocks_of(root):
    """Lines that ask the wall clock for something else than the date of a report."""
    return [f"{path}: {line}" for path in sorted((root / "src").rglob("*.cpp")) for line in path.read_text().splitlines()
            if "system_clock" in line or "gettimeofday" in line]


# --- faults of verify ---


def verify_words(case, threshold):
    return ["verify", "--model", case.inputs / "hard.pt", "--image", case.inputs / "reference.png", "--class", "1",
            "--ssim", threshold, "--dimension", f"1,{SIDE},{SIDE}", "--json", "--quiet"]


def check_verdict(ended, wanted):
    demand(ended.code == wanted.verify_code, f"verify ended with {ended.code}: {ended.err}")
    margin = json.loads(ended.out)["margin_bound"]
    demand(margin == wanted.verify_margin, f"the margin is {margin}, without a fault {wanted.verify_margin}")


def verify_killed(case, wanted):
    """A search with a checkpoint every moment is killed or stopped, and gone on with, until it has a verdict."""
    words = [*verify_words(case, wanted.verify_threshold), "--checkpoint", case.place / "a.checkpoint", "--checkpoint-every", 0, "--resume"]
    faults = 0
    for _ in range(case.rng.randint(1, 4)):
        process = case.start(*words)
        wait_some(case, wanted.verify_seconds / 2)
        number = case.rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        process.send_signal(number)
        ended = case.finish(process)
        check_files(case.place, partial_allowed=True)
        if ended.code == wanted.verify_code:
            break
        demand(ended.code in (0, -number), f"exit code {ended.code}: {ended.err}")
        faults += 1
    ended = ended if ended.code == wanted.verify_code else case.call(*words)
    demand(ended.code == wanted.verify_code, f"verify ended with {ended.code}: {ended.err}")
    demand(json.loads(ended.out)["verdict"] == "robust", ended.out)
    demand(not (case.place / "a.checkpoint").exists(), "a checkpoint is left beside a verdict")
    return f"{faults} faults, and gone on with"


def verify_full_disk(case, wanted):
    """The certificate, or the checkpoint, cannot be written."""
    limit = case.rng.choice([0, 500, 2000])
    setup = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # noqa: E731
    if case.rng.random() < 0.5:
        ended = case.call(*verify_words(case, wanted.verify_threshold), "--checkpoint", case.place / "a.checkpoint", "--checkpoint-every", 0,
                          setup=setup)
        check_verdict(ended, wanted)  # a checkpoint that cannot be kept costs no verdict
        check_files(case.place, partial_allowed=False)
        return "no room for the checkpoint"
    words = [word for word in verify_words(case, wanted.verify_threshold) if word != "--json"]
    ended = case.call(*words, "--certificate", case.place / "a.certificate", setup=setup)
    check_files(case.place, partial_allowed=False)
    demand(not (case.place / "a.certificate").exists(), "a certificate in so few bytes")
    demand(ended.code in (3, wanted.verify_code), f"exit code {ended.code}: {ended.err}")
    demand("cannot be written" in ended.out + ended.err, ended.out + ended.err)
    return "no room for the certificate"


def verify_damaged(case, wanted):
    """A checkpoint of which one byte has changed, or the end is missing, is refused."""
    file = case.place / "a.checkpoint"
    words = [*verify_words(case, wanted.verify_threshold), "--checkpoint", file, "--checkpoint-every", 0, "--resume"]
    process = case.start(*words)
    while process.poll() is None and not file.exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    ended = case.finish(process)
    if not file.exists():
        check_verdict(ended, wanted)
        return "it was too quick"
    data = bytearray(file.read_bytes())
    if case.rng.random() < 0.5:
        data[case.rng.randrange(len(data))] ^= 1 << case.rng.randrange(8)
    else:
        del data[case.rng.randrange(len(data)):]
    file.write_bytes(bytes(data))
    ended = case.call(*words)
    demand(ended.code == 3, f"exit code {ended.code}: {ended.out}")
    one_line(ended)
    return "refused"


LONG_EPOCHS = 1500


def killed_in_long_training(case, wanted):
    """kill -9 when a state was kept, after ten seconds: from there it is gone on with, not from the beginning."""
    whole = Case(case.options, case.inputs, case.place.with_name(f"{case.place.name}.whole"), case.rng)
    for each in (whole, case):
        config = config_of(case.inputs, each.place)
        config["model"]["epochs"] = LONG_EPOCHS
        config["repair"]["max_rounds"] = 0
        each.config.write_text(json.dumps(config))
        each.patience = 1800
    process, course = case.start_run(case.config)
    while process.poll() is None and not glob.glob(str(case.place / "results" / "*" / "states" / "training")):
        time.sleep(0.01)
    if process.poll() is not None:
        return "it was too quick"
    wait_some(case, 5)
    process.kill()
    case.finish(process)
    before = epochs_told(course)[-1]
    check_files(case.place, partial_allowed=True)
    folder, = case.folders()
    process, course = case.start_run("--resume", folder)
    ended = case.finish(process)
    first = epochs_told(course)[0]
    demand(first > before / 3, f"killed at epoch {before} it went on from epoch {first}")
    code = whole.run().code
    demand(ended.code == code, f"gone on with, it ended with {ended.code}, not {code}: {ended.err}")
    check_files(case.place, partial_allowed=False, killed_before=True)
    demand(facts_of(folder) == facts_of(whole.folders()[0]), "it ended in another way")
    demand(model_of(case) == model_of(whole), "it ended with another network")
    whole.clean()
    return f"at epoch {before}, and gone on with from epoch {first} or before"


def model_of(case):
    model, = (case.place / "models").glob("*.pt")
    return model.read_bytes()


def epochs_told(course):
    texts = [json.loads(line).get("text", "") for line in course.file.read_text().splitlines() if line.endswith("}")]
    return [int(text.split()[2]) for text in texts if text.startswith("training: epoch")]


# What takes minutes each.
LONG_FAULTS = [killed_in_long_training]
# Each kind once, then those again that have more to find.
FAULTS = [killed, signalled(signal.SIGINT), signalled(signal.SIGTERM), small_files, full_disk, read_only, at_once,
          resumed_at_once, little_memory, clock_jump, verify_killed, verify_full_disk, verify_damaged,
          resumed_elsewhere, read_only_run, resumed_twice, killed_in_repair,
          signalled(signal.SIGINT, [REPAIR], "sigint_in_repair"), killed, signalled(signal.SIGINT), killed, verify_killed,
          signalled(signal.SIGTERM)]


# --- all of it ---


def without_fault(options, inputs, place):
    """The verdicts that are wanted, and when what happens. The first run finds the machine's caches cold."""
    cold = Case(options, inputs, place.with_name("cold"), random.Random(0))
    demand(cold.run().code == 20, "the experiment does not end with a proof")
    case = Case(options, inputs, place, random.Random(0))
    started = time.monotonic()
    process, course = case.start_run(case.config)
    ended = case.finish(process, started)
    demand(ended.code == 20, f"the experiment does not run a second time: {ended.err}")
    folder = case.folders()[0]
    check_files(place, partial_allowed=False)
    demand(facts_of(folder) == facts_of(cold.folders()[0]), "two runs without a fault differ")
    demand(len(course.spans(REPAIR)) > 2, "hardly anything is repaired: too easy")
    shutil.copy(glob.glob(str(place / "models" / "*.pt"))[0], inputs / "trained.pt")
    shutil.copy(folder / "repaired_model.pt", inputs / "hard.pt")
    for path in inputs.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    threshold, verified = hardest_proof(case)
    certified = (folder / "proof.certificate").exists()
    return Wanted(ended.code, facts_of(folder), ended.seconds, course, certified, verified.code, json.loads(verified.out)["margin_bound"],
                  verified.seconds, threshold)


def hardest_proof(case):
    """Of some thresholds the one whose proof takes longest, up to a minute."""
    best = None
    for threshold in ("0.25", "0.22", "0.2", "0.18", "0.16", "0.14"):
        ended = case.call(*verify_words(case, threshold), "--timeout", 60)
        if ended.code != 20:
            break
        if best is None or ended.seconds > best[1].seconds:
            best = (threshold, ended)
    demand(best is not None, "the repaired network is not verified")
    return best


def one(options, inputs, base, wanted, number):
    fault = options.kinds[number % len(options.kinds)]
    case = Case(options, inputs, base / f"{number:03}", random.Random(1000 * options.seed + number))
    try:
        what, good = fault(case, wanted), True
    except Exception as error:  # pylint: disable=broad-except
        what, good = f"WRONG: {error!r} (hit: {case.hits})", False
    print(f"{number:3} {fault.__name__}: {what}", flush=True)
    if good and not options.keep:
        case.clean()
    return good, case.hits


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=os.path.abspath)
    parser.add_argument("--checker", type=os.path.abspath)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these kinds of faults")
    parser.add_argument("--without", nargs="+", metavar="NAME", default=[], help="all kinds but these")
    parser.add_argument("--long", action="store_true", help="also kinds that take minutes")
    parser.add_argument("--strikes", type=int, default=3, help="kills or signals in a row, at most")
    parser.add_argument("--jobs", type=int, default=1, help="faults at a time")
    parser.add_argument("--keep", type=pathlib.Path, help="folder to work in, which is kept")
    options = parser.parse_args()
    faults = FAULTS + (LONG_FAULTS if options.long else [])
    names = [fault.__name__ for fault in faults]
    unknown = [name for name in [*(options.only or []), *options.without] if name not in names]
    if unknown:
        parser.error(f"no such kind of fault: {' '.join(unknown)}; there are {' '.join(names)}")
    wanted_names = set(options.only or names) - set(options.without)
    options.kinds = [fault for fault in faults if fault.__name__ in wanted_names]
    if not options.kinds:
        parser.error("no kind of fault is left")
    options.root = pathlib.Path(__file__).resolve().parent.parent
    base = options.keep or pathlib.Path(tempfile.mkdtemp(prefix="verissim-faults-"))
    base.mkdir(parents=True, exist_ok=True)
    base.chmod(0o755)
    inputs = base / "inputs"
    write_data(inputs)
    wanted = without_fault(options, inputs, base / "whole")
    times = ", ".join(f"{name} {sum(wanted.course.spans(name)):.2f} s" for name in WEIGHTS)
    print(f"without a fault: {wanted.facts[0]} after {wanted.facts[2]} rounds in {wanted.seconds:.1f} s ({times}); "
          f"verify at {wanted.verify_threshold} {wanted.verify_seconds:.1f} s", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda number: one(options, inputs, base, wanted, number), range(options.count)))
    hits = collections.Counter(hit for _, own in results for hit in own)
    print("kills and signals that hit: " + ", ".join(f"{name} {hits[name]}" for name in PHASES))
    wrong = sum(not good for good, _ in results)
    print(f"{len(results)} faults, {wrong} wrong")
    if not wrong and not options.keep:
        shutil.rmtree(base)
    sys.exit(1 if wrong or not results else 0)


if __name__ == "__main__":
    main()
