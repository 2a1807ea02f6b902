import re
import unittest
import xml.etree.ElementTree

import bench_path  # noqa: F401
import plot

SVG = "{http://www.w3.org/2000/svg}"


def paths(svg):
    root = xml.etree.ElementTree.fromstring(svg)
    return [path.get("d") for path in root.iter(SVG + "path") if path.get("class") == "series"]


def words(svg):
    return [text.text for text in xml.etree.ElementTree.fromstring(svg).iter(SVG + "text")]


class Cactus(unittest.TestCase):
    def test_one_tread_for_each_instance_that_was_decided(self):
        svg = plot.cactus([("a", [3.0, 0.01, 20.0]), ("b", [0.5] * 7), ("none", [])], "title", 60.0)
        self.assertEqual([path.count("H") for path in paths(svg)], [3, 7])

    def test_treads_lead_upwards_and_end_at_the_number_of_instances(self):
        (path,) = paths(plot.cactus([("a", [3.0, 0.01, 20.0, 20.0])], "title", 60.0))
        heights = [float(y) for y in re.findall(r"V([0-9.]+)", path)]
        ends = [float(x) for x in re.findall(r"H([0-9.]+)", path)]
        self.assertEqual(heights, sorted(heights, reverse=True))  # y counts downwards
        self.assertEqual(heights[2], heights[3])
        self.assertAlmostEqual(ends[3] - plot.LEFT, 4 * (ends[0] - plot.LEFT), delta=0.5)

    def test_the_time_axis_is_logarithmic(self):
        axes = plot.Axes(-2, 2, 10)
        steps = [axes.y(10.0**k) - axes.y(10.0 ** (k + 1)) for k in range(-2, 2)]
        for step in steps:
            self.assertAlmostEqual(step, plot.HEIGHT / 4)

    def test_axes_and_lines_are_labelled(self):
        shown = words(plot.cactus([("tau < 0.9 & more", [0.02, 5.0])], "the title", 60.0))
        for wanted in ("the title", "tau < 0.9 & more", "instances decided", "10 ms", "100 ms", "1 s", "10 s", "100 s"):
            self.assertIn(wanted, shown)
        self.assertIn("limit 60 s", shown)

    def test_nothing_decided_and_times_beyond_all_measure_are_drawn_within_the_frame(self):
        for series in ([("a", [])], [("a", [0.0, 1e-9, 1e9])], []):
            svg = plot.cactus(series, "title", 60.0)
            for path in paths(svg):
                for y in re.findall(r"V([0-9.]+)", path):
                    self.assertTrue(plot.TOP <= float(y) <= plot.TOP + plot.HEIGHT)


if __name__ == "__main__":
    unittest.main()
