"""What the documentation says to do is done: the Python examples of docs/python.md, of the tutorial and of the guides,
their shell commands, and the picture's program.

Fences marked `python` are run one after the other, page by page; fences marked `sh` by a shell, in the folder with the
tutorial's files. What is only indented (setting a machine up) is not run here.
"""

import contextlib
import io
import os
import pathlib
import re
import subprocess
import sys

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted(page.name for page in (ROOT / "docs").glob("*.md"))
BINARIES = os.environ.get("VERISSIM_BINARIES")  # the folder with verissim and verissim-check


def fences(page):
    """(language, text) of each marked fence of a page, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)


# The pages with something to run, but for two that have tests of their own.
OTHERS = [page for page in PAGES if fences(page) and page not in ("tutorial.md", "python.md")]


def examples(page):
    return [text for language, text in fences(page) if language == "python"]


def run_shell(text, folder, page):
    """Runs each line of a fence, which may end with a verdict's exit code; one with conditions as a whole must succeed."""
    path = BINARIES + os.pathsep + os.environ["PATH"]
    whole = "||" in text  # conditions belong to the command before them
    printed = ""
    for command in [text] if whole else text.splitlines():
        done = subprocess.run(
            ["sh", "-e", "-c", command], cwd=folder, capture_output=True, text=True, timeout=120,
            env={**os.environ, "PATH": path},
        )
        allowed = (0,) if whole else (0, 10, 20)
        assert done.returncode in allowed, f"{page}: {command}: {done.returncode} {done.stdout}{done.stderr}"
        printed += done.stdout
    return printed


def run_page(page, folder, names):
    """What everything on the page printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for language, text in fences(page):
            if language == "python":
                exec(compile(text, page, "exec"), names)
            else:
                print(run_shell(text, folder, page))
    return printed.getvalue()


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory):
    """The folder and the names that the tutorial leaves, and what its commands printed."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("PIL.Image")
    if not os.path.exists("/usr/share/datasets/fashion-mnist"):
        pytest.skip("no Fashion-MNIST (Debian's package dataset-fashion-mnist)")
    if BINARIES is None:
        pytest.skip("VERISSIM_BINARIES does not name the folder of the programs, which pip does not install")
    assert os.path.exists(os.path.join(BINARIES, "verissim-check"))
    torch.set_num_threads(1)
    folder, before = tmp_path_factory.mktemp("tutorial"), os.getcwd()
    names = {"__name__": "example"}
    os.chdir(folder)
    try:
        printed = run_page("tutorial.md", folder, names)
    finally:
        os.chdir(before)
    return folder, names, printed


def test_the_tutorial(tutorial):
    folder, names, printed = tutorial
    assert names["accuracy"] > 0.8
    assert float(names["threshold"].refuted_at) < float(names["threshold"].proved_at) < 0.99
    assert re.search(r"^robust [0-9]", printed, re.MULTILINE)  # the first question
    assert names["result"].verdict == "not robust"
    assert names["again"].robust and names["repaired"].accuracy_after > 0.8
    assert (folder / "boot.png").exists()
    assert "Robust: every image" in printed and "ACCEPTED: robust" in printed


def test_every_fence_is_run():
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text()
        assert text.count("```") == 2 * len(fences(page)), f"{page}: a fence without a language"
        assert {language for language, _ in fences(page)} <= {"python", "sh"}, page
    assert len(OTHERS) >= 5


@pytest.mark.parametrize("page", OTHERS)
def test_a_page(page, tutorial, monkeypatch):
    folder, _, _ = tutorial
    monkeypatch.chdir(folder)
    printed = run_page(page, folder, {"__name__": "example"})
    wanted = {
        "coming-from-abcrown.md": ["robust\n"],
        "guide-own-model.md": ["robust ", "ReLU", "TorchScript"],
        "guide-verdicts.md": ["Robust: every image", "Not robust: an image", "as 8 bits"],
        "guide-proofs.md": ["ACCEPTED: robust", "REJECTED:"],
        "guide-repair.md": ["verdict: robust", "accuracy lost: ", "same class as before: 0.9"],
        "guide-choosing-tau.md": ["global ", "skimage "],
    }
    for text in wanted[page]:
        assert text in printed, f"{page}: '{text}' was not printed"


def test_the_picture(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    if not os.path.exists("/usr/share/datasets/fashion-mnist"):
        pytest.skip("no Fashion-MNIST (Debian's package dataset-fashion-mnist)")
    pictures = ROOT / "docs" / "pictures"
    done = subprocess.run([sys.executable, str(pictures / "make.py"), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made, kept = (numpy.asarray(pillow.open(folder / "tau.png")).astype(int) for folder in (tmp_path, pictures))
    assert made.shape == kept.shape and abs(made - kept).max() <= 1
    page = (ROOT / "docs" / "guide-choosing-tau.md").read_text()
    for line in done.stdout.splitlines()[1:]:
        name, values = line.split(":")
        row = next(row for row in page.splitlines() if row.startswith(f"| {name} |"))
        assert re.findall(r"[0-9.]+", row) == values.split()


def test_the_reference_page(tmp_path, monkeypatch, capsys):
    for package in ("torch", "pandas", "tqdm", "PIL.Image"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    blocks = examples("python.md")
    assert len(blocks) >= 9
    names = {"__name__": "example"}
    for block in blocks:
        exec(compile(block, "python.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "robust from SSIM" in printed and "above 0 and at most 1" in printed
    assert names["repaired"].robust
    assert (tmp_path / "counterexample.png").exists()


def test_every_public_name_is_on_the_page():
    import verissim

    page = (ROOT / "docs" / "python.md").read_text()
    missing = [name for name in verissim.__all__ if name not in page and name not in ("Model", "Statistics", "RepairRound")]
    assert not missing
