"""Tests that need more than the standard library run in the Python that VERISSIM_PYTHON names, or are skipped."""

import importlib.util
import os
import sys

SKIPPED = 77


def need(*names):
    """Returns if all these can be imported; otherwise goes on in VERISSIM_PYTHON, or ends with the code of a skip."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if not missing:
        return
    python = os.environ.get("VERISSIM_PYTHON")
    if python and "VERISSIM_PYTHON_TRIED" not in os.environ:
        os.environ["VERISSIM_PYTHON_TRIED"] = "1"
        os.execv(python, [python, "-B", *sys.argv])
    where = python or "this Python (VERISSIM_PYTHON names no other)"
    print(f"SKIPPED: {where} has no {', '.join(missing)}", flush=True)
    sys.exit(SKIPPED)
