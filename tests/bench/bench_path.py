"""Lets the tests import the modules of bench/, and leaves no compiled files there."""

import pathlib
import sys

BENCH = pathlib.Path(__file__).resolve().parent.parent.parent / "bench"
sys.dont_write_bytecode = True
sys.path.insert(0, str(BENCH))
