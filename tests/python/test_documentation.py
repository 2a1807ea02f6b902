"""The examples of docs/python.md, run one after the other, and examples/verify.py."""

import os
import pathlib
import re
import subprocess
import sys

import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def examples(page):
    return re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)


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


def test_the_example_program(tmp_path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(16, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    torch.save(network.state_dict(), tmp_path / "net.pt")
    numpy.save(tmp_path / "image.npy", torch.rand(1, 4, 4).numpy())
    label = int(network(torch.from_numpy(numpy.load(tmp_path / "image.npy")).reshape(1, -1)).argmax())

    def run(*arguments):
        command = [sys.executable, str(ROOT / "examples" / "verify.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=os.environ)

    done = run(tmp_path / "net.pt", tmp_path / "image.npy", label, "0.9999999")
    assert done.returncode == 0 and done.stdout.startswith("robust (")
    done = run(tmp_path / "net.pt", tmp_path / "image.npy", (label + 1) % 3, "0.99")
    assert done.returncode == 0 and done.stdout.startswith("not robust (") and "counterexample: SSIM" in done.stdout
    assert run(tmp_path / "none.pt", tmp_path / "image.npy", 0, "0.99").returncode == 3
    assert run().returncode == 2
