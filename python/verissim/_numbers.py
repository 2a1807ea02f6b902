"""Numbers as users write them."""

from __future__ import annotations

import decimal
import numbers
from typing import Any

from . import _engine
from ._numpy import numpy

InputError = _engine.InputError


def decimal_text(name: str, value: Any) -> str:
    """The decimal number that is meant: that of a float is the one that Python shows for it."""
    if isinstance(value, bool) or value is None:
        raise InputError(f"{name}: got {value!r}, wanted a number")
    if isinstance(value, (str, decimal.Decimal)):
        return str(value).strip()
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numpy.floating):
        return str(value.item()) if value.dtype == numpy.float64 else str(value)
    if isinstance(value, numbers.Real):
        return repr(float(value))
    raise InputError(f"{name}: got {type(value).__name__}, wanted a number, or one as text")


def check_count(name: str, value: Any, least: int) -> int:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or not least <= value < 2**31:
        raise InputError(f"{name}: got {value!r}, wanted a whole number of at least {least}")
    return int(value)


def check_arithmetic(name: Any) -> str:
    if name not in ("exact", "float32"):
        raise InputError(f"arithmetic: got {name!r}, wanted 'exact' or 'float32'")
    return name


def check_label(label: Any) -> int:
    """One class, also as a tensor or an array of one number."""
    if hasattr(label, "tolist"):
        label = label.tolist()
    return check_count("label", label, 0)
