#!/usr/bin/env python3
"""Builds the documentation's site, with the reference made from the sources, and checks its links:

    python3 docs/tools/build.py PAGES OUT

PAGES: the folder that the build filled with the command line's reference (build/release/pages). OUT: where the site
goes. Needs docs/requirements.txt; ends with 77 and a line that says so where that is not installed.
"""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

import cpp_reference
import links
import python_reference

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_INSTALLED = 77
HEADER = "verissim/verissim.h"


def stage(pages, folder):
    """All pages side by side: those of docs/, the README as the first, and the reference."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for page in (ROOT / "docs").glob("*.md"):
        (folder / page.name).write_text(inward(page.read_text()))
    shutil.copytree(ROOT / "docs" / "pictures", folder / "pictures", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    readme = (ROOT / "README.md").read_text()
    (folder / "index.md").write_text(outward(re.sub(r"\]\(docs/", "](", readme)))
    for name in ("CONTRIBUTING", "CHANGELOG"):
        (folder / f"{name.lower()}.md").write_text(outward(re.sub(r"\]\(docs/", "](", (ROOT / f"{name}.md").read_text())))
    (folder / "examples.md").write_text(outward((ROOT / "examples" / "README.md").read_text()))
    (folder / "bench.md").write_text(outward((ROOT / "bench" / "README.md").read_text()))
    (folder / "command-line.md").write_text((pages / "command-line.md").read_text())
    (folder / "reference-python.md").write_text(python_reference.page(ROOT / "python" / "verissim")[0])
    (folder / "reference-cpp.md").write_text(cpp_reference.page((ROOT / "include" / HEADER).read_text(), HEADER)[0])


def inward(text):
    """Links out of docs/."""
    text = re.sub(r"\]\(\.\./README\.md", "](index.md", text)
    text = re.sub(r"\]\(\.\./(examples|bench)/README\.md", r"](\1.md", text)
    return outward(re.sub(r"\]\(\.\./(CONTRIBUTING|CHANGELOG)\.md", lambda m: f"]({m.group(1).lower()}.md", text))


def outward(text):
    """Links of pages that were moved; sources, which are no part of the site, lose theirs."""
    text = re.sub(r"\]\((CONTRIBUTING|CHANGELOG)\.md", lambda m: f"]({m.group(1).lower()}.md", text)
    text = re.sub(r"\]\((?:\.\./)?(examples|bench)/README\.md", r"](\1.md", text)
    text = re.sub(r"\]\(\.\./docs/", "](", text)
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)#\s]*(?:/|\.(?:json|cpp|py|sh|h|cff)|LICENSE)\)", r"\1", text)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    pages, out = (pathlib.Path(argument).resolve() for argument in arguments)
    if not (pages / "command-line.md").exists():
        print(f"docs: {pages} has no command-line.md: build the program first", file=sys.stderr)
        return 1
    missing = [name for name in ("mkdocs", "material") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"docs: not built: {sys.executable} has no {missing[0]} (pip install -r docs/requirements.txt)")
        return NOT_INSTALLED
    stage(pages, out / "pages")
    config = out / "mkdocs.yml"
    config.write_text((ROOT / "docs" / "tools" / "mkdocs.yml").read_text())
    words = [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--config-file", str(config)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}  # an advertisement of the theme
    if subprocess.run(words, env=quiet).returncode != 0:
        print("docs: MkDocs finds faults", file=sys.stderr)
        return 1
    found, count = links.faults(out / "site")
    print("\n".join(found) if found else f"docs: {out / 'site'}, {count} links lead somewhere")
    return 1 if found or count < 100 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
