#!/usr/bin/env python3
"""Checks the house rules that a compiler does not see. Prints one line a fault, and fails if there is one.

    python3 scripts/lint.py

- A room includes only rooms that its CMakeLists.txt says it USES, which CMake keeps to the left of it.
- LibTorch is seen in the .cpp files of train and repair alone, and in headers of train/torch, the module.
- The library neither prints nor exits: only cli does, and a failed check.
- No file of code is longer than 600 lines, and the checker has at most 2,500 in all.
- Nothing promises work instead of doing it, or names a machine's folders or a package registry.
- The version stands in CMakeLists.txt; CITATION.cff and CHANGELOG.md agree with it.
- Tests run side by side: no two of them share a folder, so a test's files lie in a TemporaryFolder.
- Pages link to files and headings that exist, and name commands and options of verissim that exist.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LONGEST = 600
LONGEST_CHECKER = 2500  # the .cpp and .h files that a stranger has to read
SKIPPED_FOLDERS = {".git", ".venv", "build", "results", "__pycache__", ".ccache"}
CODE = {".cpp", ".h", ".py", ".sh", ".cmake", ".in"}
TEXT = CODE | {".txt", ".md", ".json", ".cff", ".yml", ""}
TORCH_ROOMS = {"train", "repair"}
PRINTING_FILES = {"src/base/error.cpp"}  # a failed check says where, then aborts
FORBIDDEN = {
    r"\b(TO[D]O|FIX[M]E|XX[X])\b": "promises work",
    r"(?i)not\s+impleme[n]ted|place[h]older": "promises work",
    r"(?<![\w.])/(work|root|farm)/": "a folder of one machine",
    r"/tmp/(build|tv)\b": "a folder of one machine",
    r"py[p]i\.org|pythonho[s]ted|deb\.deb[i]an\.org|registry\.np[m]js": "a host of a package registry",
    r"(?i)\bissues? #?[0-9]": "an issue's number",
}


def files():
    for path in sorted(ROOT.rglob("*")):
        relative = path.relative_to(ROOT)
        if path.is_file() and not SKIPPED_FOLDERS.intersection(relative.parts):
            if path.suffix in TEXT and path.stat().st_size < 1_000_000:
                yield relative


def uses_of(room):
    """The rooms named after USES in the room's CMakeLists.txt."""
    text = (ROOT / "src" / room / "CMakeLists.txt").read_text()
    call = re.search(r"verissim_room\(([^)]*)\)", text)
    words = call.group(1).split() if call else []
    if "USES" not in words:
        return set()
    rest = words[words.index("USES") + 1 :]
    ends = [i for i, word in enumerate(rest) if word.isupper()]
    return set(rest[: ends[0]] if ends else rest)


def check_includes(relative, text, rooms):
    room = relative.parts[1]
    allowed = {room} | uses_of(room)
    for number, line in enumerate(text.splitlines(), 1):
        ours = re.match(r'\s*#\s*include\s+"([^"/]+)/', line)
        if ours and ours.group(1) in rooms and ours.group(1) not in allowed:
            yield f"{relative}:{number}: room '{room}' includes '{ours.group(1)}', which it does not USE"
        if re.match(r"\s*#\s*include\s+<(torch|c10|ATen)/", line):
            in_module = relative.parts[1:3] == ("train", "torch")
            if room not in TORCH_ROOMS or not (in_module or relative.suffix == ".cpp"):
                yield f"{relative}:{number}: LibTorch belongs into the .cpp files of {' and '.join(sorted(TORCH_ROOMS))}"


def check_silence(relative, text):
    if relative.parts[1] == "cli" or relative.as_posix() in PRINTING_FILES:
        return
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        if re.search(r"std::(cout|cerr|clog|exit|abort|quick_exit)\b|(?<![\w.])f?printf\s*\(", code):
            yield f"{relative}:{number}: the library neither prints nor exits: {code.strip()}"


def check_text(relative, text):
    lines = text.splitlines()
    if relative.suffix in CODE and len(lines) > LONGEST:
        yield f"{relative}: {len(lines)} lines, at most {LONGEST} are allowed"
    for number, line in enumerate(lines, 1):
        for pattern, why in FORBIDDEN.items():
            found = re.search(pattern, line)
            if found:
                yield f"{relative}:{number}: '{found.group(0)}': {why}"


def check_test(relative, text):
    if relative.as_posix() == "tests/base/temporary_folder.h":
        return
    for number, line in enumerate(text.splitlines(), 1):
        found = re.search(r"TempDir\(\)|temp_directory_path|\bP_tmpdir\b|\bgetenv\(\"TMPDIR\"\)", line)
        if found:
            yield f"{relative}:{number}: '{found.group(0)}': other tests run beside this one: take a TemporaryFolder"


def check_checker():
    lines = sum(len(path.read_text().splitlines()) for path in (ROOT / "checker").iterdir() if path.suffix in {".cpp", ".h"})
    if lines > LONGEST_CHECKER:
        yield f"checker: {lines} lines, at most {LONGEST_CHECKER} are allowed"


def anchors(text):
    """The names by which links reach a page's headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_links(relative, text):
    for number, line in enumerate(text.splitlines(), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = ROOT / relative.parent / name if name else ROOT / relative
            if not file.exists():
                yield f"{relative}:{number}: a link to '{target}', which does not exist"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
                yield f"{relative}:{number}: a link to '{target}', but {name or relative} has no such heading"


def program_words():
    """The commands and the options of the program, from the one table that has them."""
    text = (ROOT / "src/cli/arguments.cpp").read_text()
    commands = set(re.findall(r'\{CommandName::k\w+, "([a-z]+)"', text))
    options = set(re.findall(r"--[a-z][a-z0-9-]*", text)) | {"--help", "--version"}
    return commands, options


def check_commands(relative, text, commands, options):
    """Lines of code, and what stands between backticks on one line, that begin with the program's name."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        fenced ^= line.startswith("```")
        code = [line] if fenced or line.startswith("    ") else re.findall(r"`([^`]+)`", line)
        for piece in code:
            found = re.match(r"\s*(?:\S*/)?verissim ([a-z]+)\b(.*)", piece)
            if not found or piece == "verissim certificate 2":  # the first line of a file
                continue
            if found.group(1) not in commands:
                yield f"{relative}:{number}: 'verissim {found.group(1)}' is no command"
            for option in re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", found.group(2)):
                if option not in options:
                    yield f"{relative}:{number}: verissim has no option '{option}'"


def check_version():
    version = re.search(r"\bVERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text().split("project(")[1]).group(1)
    for name, pattern in (("CITATION.cff", r"^version: (\S+)"), ("CHANGELOG.md", r"^## \[([0-9][^\]]*)\]")):
        found = re.search(pattern, (ROOT / name).read_text(), re.MULTILINE)
        if not found or found.group(1) != version:
            yield f"{name}: version {found.group(1) if found else 'missing'}, CMakeLists.txt has {version}"


def faults():
    listed = re.search(r"set\(VERISSIM_ROOMS([^)]*)\)", (ROOT / "cmake/VerissimRoom.cmake").read_text())
    rooms = set(listed.group(1).split())
    commands, options = program_words()
    if len(commands) < 5 or len(options) < 20:
        yield "src/cli/arguments.cpp: the commands and options were not found in it"
    count = 0
    for relative in files():
        count += 1
        text = (ROOT / relative).read_text(errors="replace")
        yield from check_text(relative, text)
        if relative.suffix == ".md":
            yield from check_links(relative, text)
            yield from check_commands(relative, text, commands, options)
        if len(relative.parts) > 2 and relative.parts[0] == "src" and relative.suffix in {".cpp", ".h"}:
            yield from check_includes(relative, text, rooms)
            yield from check_silence(relative, text)
        if relative.parts[0] == "tests" and relative.suffix in {".cpp", ".h"}:
            yield from check_test(relative, text)
    yield from check_checker()
    yield from check_version()
    if count < 50:
        yield f"only {count} files were looked at: the lint looks at the wrong folder"


def main():
    found = list(faults())
    print("\n".join(found) if found else "lint: no faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
