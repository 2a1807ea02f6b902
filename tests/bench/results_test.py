import math
import pathlib
import tempfile
import unittest

import bench_path  # noqa: F401
import instances
import report
import results


def instance(image="a.png", threshold="0.99", group="net"):
    return instances.Instance(group, "net.pt", image, 3, threshold, 2.5)


def run(verdict="robust", seconds=0.25, bound=0.125, reason="proved"):
    return instances.Run(verdict, reason, bound, bound + 0.75, 7, seconds, seconds + 0.01, 20.0)


class Kept(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "sub" / "runs.csv"

    def test_runs_come_back_as_they_were(self):
        jobs = [results.Job(instance(), 0), results.Job(instance(), 1), results.Job(instance("b, c.png", "0.9"), 0)]
        store = results.Results(self.path, "tool", 1)
        for number, job in enumerate(jobs):
            store.add(job, run(seconds=0.1 + number))
        again = results.Results(self.path, "tool", 1)
        self.assertEqual(again.runs, store.runs)
        self.assertEqual(list(again.runs), jobs)
        self.assertEqual(results.Results(self.path, "tool", 1).runs, store.runs)

    def test_runs_that_failed_are_not_kept(self):
        store = results.Results(self.path, "tool", 1)
        store.add(results.Job(instance(), 0), instances.failure("no such program"))
        store.add(results.Job(instance("b.png"), 0), run("unknown", bound=-math.inf))
        kept = results.Results(self.path, "tool", 1).runs
        self.assertEqual([job.instance.image for job in kept], ["b.png"])
        self.assertNotIn("failed", self.path.read_text())

    def test_a_line_that_is_cut_off_is_run_again(self):
        store = results.Results(self.path, "tool", 1)
        store.add(results.Job(instance(), 0), run())
        store.add(results.Job(instance("b.png"), 0), run())
        text = self.path.read_text()
        self.path.write_text(text[: text.rindex("b.png") + 8])
        self.assertEqual([job.instance.image for job in results.Results(self.path, "tool", 1).runs], ["a.png"])

    def test_another_tool_or_number_of_threads_is_refused_unless_fresh(self):
        results.Results(self.path, "tool", 1).add(results.Job(instance(), 0), run())
        for tool, threads in (("other", 1), ("tool", 2)):
            with self.assertRaisesRegex(ValueError, "--fresh"):
                results.Results(self.path, tool, threads)
        self.assertEqual(results.Results(self.path, "other", 2, fresh=True).runs, {})

    def test_files_of_other_columns_are_refused(self):
        self.path.parent.mkdir()
        self.path.write_text("group,model\nx,y\n")
        with self.assertRaisesRegex(ValueError, "columns"):
            results.Results(self.path, "tool", 1)


class Table(unittest.TestCase):
    def items(self):
        return report.summaries(
            [
                (instance("a.png"), run(seconds=1.0)),
                (instance("b.png"), run("unknown", bound=-0.5, reason="time limit reached")),
                (instance("c.png"), run("unknown", bound=-0.25, reason="time limit reached")),
                (instance("a.png", "0.9"), run("not robust", bound=-1.0)),
                (instance("a.png"), run(seconds=3.0)),
            ]
        )

    def test_repetitions_are_one_instance_with_their_median(self):
        items = self.items()
        self.assertEqual(len(items), 4)
        self.assertEqual(items[0].seconds, 2.0)

    def test_the_share_decided_is_told_for_each_threshold(self):
        lines = {" ".join(line.split()[:2]): line.split()[2] for line in report.table(self.items()).splitlines()[1:]}
        self.assertEqual(lines["net 0.99"], "33.3%")
        self.assertEqual(lines["net 0.9"], "100.0%")
        self.assertEqual(lines["net all"], "50.0%")

    def test_questions_left_open_are_listed_with_their_bound_the_nearest_first(self):
        lines = report.open_questions(self.items()).strip().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertIn("net c 0.99", lines[1])
        self.assertIn("-0.25000 .. +0.50000", lines[1])
        self.assertIn("-0.5", lines[2])

    def test_repetitions_that_contradict_each_other_are_a_failure(self):
        items = report.summaries([(instance(), run()), (instance(), run("not robust"))])
        self.assertEqual(items[0].verdict, "failed")
        items = report.summaries([(instance(), run()), (instance(), run("unknown"))])
        self.assertEqual(items[0].verdict, "unknown")

    def test_plots_count_what_was_decided(self):
        svg = report.cactus_of(self.items(), "title")
        self.assertEqual(svg.count("H"), 2)
        self.assertIn("net 0.99: 33% of 3", svg)

    def test_runs_that_failed_are_shown_with_their_reason(self):
        items = report.summaries([(instance(), instances.failure("no such program"))])
        self.assertIn("0.0%", report.table(items))
        self.assertIn("no such program", report.open_questions(items))


if __name__ == "__main__":
    unittest.main()
