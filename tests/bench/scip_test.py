"""The export for SCIP against this program, on networks and images small enough for SCIP: scip_test.py PROGRAM"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import bench_path
import packages

packages.need("numpy", "torch", "PIL", "pyscipopt")

import numpy  # noqa: E402
import pyscipopt  # noqa: E402
import torch  # noqa: E402

import export_scip  # noqa: E402
import question  # noqa: E402

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "build/release/bin/verissim"


class Exported(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def ask(self, seed, threshold):
        """A random network of 3x3 pixels, 4-4 neurons and 3 classes, and an image with its own class."""
        generator = torch.Generator().manual_seed(seed)
        sizes, state, layers = (9, 4, 4, 3), {}, []
        for index, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
            weight = torch.randn(fan_out, fan_in, generator=generator) * (2 / fan_in) ** 0.5
            bias = 0.1 * torch.randn(fan_out, generator=generator)
            state |= {f"sequential.{2 * index}.weight": weight, f"sequential.{2 * index}.bias": bias}
            layers.append((weight.double().numpy(), bias.double().numpy()))
        model = self.folder / f"model{seed}_i1x3x3_l4-4_o3.pt"
        image = self.folder / f"{seed}.npy"
        torch.save(state, model)
        reference = torch.rand(1, 3, 3, generator=generator).numpy()
        numpy.save(image, reference)
        flat = reference.reshape(-1).astype(numpy.float64)
        label = int(question.evaluate(layers, flat).argmax())
        return question.Question(model, (1, 3, 3), flat, label, threshold), image

    def verissim(self, asked, image):
        command = [PROGRAM, "verify", "--json", "--model", asked.model, "--image", image, "--class", asked.label]
        command += ["--ssim", asked.threshold, "--dimension", "1,3,3", "--threads", 1]
        return json.loads(subprocess.run(list(map(str, command)), capture_output=True, text=True).stdout)

    def test_verdicts_are_the_same(self):
        seen = set()
        for seed in range(4):
            for threshold in ("0.999", "0.9"):
                asked, image = self.ask(seed, threshold)
                answer = self.verissim(asked, image)
                verdict, reason = export_scip.solved(export_scip.program(asked), 60)
                self.assertEqual(verdict, answer["verdict"], f"seed {seed}, {threshold}: {reason}; {answer}")
                seen.add(verdict)
        self.assertEqual(seen, {"robust", "not robust"})

    def test_the_file_holds_the_same_program(self):
        for seed, threshold in ((0, "0.999"), (1, "0.9")):
            asked, _ = self.ask(seed, threshold)
            made = export_scip.program(asked)
            made.model.writeProblem(str(self.folder / "p.cip"), verbose=False)
            read = pyscipopt.Model()
            read.hideOutput()
            read.readProblem(str(self.folder / "p.cip"))
            read.optimize()
            verdict, _ = export_scip.solved(made, 60)
            self.assertEqual(read.getStatus() == "infeasible", verdict == "robust")

    def test_counterexamples_of_the_program_are_feasible(self):
        found = 0
        for seed in range(3):
            asked, image = self.ask(seed, "0.9")
            answer = self.verissim(asked, image)
            if answer["verdict"] == "not robust":
                found += 1
                made = export_scip.program(asked)
                for variable, value in zip(made.pixels, answer["counterexample"]):
                    made.model.chgVarLb(variable, value - 1e-7)
                    made.model.chgVarUb(variable, value + 1e-7)
                made.model.optimize()
                self.assertNotEqual(made.model.getStatus(), "infeasible")
        self.assertGreater(found, 0)

    def test_the_command_prints_verdict_and_reason(self):
        asked, image = self.ask(0, "0.999")
        command = [sys.executable, "-B", bench_path.BENCH / "export_scip.py", "--model", asked.model, "--image", image]
        command += ["--class", asked.label, "--ssim", "0.999", "--solve", "--out", self.folder / "x.cip"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        self.assertRegex(done.stdout, r"^(robust|not robust): ", done.stderr)
        self.assertIn("<ssim>", (self.folder / "x.cip").read_text())
        command[command.index("--class") + 1] = 3
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("class 3", done.stderr)


if __name__ == "__main__":
    unittest.main()
