import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import bench_path
import instances

ANSWER = {
    "verdict": "robust",
    "reason": "proved",
    "margin_bound": 0.5,
    "margin_seen": 0.75,
    "nodes": 4,
    "seconds": 0.125,
}
CODES = {verdict: code for code, verdict in instances.EXIT_CODES.items()}


class Tools(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.instance = instances.Instance("g", "my net.pt", "i.png", 3, "0.99", 5.0)

    def program(self, name, code):
        """A program of a few lines of Python."""
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\nimport sys\n{code}\n")
        path.chmod(0o755)
        return str(path)

    def verissim(self, name, verdict="robust", code=None):
        answer = json.dumps(ANSWER | {"verdict": verdict})
        return self.program(name, f"print('{answer}')\nsys.exit({CODES[verdict] if code is None else code})")

    def run_tool(self, text):
        return instances.run(instances.tool(text), self.instance, 1)

    def test_answers_are_read(self):
        run = self.run_tool(self.verissim("v"))
        found = run.verdict, run.reason, run.margin_bound, run.margin_seen, run.nodes, run.seconds
        self.assertEqual(found, tuple(ANSWER.values()))
        self.assertGreater(run.wall, 0)

    def test_an_exit_code_that_contradicts_the_verdict_is_a_failure(self):
        run = self.run_tool(self.verissim("v", "robust", 10))
        self.assertEqual(run.verdict, "failed")
        self.assertIn("exit code 10", run.reason)

    def test_an_answer_that_was_interrupted_is_none(self):
        for more in ({}, ANSWER):
            answer = json.dumps(more | {"verdict": "unknown", "reason": "interrupted"})
            run = self.run_tool(self.program("v", f"print('{answer}')\nsys.exit(0)"))
            self.assertEqual((run.verdict, run.reason), ("failed", "interrupted"))

    def test_a_program_that_fails_is_told_with_its_last_line(self):
        run = self.run_tool(self.program("v", "print('one\\ntwo', file=sys.stderr)\nsys.exit(3)"))
        self.assertEqual((run.verdict, run.reason), ("failed", "two"))
        self.assertEqual(self.run_tool(str(self.folder / "none")).verdict, "failed")

    def test_other_tools_get_the_instance_and_say_a_word(self):
        script = self.program("t", "print('log')\nprint('unsat: ' + '|'.join(sys.argv[1:]))\nprint('sat')")
        run = self.run_tool(f"{script} {{model}} --tau={{threshold}} {{class}} {{timeout}}")
        self.assertEqual((run.verdict, run.reason), ("robust", "my net.pt|--tau=0.99|3|5"))
        for word, verdict in (("not robust", "not robust"), ("SAT", "not robust"), ("timeout", "unknown")):
            self.assertEqual(self.run_tool(self.program("w", f"print({word!r})") + " {model}").verdict, verdict)
        self.assertEqual(self.run_tool(self.program("w", "print('satisfied')") + " {model}").verdict, "failed")

    def test_another_build_is_another_tool(self):
        one, two = self.verissim("a"), self.verissim("b", "unknown")
        self.assertNotEqual(instances.tool(one).identity(), instances.tool(two).identity())
        self.assertNotEqual(instances.tool(one).identity(), instances.tool(one, ["--seed=2"]).identity())

    def command(self, script, *words):
        command = [sys.executable, "-B", str(bench_path.BENCH / script), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder)

    def list_file(self):
        path = self.folder / "list.csv"
        path.write_text("group,model,image,class,ssim\ng,m.pt,i.png,2,0.9\ng,m.pt,j.png,1,0.8\n")
        return path

    def test_suites_write_their_files_and_go_on_where_they_were_left(self):
        log = self.folder / "log"
        answer = json.dumps(ANSWER)
        program = self.program("v", f"open({str(log)!r}, 'a').write('x')\nprint('{answer}')\nsys.exit(20)")
        words = ("--list", self.list_file(), "--program", program, "--out", self.folder / "out", "--jobs", 2)
        for runs in (2, 2):
            done = self.command("suite.py", *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(len(log.read_text()), runs)
        self.assertIn("2 of 2 runs are in", done.stdout)
        self.assertIn("100.0%", (self.folder / "out" / "list.txt").read_text())
        self.assertIn("<svg", (self.folder / "out" / "list-g.svg").read_text())
        self.assertEqual(self.command("suite.py", *words, "--repeat", 2).returncode, 0)
        self.assertEqual(len(log.read_text()), 4)

    def test_the_competition_is_compared_with_what_was_published(self):
        rows = ["benchmark,network,property,consensus,nnenum_verdict,nnenum_s"]
        rows += ["acasxu,n.onnx,a.vnnlib,unsat,unsat,99", "acasxu,n.onnx,b.vnnlib,unsat,unsat,0"]
        rows += ["oval21,m.onnx,c.vnnlib,unsat,timeout,700", "oval21,m.onnx,d.vnnlib,sat,sat,99"]
        (self.folder / "vnncomp").mkdir()
        (self.folder / "vnncomp" / "expected.csv").write_text("\n".join(rows) + "\n")
        code = "assert sys.argv[1] == 'vnncomp'\nprint('log')\nfile = sys.argv[sys.argv.index('--out') + 1]\n"
        code += "open(file, 'w').write('unsat\\n')"
        words = (
            "competition",
            "--program",
            self.program("v", code),
            "--data",
            self.folder,
            "--out",
            self.folder / "out",
        )
        done = self.command("suite.py", *words, "--groups", "acasxu")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 of 2 as published, 0 wrong, 1 of 2 as published and faster", done.stdout)
        self.assertIn("slower: acasxu n b", done.stdout)
        done = self.command("suite.py", *words)
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 of 2 as published, 1 wrong", done.stdout)
        self.assertIn("WRONG: oval21 m d", done.stdout)

    def test_comparisons_find_contradictions(self):
        robust, broken = self.verissim("a"), self.verissim("b", "not robust")
        words = ("--list", self.list_file(), "--repeat", 1)
        same = self.command("compare.py", robust, robust, *words, "--plot", self.folder / "p.svg")
        self.assertEqual(same.returncode, 0, same.stderr)
        self.assertIn("2 of 2 instances decided by both", same.stdout)
        self.assertIn("<svg", (self.folder / "p.svg").read_text())
        other = self.command("compare.py", robust, broken, *words)
        self.assertEqual(other.returncode, 1)
        self.assertIn("WRONG", other.stdout)


if __name__ == "__main__":
    unittest.main()
