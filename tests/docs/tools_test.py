"""The reference pages that docs/tools makes of the sources hold everything public, and broken links are found.

    tools_test.py PAGES
"""

import pathlib
import re
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAGES = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(SOURCE / "docs" / "tools"))

import build  # noqa: E402
import cpp_reference  # noqa: E402
import links  # noqa: E402
import python_reference  # noqa: E402

HEADER = (SOURCE / "include/verissim/verissim.h").read_text()


class CommandLine(unittest.TestCase):
    def test_every_command_and_option_is_there(self):
        page = (PAGES / "command-line.md").read_text()
        table = (SOURCE / "src/cli/arguments.cpp").read_text()
        commands = re.findall(r'\{CommandName::k\w+, "([a-z]+)"', table)
        self.assertGreater(len(commands), 8)
        for command in commands:
            self.assertIn(f"## verissim {command}\n", page)
        for option in set(re.findall(r'\.names = "(--[a-z0-9-]+)', table)):
            self.assertIn(f"`{option}`", page)
        for code in (20, 10, 0, 2, 3, 130):
            self.assertRegex(page, rf"(?m)^\| {code} \| [\w`]")


class Cpp(unittest.TestCase):
    def test_every_declaration_is_there(self):
        page, names = cpp_reference.page(HEADER, "verissim/verissim.h")
        declared = re.findall(r"^(?:class|struct|enum class) (\w+)", HEADER, re.MULTILINE)
        declared += re.findall(r"^[A-Z]?\w[^\n(;]* \*?(\w+)\(", HEADER, re.MULTILINE)
        self.assertGreater(len(declared), 12)
        self.assertEqual(sorted(set(declared)), sorted(names))
        # Nothing of the header is lost but its frame.
        kept = re.sub(r"[\s`/#\\]", "", page)
        for line in HEADER.splitlines():
            if not re.match(r"#|namespace|\}  // namespace", line):
                self.assertIn(re.sub(r"[\s`/#\\]", "", line), kept)

    def test_text_and_code_are_told_apart(self):
        page, names = cpp_reference.page("// Head.\n#pragma once\nnamespace a {\n// Says b.\nint b(int c);\n}  // namespace a\n", "a.h")
        self.assertEqual(names, ["b"])
        self.assertIn("## b\n\nSays b.\n\n```cpp\nint b(int c);\n```", page)


class Python(unittest.TestCase):
    def test_every_name_and_every_argument_is_there(self):
        page, names = python_reference.page(SOURCE / "python/verissim")
        self.assertGreater(len(names), 15)
        for name in names:
            self.assertIn(f"\n## {name}\n", page)
        for part in ("- `certificate`: True, or the path", "- `measure`: ", "verissim.repair(\n", "Counterexample.pixels()"):
            self.assertIn(part, page)

    def test_fields_become_items(self):
        text = "a: one. b, c: two\n    lines. Returns nothing: it ends."
        self.assertEqual(python_reference.as_list(text), "- `a`: one.\n- `b`, `c`: two lines.\n\nReturns nothing: it ends.")
        self.assertEqual(python_reference.as_list("Plain text: so."), "Plain text: so.")


class Links(unittest.TestCase):
    def test_broken_ones_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            site = pathlib.Path(folder)
            (site / "a.html").write_text('<a href="b.html#here">1</a><a href="#there">2</a><a href="https://x.y/">3</a>')
            (site / "b.html").write_text('<h1 id="here">b</h1><a href="c.html">4</a><img src="../../etc/passwd">')
            found, count = links.faults(site)
            self.assertEqual(count, 4)
            self.assertEqual(sorted(line.split(":")[0] for line in found), ["a.html", "b.html", "b.html"])


class Stage(unittest.TestCase):
    def test_links_are_led_to_the_pages_of_the_site(self):
        self.assertEqual(build.inward("[a](../README.md#use) [b](../bench/README.md) [c](python.md)"),
                         "[a](index.md#use) [b](bench.md) [c](python.md)")
        self.assertEqual(build.outward("[a](examples/README.md) [b](examples/x.json) [c](https://x.y/z.py) [d](CHANGELOG.md)"),
                         "[a](examples.md) b [c](https://x.y/z.py) [d](changelog.md)")

    def test_every_page_has_its_place(self):
        with tempfile.TemporaryDirectory() as folder:
            build.stage(PAGES, pathlib.Path(folder) / "pages")
            made = {page.name for page in (pathlib.Path(folder) / "pages").glob("*.md")}
        listed = re.findall(r": (\S+\.md)$", (SOURCE / "docs/tools/mkdocs.yml").read_text(), re.MULTILINE)
        self.assertEqual(made, set(listed))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
