"""Reads a run's file for TensorBoard with TensorBoard itself, where VERISSIM_PYTHON (or this Python) has it; else it is
skipped (77).

    tensorboard_test.py PROGRAM
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import runs

READER = """
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1]).Reload()
tags = events.Tags()
scalars = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags["scalars"]}
images = {tag: [(e.step, e.width, e.height, e.encoded_image_string[:4].hex()) for e in events.Images(tag)]
          for tag in tags["images"]}
print(json.dumps({"scalars": scalars, "images": images}))
"""


def main():
    python = os.environ.get("VERISSIM_PYTHON") or sys.executable
    if subprocess.run([python, "-c", "import tensorboard"], capture_output=True).returncode != 0:
        print("skipped: no tensorboard in " + python)
        return 77
    with tempfile.TemporaryDirectory() as root:
        folder = runs.make_run(sys.argv[1], pathlib.Path(root), fragile=True, more={"tensorboard": True})
        report = json.loads((folder / "report.json").read_text())
        read = subprocess.run([python, "-c", READER, folder], check=True, capture_output=True, text=True)
        told = json.loads(read.stdout)
    rounds = report["rounds"]
    expected = [[r["round"], r["accuracy_before"]] for r in rounds]
    assert len(told["scalars"]["accuracy"]) == len(expected), told
    for (step, value), (number, accuracy) in zip(told["scalars"]["accuracy"], expected):
        assert step == number and abs(value - accuracy) < 1e-6, (told, expected)
    assert told["images"]["reference"] == [[0, 4, 4, "89504e47"]], told["images"]
    refuted = [r["round"] for r in rounds if r["counterexamples"]]
    assert [step for step, *_ in told["images"]["counterexample"]] == refuted, told["images"]
    repaired = [r["round"] for r in rounds if r["repair"]]
    if repaired:
        layers = [tag for tag in told["scalars"] if tag.startswith("weight_change/")]
        assert len(layers) == 3 and [s for s, _ in told["scalars"][layers[0]]] == repaired, told["scalars"]
    print(f"TensorBoard reads {len(told['scalars'])} scalars and {len(told['images'])} kinds of images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
