"""Reads the pages that the program writes with Python's own HTML parser.

    page_test.py PROGRAM
"""

import html.parser
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import runs

PROGRAM = sys.argv[1]
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Outline(html.parser.HTMLParser):
    """What a page consists of: elements in order, and whether they nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.faults, self.texts = [], [], [], {}
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append(f"not closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes nothing that is open")

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.temporary.name)
        cls.fragile = runs.make_run(PROGRAM, root, fragile=True)
        cls.robust = runs.make_run(PROGRAM, root, fragile=False)
        cls.comparison = root / "comparison.html"
        subprocess.run(
            [PROGRAM, "report", cls.fragile, cls.robust, "--out", cls.comparison], check=True, capture_output=True
        )
        files = [cls.fragile / "report.html", cls.robust / "report.html", cls.comparison]
        cls.texts = {str(file): file.read_text(encoding="utf-8") for file in files}
        cls.pages = {name: Outline(text) for name, text in cls.texts.items()}

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def test_elements_nest(self):
        for name, page in self.pages.items():
            self.assertEqual(page.faults, [], name)
            self.assertGreater(len(page.elements), 50, name)

    def test_every_picture_has_a_text(self):
        pictures = [a for page in self.pages.values() for a in page.all("img")]
        self.assertGreaterEqual(len(pictures), 5)
        for attributes in pictures:
            self.assertTrue(attributes.get("alt"), attributes)
            self.assertTrue(attributes["src"].startswith("data:image/png;base64,"))
        for page in self.pages.values():
            for attributes in page.all("svg"):
                self.assertTrue(attributes.get("aria-label") or attributes.get("aria-hidden") == "true")

    def test_nothing_comes_from_elsewhere_and_nothing_runs(self):
        for name, text in self.texts.items():
            page = self.pages[name]
            self.assertEqual(page.all("script") + page.all("link") + page.all("iframe"), [], name)
            for tag, attributes in page.elements:
                for key, value in attributes.items():
                    self.assertFalse(key.startswith("on"), (tag, key))
                    if key in ("src", "href"):
                        self.assertTrue(value.startswith(("data:", "#")), (tag, value))
            self.assertNotRegex(text, r"url\(|@import|https?://")

    def test_headings_nest_and_the_language_is_told(self):
        for name, page in self.pages.items():
            self.assertEqual(page.all("html")[0].get("lang"), "en", name)
            levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
            self.assertEqual(levels[0], 1)
            self.assertEqual(levels.count(1), 1)
            for before, after in zip(levels, levels[1:]):
                self.assertLessEqual(after, before + 1, name)
            self.assertEqual(len(page.all("main")), 1)
            self.assertTrue(page.texts["title"][0].startswith("Verissim"))
            self.assertIn("width=device-width", [a.get("content", "") for a in page.all("meta")][1])

    def test_pictures_are_enlarged_by_whole_numbers(self):
        for attributes in self.pages[str(self.fragile / "report.html")].all("img"):
            self.assertEqual((int(attributes["width"]) % 4, int(attributes["height"]) % 4), (0, 0))

    def test_colours_can_be_told_apart(self):
        sheet = re.search("<style>(.*?)</style>", self.texts[str(self.comparison)], re.S).group(1)
        schemes = re.findall(r":root \{(.*?)\}", sheet, re.S)
        self.assertEqual(len(schemes), 3, "light, dark, paper")
        for scheme in schemes:
            colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", scheme))
            for name in ("text", "quiet", "link", "good", "bad", "open"):
                for ground in ("page", "panel"):
                    self.assertGreaterEqual(contrast(colours[name], colours[ground]), 4.5, (name, ground))
            for name in ("s1", "s2", "s3", "s4", "s5", "s6"):
                self.assertGreaterEqual(contrast(colours[name], colours["page"]), 3, name)

    def test_the_checker_accepts_what_the_page_says(self):
        text = html.unescape(self.texts[str(self.robust / "report.html")])
        found = re.search(r"^(?:.*>)?(verissim-check .*?)    # (ACCEPTED: robust)$", text, re.MULTILINE)
        if not (self.robust / "proof.certificate").exists():  # without LibTorch no network is written, so none is certified
            self.assertIsNone(found)
            return
        words = shlex.split(found.group(1))
        words[0] = str(pathlib.Path(PROGRAM).with_name("verissim-check"))
        done = subprocess.run(words, cwd=self.robust, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout[: len(found.group(2))]), (20, found.group(2)), done.stdout)

    def test_tells_what_the_report_says(self):
        report = json.loads((self.fragile / "report.json").read_text())
        page = " ".join(" ".join(texts) for texts in self.pages[str(self.fragile / "report.html")].texts.values())
        self.assertIn(report["sentence"], page)
        self.assertIn("3 <b> & 'x'.png", page)
        for file in report["files"]:
            self.assertIn(file["sha256"], page)
        self.assertIn("generated_1.npy", page)
        self.assertGreater(len(report["rounds"][0]["trace"]["seconds"]), 0)

    def test_a_page_can_be_written_again_from_the_folder(self):
        page = self.fragile / "report.html"
        before = page.read_text()
        page.unlink()
        answer = subprocess.run(
            [PROGRAM, "report", self.fragile, "--json"], check=True, capture_output=True, text=True
        )
        self.assertEqual(json.loads(answer.stdout), {"file": str(page), "runs": 1})
        self.assertEqual(page.read_text(), before)

    def test_what_is_no_run_is_refused(self):
        answer = subprocess.run([PROGRAM, "report", self.temporary.name], capture_output=True, text=True)
        self.assertEqual(answer.returncode, 3)
        self.assertIn("report.json", answer.stderr)
        self.assertEqual(answer.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
