"""The example programs, on a network trained on Fashion-MNIST: those in C++ and in Python say the same."""

import os
import pathlib
import re
import subprocess
import sys

import numpy
import pytest

torch = pytest.importorskip("torch")
pillow = pytest.importorskip("PIL.Image")

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = os.environ.get("VERISSIM_EXAMPLES")  # the folder of those in C++
BINARIES = os.environ.get("VERISSIM_BINARIES")  # of verissim-check
NAMES = sorted(path.stem for path in (ROOT / "examples" / "python").glob("*.py"))


@pytest.fixture(scope="module")
def files(small, tmp_path_factory):
    """A model, and two images with their classes."""
    folder = tmp_path_factory.mktemp("examples")
    model = folder / "model_i1x7x7_l24_o10.pt"
    torch.save(small.network.state_dict(), model)
    found = []
    for k in (0, 4):
        image, label = small.reference(k)
        pixels = numpy.rint(image.numpy()[0] * 255).astype(numpy.uint8)
        pillow.fromarray(pixels).save(folder / f"{k}.png")
        found.append((folder / f"{k}.png", label))
    return model, found


def run(program, arguments, code=0):
    path = (BINARIES or "") + os.pathsep + os.environ["PATH"]
    done = subprocess.run(
        [str(word) for word in [*program, *arguments]], capture_output=True, text=True, timeout=300,
        env={**os.environ, "PATH": path},
    )
    assert done.returncode == code, f"{program}: {done.returncode} {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def both(name, arguments, code=0):
    """What the program prints, in either language. Files that it writes are its last argument."""
    told = run([sys.executable, ROOT / "examples" / "python" / f"{name}.py"], arguments, code)
    if PROGRAMS is not None:
        assert run([os.path.join(PROGRAMS, name)], arguments, code) == told
    return told


def test_the_same_programs_in_both_languages():
    assert NAMES == ["attack", "certificate", "sweep", "threshold", "verify"]
    assert NAMES == sorted(path.stem for path in (ROOT / "examples" / "cpp").glob("*.cpp"))
    if PROGRAMS is None:
        pytest.skip("VERISSIM_EXAMPLES does not name the folder of the C++ programs: only those in Python are run")


def test_verify(files):
    model, ((image, label), _) = files
    assert both("verify", [model, image, label, "0.999"]).startswith("robust (")
    told = both("verify", [model, image, label, "0.5"])
    assert told.startswith("not robust (") and re.search(r"^counterexample: SSIM 0\.[5-9]", told, re.MULTILINE)


def test_attack(files):
    model, ((image, label), _) = files
    assert re.match(r"SSIM 0\.[5-9]\d+, class \d, margin -", both("attack", [model, image, label, "0.5"]))
    assert both("attack", [model, image, label, "0.9999"]) == "none was found, which proves nothing\n"


def test_threshold(files):
    model, ((image, label), _) = files
    found = re.match(r"robust from SSIM (\S+) on, not at (\S+) \(", both("threshold", [model, image, label, "0.2"]))
    assert 0.5 < float(found.group(2)) < float(found.group(1)) < 1


def test_certificate(files, tmp_path):
    model, ((image, label), _) = files
    if PROGRAMS is not None:
        assert BINARIES is not None and os.path.exists(os.path.join(BINARIES, "verissim-check"))
    told = both("certificate", [model, image, label, "0.999", tmp_path / "proof"], 20)
    assert re.match(r"robust \(.*\)\nACCEPTED: robust: ", told)
    assert both("certificate", [model, image, label, "0.5", tmp_path / "proof"], 10).endswith("ACCEPTED: not robust\n")


def test_sweep(files):
    model, pairs = files
    told = both("sweep", [model, "0.9999", *(word for pair in pairs for word in pair)])
    assert told.endswith("robust: 2 of 2\n") and told.count(": robust, margin ") == 2


@pytest.mark.parametrize("name", NAMES)
def test_wrong_usage_and_wrong_input(files, name):
    model, ((image, label), _) = files
    run([sys.executable, ROOT / "examples" / "python" / f"{name}.py"], [], 2)
    arguments = [model, "0.9", image, label] if name == "sweep" else [model, image, label, "0.9"]
    arguments += ["file"] if name == "certificate" else []
    told = both(name, ["absent.pt", *arguments[1:]], 3)
    assert "absent.pt" in told and len(told.splitlines()) == 1
    if PROGRAMS is not None:
        run([os.path.join(PROGRAMS, name)], [], 2)
