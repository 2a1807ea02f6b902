"""The reference page of the C++ interface, from its header: each declaration with the comment above it.

The header's own form is relied on: comments begin with `//` and stand above what they are about, or behind it.
"""

import re


def blocks(text):
    """(comment, code) of each declaration at the namespace's level, in order; the head of the file has no code."""
    comment, code, depth, start = [], [], 0, True
    for line in text.splitlines():
        stripped = line.strip()
        if re.match(r"#(pragma|include)|namespace \w+ \{|\}  // namespace", stripped):
            if comment and start:
                yield "\n".join(comment), ""
            comment, start = [], False
            continue
        if not code and stripped.startswith("//"):
            comment.append(stripped[2:].lstrip(" ") if stripped != "//" else "")
        elif code or stripped:
            code.append(line)
            stripped = stripped.split("  //")[0]
            depth += sum(stripped.count(c) for c in "{(") - sum(stripped.count(c) for c in "})")
            if depth == 0 and stripped.endswith((";", "}")):
                yield "\n".join(comment), "\n".join(code)
                comment, code = [], []
    if code:
        raise ValueError(f"a declaration without an end: {code[0]}")


def name_of(code):
    """What a declaration declares."""
    first = code.splitlines()[0]
    found = re.match(r"(?:enum class|class|struct) (\w+)", first) or re.search(r"(\w+)\(", code)
    if not found:
        raise ValueError(f"no name in: {first}")
    return found.group(1)


def page(header, include):
    """Markdown. Declarations of one name stand together; a type and what belongs to it at once too."""
    parts, seen = [], []
    for comment, code in blocks(header):
        if not code:
            parts.append(paragraphs(comment))
            continue
        name = name_of(code)
        if name not in seen:
            seen.append(name)
            parts.append(f"## {name}")
        if comment:
            parts.append(paragraphs(comment))
        parts.append(f"```cpp\n{code}\n```")
    usage = f"    #include <{include}>\n\nand in CMake\n\n    find_package(verissim REQUIRED)\n" + (
        "    target_link_libraries(program PRIVATE verissim::api)"
    )
    return "\n\n".join(["# C++", parts[0], usage, *parts[1:]]) + "\n", seen


def paragraphs(comment):
    """The comment as paragraphs; what stands in angle brackets or underscores stays as it is written."""
    return re.sub(r"([<_*])", r"\\\1", comment)
