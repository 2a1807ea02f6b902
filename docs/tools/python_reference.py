"""The reference page of the Python package, from its docstrings and signatures. Nothing of the package is imported.

In docstrings, a paragraph whose lines begin with "name:" or "name, name:" describes arguments or fields.
"""

import ast
import inspect
import re

NAME = r"[a-z_]\w*"
FIELD = re.compile(rf"^({NAME}(?:, {NAME})*): ")
NEXT_FIELD = re.compile(rf"(?<=[.:)]) (?={NAME}(?:, {NAME})*: )")
AFTERWARDS = re.compile(r"(?<=\.) (?=Returns |The others: )")  # what follows the last field


def page(folder):
    """Markdown, and the names that it is about: all that the package exports."""
    package = ast.parse((folder / "__init__.py").read_text())
    exported = next(
        ast.literal_eval(node.value) for node in package.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )
    homes = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in package.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    parts = ["# Python", "[Python](python.md) shows how these are used."]
    for name in sorted(exported, key=lambda n: (n[0].isupper(), n.lower())):
        module, original = homes[name]
        node = definition(folder, module, original)
        parts.append(f"## {name}")
        parts.append(function(node, name) if isinstance(node, ast.FunctionDef) else class_(node, name))
    return "\n\n".join(parts) + "\n", exported


def definition(folder, module, name):
    suffix = ".pyi" if module == "_engine" else ".py"
    for node in ast.parse((folder / (module + suffix)).read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return node
    raise ValueError(f"{module} defines no {name}")


def function(node, name):
    return f"```python\n{signature(node, 'verissim.' + name)}\n```\n\n{text_of(node, name)}"


def signature(node, name):
    arguments = node.args
    words = []
    positional = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    for argument, default in zip(positional, defaults):
        words.append(argument_text(argument, default))
    if arguments.kwonlyargs:
        words.append("*")
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        words.append(argument_text(argument, default))
    words = [word for word in words if word != "self"]
    line = f"{name}({', '.join(words)})"
    if len(line) > 100:
        line = f"{name}(\n" + "".join(f"    {word},\n" for word in words) + ")"
    returns = ast.unparse(node.returns) if node.returns is not None else ""
    return line + (f" -> {returns}" if returns not in ("", "Any") else "")


def argument_text(argument, default):
    kind = ast.unparse(argument.annotation) if argument.annotation else ""
    text = argument.arg + (f": {kind}" if kind not in ("", "Any") else "")
    if default is None:
        return text
    return text + (" = " if ":" in text else "=") + ast.unparse(default)


def class_(node, name):
    parts = [text_of(node, name, ast.unparse(node.bases[0]) if node.bases else "")]
    for item in node.body:
        if not isinstance(item, ast.FunctionDef) or item.name.startswith("_"):
            continue
        is_property = any(ast.unparse(d) == "property" for d in item.decorator_list)
        returns = f" -> {ast.unparse(item.returns)}" if item.returns is not None else ""
        shown = f"{name}.{item.name}{returns}" if is_property else signature(item, f"{name}.{item.name}")
        parts.append(f"```python\n{shown}\n```")
        if ast.get_docstring(item):
            parts.append(text_of(item, item.name))
    return "\n\n".join(parts)


def text_of(node, name, base=""):
    text = ast.get_docstring(node)
    if text is None and base:
        return f"A `{base}`: what was given is no question. One line says what was got and what was wanted."
    if text is None:
        raise ValueError(f"{name} has no docstring")
    return "\n\n".join(as_list(paragraph) for paragraph in inspect.cleandoc(text).split("\n\n"))


def as_list(paragraph):
    """Fields as items, several of one line apart."""
    if not FIELD.match(paragraph):
        return paragraph
    items = []
    paragraph, *rest = AFTERWARDS.split(" ".join(line.strip() for line in paragraph.splitlines()), maxsplit=1)
    for piece in NEXT_FIELD.split(paragraph):
        found = FIELD.match(piece)
        names = ", ".join(f"`{name}`" for name in found.group(1).split(", "))
        items.append(f"- {names}: {piece[found.end():]}")
    return "\n".join(items) + "".join(f"\n\n{text}" for text in rest)
