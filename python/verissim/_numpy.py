"""NumPy, imported when it is first used, so that `import verissim` is quick."""

from __future__ import annotations

import importlib
from typing import Any


class _Lazy:
    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("numpy"), name)


numpy: Any = _Lazy()
