"""The examples that follow a repair in MLflow and in Weights & Biases, where these are installed. Nothing is sent."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "tracking"


def run(name, folder, **environment):
    if not os.path.exists("/usr/share/datasets/fashion-mnist"):
        pytest.skip("no Fashion-MNIST (Debian's package dataset-fashion-mnist)")
    pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), "0.97"], cwd=folder, capture_output=True, text=True, timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^robust after (\d+) verifications", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return int(found.group(1))


def need(package):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: its example is not run")


def test_mlflow(tmp_path):
    need("mlflow")
    import mlflow

    store = f"sqlite:///{tmp_path / 'store.db'}"
    rounds = run("mlflow_callbacks.py", tmp_path, MLFLOW_TRACKING_URI=store)
    assert rounds > 1  # something had to be repaired
    client = mlflow.MlflowClient(store)
    (tracked,) = client.search_runs(["0"])
    assert tracked.data.tags["verdict"] == "robust" and tracked.data.params["ssim"] == "0.97"
    margins = {item.step: item.value for item in client.get_metric_history(tracked.info.run_id, "margin")}
    assert sorted(margins) == list(range(1, rounds + 1))
    assert margins[1] <= 0 < margins[rounds]
    images = client.list_artifacts(tracked.info.run_id, "counterexamples")
    assert [image.path for image in images][:1] == ["counterexamples/1.png"]


def test_weights_and_biases(tmp_path):
    need("wandb")
    rounds = run("wandb_callbacks.py", tmp_path, WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=str(tmp_path))
    assert rounds > 1
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    assert next(folder.glob("run-*.wandb")).stat().st_size > 0
    assert list((folder / "files" / "media" / "images").glob("counterexample_*.png"))
