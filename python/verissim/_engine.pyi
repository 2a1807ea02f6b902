"""The engine. For the package's own code; the functions of `verissim` are for users."""

from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy

_Dimension = Tuple[int, int, int]

version: str

class InputError(ValueError): ...

class Model:
    """A network that was read, kept between questions."""

    @property
    def dimension(self) -> _Dimension: ...
    @property
    def classes(self) -> int: ...
    @property
    def relus(self) -> int: ...
    @property
    def parameters(self) -> int: ...
    @property
    def format(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def flat(self) -> bool: ...
    @property
    def notes(self) -> List[str]: ...
    def with_input(self, dimension: _Dimension) -> Model: ...
    def scores(self, values: numpy.ndarray) -> numpy.ndarray: ...

class Settings:
    timeout: float
    threads: int
    seed: int
    tolerance_digits: int
    memory_limit_mb: int
    node_limit: int
    eight_bit: bool

class Subject:
    def __init__(self, dimension: _Dimension, label: int, measure: str, limit: str) -> None: ...

class TracedValue:
    @property
    def shape(self) -> List[int]: ...

class Trace:
    def __init__(self, name: str, dimension: _Dimension, shape: List[int]) -> None: ...
    def input(self) -> TracedValue: ...
    @staticmethod
    def constant(array: numpy.ndarray) -> TracedValue: ...
    def call(self, function: str, *arguments: Any) -> Any: ...
    def finish(self, value: TracedValue) -> Model: ...

def load(path: str, dimension: Optional[_Dimension]) -> Model: ...
def parse(name: str, data: bytes, dimension: Optional[_Dimension]) -> Model: ...
def load_image(path: str, dimension: _Dimension) -> numpy.ndarray: ...
def stored_dimension(path: str) -> _Dimension: ...
def ssim(a: numpy.ndarray, b: numpy.ndarray, dimension: _Dimension, convention: str) -> float: ...
def conventions() -> List[Tuple[str, str]]: ...
def verify(
    model: Model,
    image: numpy.ndarray,
    subject: Subject,
    settings: Settings,
    progress: Optional[Callable[..., Any]],
) -> Dict[str, Any]: ...
def attack(
    model: Model,
    image: numpy.ndarray,
    subject: Subject,
    settings: Settings,
    restarts: int,
    steps: int,
    wanted: int,
    margin: float,
    progress: Optional[Callable[..., Any]],
) -> List[Dict[str, Any]]: ...
def threshold(
    model: Model,
    image: numpy.ndarray,
    subject: Subject,
    settings: Settings,
    gap: float,
    progress: Optional[Callable[..., Any]],
) -> Dict[str, Any]: ...
