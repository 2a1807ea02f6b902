import json
import math
import pathlib
import sys
import tempfile
import unittest

import bench_path  # noqa: F401
import datasets
import repair_methods
import repair_rows
import repair_runs
import suites
from suites_test import write_idx

# A program that answers `run` with a report in which the first `good` references are proved, and `verify` with robust.
PROGRAM = """#!{python}
import json, sys
config = json.load(open(sys.argv[-1])) if sys.argv[1] == "run" else None
if config is None:
    print(json.dumps({{"verdict": "robust", "reason": "proved", "margin_bound": 1, "margin_seen": 1, "nodes": 1,
                       "seconds": 0.5}}))
    sys.exit(20)
with open(config["path"] + "/../calls", "a") as file:
    file.write("call\\n")
if {fails}:
    sys.exit("no such data")
its = config["ri"] if isinstance(config["ri"], list) else [config["ri"]]
verdicts = ["robust" if i < {good} else "unknown" for i in range(len(its))]
report = {{
    "verdict": "robust" if {good} >= len(its) else "unknown", "reason": "time", "folder": config["path"],
    "rounds": [{{"verdict": "not robust"}}], "accuracy": {{"before": 0.9, "after": 0.885}},
    "seconds": {{"training": 0.0}}, "final_network": {{"file": "repaired_model.pt"}}, "best_network": None,
}}
if len(its) > 1:
    report["references"] = [{{"verdict": v, "verdict_before": "not robust"}} for v in verdicts]
print(json.dumps(report))
sys.exit(20)
"""


class Repair(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.place = repair_rows.Place(self.folder, self.folder / "networks", self.folder / "out")

    def program(self, good=100, fails=False):
        path = self.folder / "program"
        path.write_text(PROGRAM.format(python=sys.executable, good=good, fails=fails))
        path.chmod(0o755)
        return str(path)

    def experiment(self, references):
        its = [{"path": f"{i}.png", "class_idx": 0} for i in range(references)]
        config = repair_rows.config_of(self.place, [1, 4, 4], its if references > 1 else its[0], {"path": "m.pt"}, "0.99", 5)
        return repair_rows.Experiment("name", "group", config)

    def runner(self, **keywords):
        return repair_runs.Runner(self.program(**keywords), self.folder / "runs", {"timeout": 5.0}, 1)

    def calls(self):
        return len((self.folder / "runs" / "penalty" / "calls").read_text().splitlines())

    def test_the_originals_setting_is_sixty_runs(self):
        found = list(repair_rows.original(self.place))
        self.assertEqual(len(found), 60)
        self.assertEqual(len({e.name for e in found}), 60)
        self.assertEqual({e.group for e in found}, {"mnist 0.98", "mnist 0.99", "gtsrb 0.98", "gtsrb 0.99"})
        self.assertEqual({e.config["seed"] for e in found}, {1, 2, 3})
        self.assertEqual(len({e.config["model"]["path"] for e in found}), 6)
        for e in found:
            classes = e.config["model"]["selected_classes"]
            self.assertIn(f"-c{classes[e.config['ri']['class_idx']]}", e.name)

    def test_digits_are_references_first_and_then_test_images_that_are_not_repaired(self):
        write_idx(datasets.mnist_folder(self.folder), [index % 10 for index in range(600)])
        (experiment,) = repair_rows.mnist(self.place)
        references = experiment.config["ri"]
        self.assertEqual(len(references), 10)
        self.assertEqual([r["class_idx"] for r in references], 2 * [0, 1, 2, 3, 4])
        self.assertTrue(references[4]["path"].endswith("ri/mnist/9.png"))
        unseen = repair_rows.ROWS["mnist"].unseen(self.place)
        self.assertEqual(len(unseen), 5 * suites.TEST_IMAGES - 5)
        self.assertFalse({r["path"] for r in references} & {str(path) for path, _ in unseen})

    def test_networks_that_are_not_there_are_asked_for(self):
        folder = self.place.networks / "gtsrb"
        folder.mkdir(parents=True)
        (folder / "images.csv").write_text("image,class\n" + "".join(f"images/{i}.png,{i}\n" for i in range(30)))
        with self.assertRaisesRegex(FileNotFoundError, "train_networks.py gtsrb"):
            list(repair_rows.gtsrb(self.place))
        (folder / "network.onnx").write_bytes(b"")
        (experiment,) = repair_rows.gtsrb(self.place)
        self.assertEqual([r["class_idx"] for r in experiment.config["ri"]], list(range(10)))
        self.assertEqual(len(repair_rows.ROWS["gtsrb"].unseen(self.place)), 20)

    def test_reports_of_one_and_of_several_references_are_read(self):
        one = self.runner().run(self.experiment(1), "penalty")
        self.assertEqual((one.references, one.proved_before, one.proved), (1, 0, 1))
        self.assertAlmostEqual(one.drawdown, 1.5)
        self.assertEqual(one.reason, "")
        self.assertTrue(one.network.endswith("repaired_model.pt"))
        several = self.runner(good=2).run(self.experiment(3), "penalty")
        self.assertEqual((several.references, several.proved, several.reason), (3, 2, "time"))

    def test_what_was_run_is_not_run_again_unless_something_changed(self):
        runner = self.runner()
        first = runner.run(self.experiment(2), "penalty")
        self.assertEqual(runner.run(self.experiment(2), "penalty"), first)
        self.assertEqual(self.calls(), 1)
        runner.run(self.experiment(3), "penalty")
        self.assertEqual(self.calls(), 2)
        self.runner(good=1).run(self.experiment(3), "penalty")
        self.assertEqual(self.calls(), 3)

    def test_a_run_that_fails_is_told_and_made_again(self):
        failed = self.runner(fails=True).run(self.experiment(2), "penalty")
        self.assertEqual((failed.proved, failed.reason), (0, "no such data"))
        self.assertTrue(math.isnan(failed.drawdown))
        self.runner(fails=True).run(self.experiment(2), "penalty")
        self.assertEqual(self.calls(), 2)
        self.assertIn(" 1 ", repair_runs.table([failed]))
        self.assertEqual(repair_runs.complete([failed]), [])

    def test_targets_are_compared(self):
        row = repair_rows.ROWS["mnist"]
        good = repair_runs.Outcome("g", "n", "auto", 10, 3, 10, 0.4, 30.0, 40.0, "")
        self.assertEqual([reached for reached, _ in repair_runs.verdict_of(row, [good])], [True, True, True])
        bad = repair_runs.Outcome("g", "n", "auto", 10, 3, 9, 1.4, 3000.0, 40.0, "time")
        self.assertEqual([reached for reached, _ in repair_runs.verdict_of(row, [bad])], [False, False, False])

    def test_methods_are_compared_on_other_images(self):
        class Arguments:
            program, threads = self.program(), 1

        compared = []
        for method, proved in (("penalty", 4), ("auto", 5)):
            outcome = repair_runs.Outcome("g", "n", method, 10, 3, proved, 0.4, 30.0, 40.0, "", "net.pt")
            images = [("a.png", 0), ("b.png", 1)]
            compared.append(repair_methods.compared(outcome, self.experiment(2), images, Arguments))
        self.assertEqual([(c.images, c.before, c.after) for c in compared], [(2, 2, 2), (2, 2, 2)])
        self.assertIn("reached  g: auto proves 5", repair_methods.table(compared))
        compared[0].outcome.proved = 7
        self.assertIn("missed   g: auto proves 5, the best (penalty) 7", repair_methods.table(compared))


if __name__ == "__main__":
    unittest.main()
