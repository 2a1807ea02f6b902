"""Shows the pages in a real browser, Chromium without a window, if there is one; else it is skipped (77).

    browser_test.py PROGRAM [FOLDER]

At the width of a phone nothing may reach beyond the right edge, at any width the console stays silent, pictures must
appear, and the page must print. With FOLDER the screenshots are left there to be looked at.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import runs

PROGRAM = sys.argv[1]
KEPT = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)

# Put into a copy of a page. It writes what it measured into the page, which the browser then prints.
PROBE = """<script>
addEventListener("load", () => {
  const wide = [];
  const edge = document.documentElement.clientWidth;
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest(".scroll") && !element.classList.contains("scroll")) continue;
    if (element.getBoundingClientRect().right > edge + 1) wide.push(element.tagName + "." + element.className);
  }
  const blank = [...document.images].filter(image => !image.complete || image.naturalWidth === 0).length;
  const blurred = [...document.images].filter(
    image => getComputedStyle(image).imageRendering !== "pixelated" ||
             image.clientWidth % image.naturalWidth !== 0).length;
  document.body.setAttribute("data-probe",
    [edge, document.documentElement.scrollWidth, wide.join(" "), blank, blurred,
     getComputedStyle(document.body).backgroundColor].join("|"));
});
</script></body>"""


def browse(profile, *arguments):
    words = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    words += [f"--user-data-dir={profile}", "--enable-logging=stderr", "--log-level=0", *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.temporary.name)
        cls.profile = root / "profile"
        fragile = runs.make_run(PROGRAM, root, fragile=True)
        robust = runs.make_run(PROGRAM, root, fragile=False)
        comparison = root / "comparison.html"
        subprocess.run([PROGRAM, "report", fragile, robust, "--out", comparison], check=True, capture_output=True)
        cls.pages = {"fragile": fragile / "report.html", "robust": robust / "report.html", "comparison": comparison}

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def probe(self, page, width, *arguments):
        copy = page.with_name("probed.html")
        copy.write_text(page.read_text().replace("</body>", PROBE))
        answer = browse(self.profile, f"--window-size={width},844", *arguments, "--dump-dom", f"file://{copy}")
        copy.unlink()
        self.assertNotIn("CONSOLE", answer.stderr)
        found = re.search('data-probe="([^"]*)"', answer.stdout)
        self.assertIsNotNone(found, answer.stderr[-500:])
        return found.group(1).split("|")

    def test_fits_a_phone_and_a_screen(self):
        for name, page in self.pages.items():
            for width in (390, 1280):
                edge, reach, wide, blank, blurred, _ = self.probe(page, width)
                self.assertEqual(edge, str(width), name)
                self.assertEqual((int(reach), wide), (width, ""), f"{name} is wider than {width}")
                self.assertEqual((blank, blurred), ("0", "0"), name)

    def test_follows_light_and_dark(self):
        light = self.probe(self.pages["fragile"], 800, "--blink-settings=preferredColorScheme=1")[-1]
        dark = self.probe(self.pages["fragile"], 800, "--blink-settings=preferredColorScheme=0")[-1]
        self.assertEqual(light, "rgb(255, 255, 255)")
        self.assertEqual(dark, "rgb(20, 23, 27)")

    def test_prints(self):
        for name, page in self.pages.items():
            pdf = pathlib.Path(self.temporary.name) / f"{name}.pdf"
            browse(self.profile, f"--print-to-pdf={pdf}", "--no-pdf-header-footer", f"file://{page}")
            self.assertTrue(pdf.read_bytes().startswith(b"%PDF"), name)
            if KEPT:
                shutil.copy(pdf, KEPT)

    @unittest.skipUnless(KEPT, "no folder for screenshots was named")
    def test_leaves_screenshots(self):
        views = {"desktop": ("1280,3600", 1), "dark": ("1280,3600", 0), "phone": ("390,6000", 1)}
        for name, page in self.pages.items():
            for view, (size, scheme) in views.items():
                target = KEPT / f"{name}-{view}.png"
                colour = f"--blink-settings=preferredColorScheme={scheme}"
                browse(self.profile, f"--window-size={size}", colour, f"--screenshot={target}", f"file://{page}")
                self.assertTrue(target.exists())


if __name__ == "__main__":
    if BROWSER is None:
        print("skipped: no Chromium here (the package chromium-headless-shell)")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
