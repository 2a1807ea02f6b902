"""The comparison with published verdicts, with a program that always says the same."""

import contextlib
import csv
import io
import pathlib
import stat
import sys
import tempfile
import unittest
from unittest import mock

import bench_path  # noqa: F401
import acasxu_properties
import vnncomp

FIELDS = "benchmark,network,property,consensus,abcrown_verdict,abcrown_s,nnenum_verdict,nnenum_s"


class Comparison(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        rows = [
            "acasxu,net.onnx,prop_5.vnnlib,unsat,unsat,9.0,unsat,0.000001",
            "mnist_fc,net.onnx,prop_0.vnnlib,unsat,sat,1.0,unsat,100.0",
            "oval21,net.onnx,left_out.vnnlib,sat,sat,1.0,sat,1.0",
        ]
        (self.folder / "expected.csv").write_text("\n".join([FIELDS, *rows]) + "\n")

    def run_with(self, answer, code):
        program = self.folder / "program"
        program.write_text(f"#!/bin/sh\necho {answer}\nexit {code}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        words = ["--program", str(program), "--data", str(self.folder), "--csv", str(self.folder / "out.csv")]
        words += ["--families", "acasxu", "mnist_fc"]
        said = io.StringIO()
        with mock.patch.object(sys, "argv", ["vnncomp.py", *words]), contextlib.redirect_stdout(said):
            with contextlib.redirect_stderr(io.StringIO()):
                status = vnncomp.main()
        with open(self.folder / "out.csv", newline="") as file:
            return status, said.getvalue(), list(csv.DictReader(file))

    def test_right_answers_pass(self):
        status, said, rows = self.run_with("unsat", 20)
        self.assertEqual(status, 0)
        self.assertEqual([row["judgement"] for row in rows], ["right", "right"])
        self.assertEqual([row["abcrown"] for row in rows], ["9.0", "inf"], "a wrong answer has no time")
        self.assertRegex(said, r"acasxu +1 +1 +0 +0 .* 0, 1\n")
        self.assertRegex(said, r"mnist_fc +1 +1 +0 +0 .* 1, 1\n")

    def test_open_answers_pass(self):
        status, _, rows = self.run_with("timeout", 0)
        self.assertEqual(status, 0)
        self.assertEqual([row["judgement"] for row in rows], ["open", "open"])

    def test_wrong_answers_and_failures_do_not(self):
        self.assertEqual(self.run_with("sat", 10)[0], 1)
        self.assertEqual(self.run_with("sat", 20)[0], 1)
        self.assertEqual(self.run_with("error", 3)[0], 1)


class Properties(unittest.TestCase):
    def test_boxes_are_normalised(self):
        text = acasxu_properties.text(5)
        self.assertIn("(assert (>= X_0 -0.324274257))", text)
        self.assertIn("(assert (<= X_3 -0.227272727))", text)
        self.assertIn("(and (<= Y_3 Y_4))", text)
        self.assertNotIn("(<= Y_4 Y_4)", text)

    def test_several_boxes_are_a_disjunction(self):
        self.assertEqual(acasxu_properties.text(6).count("(and (>= X_0 "), 2)

    def test_forbidden_advice_is_lowest(self):
        text = acasxu_properties.text(7)
        self.assertIn("(and (<= Y_3 Y_0) (<= Y_3 Y_1) (<= Y_3 Y_2))", text)
        self.assertEqual(text.count("(and "), 2)
        self.assertEqual(acasxu_properties.text(8).count("(and (<= Y_"), 3)


if __name__ == "__main__":
    unittest.main()
