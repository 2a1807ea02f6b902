from os import PathLike
from typing import Any, List, Optional, Sequence, Tuple, Union, overload

from ._certificates import Check as Check
from ._certificates import check as check
from ._engine import InputError as InputError
from ._engine import Model as Model
from ._models import clear_cache as clear_cache
from ._models import load as load
from ._questions import Limit, ProgressCallback
from ._questions import conventions as conventions
from ._questions import ssim as ssim
from ._repair import Repaired as Repaired
from ._repair import RepairRound as RepairRound
from ._repair import repair as repair
from ._results import Counterexample as Counterexample
from ._results import Progress as Progress
from ._results import Result as Result
from ._results import Statistics as Statistics
from ._results import Threshold as Threshold

__version__: str

# A list of images is a batch, whose answers are a list. Of an array or a tensor the number of axes decides.
@overload
def verify(
    model: Any,
    image: Union[str, "PathLike[str]"],
    label: Optional[int] = None,
    ssim: Optional[Limit] = None,
    *,
    linf: Optional[Limit] = None,
    l2: Optional[Limit] = None,
    channels: str = "joint",
    eight_bit: bool = False,
    arithmetic: str = "exact",
    timeout: float = 0.0,
    threads: int = 0,
    seed: int = 1,
    tolerance: int = 6,
    memory_limit_mb: int = 4096,
    dimension: Optional[Tuple[int, int, int]] = None,
    progress: Optional[ProgressCallback] = None,
    certificate: Any = None,
) -> Result: ...
@overload
def verify(
    model: Any,
    image: List[Any],
    label: Union[int, Sequence[int], None] = None,
    ssim: Optional[Limit] = None,
    *,
    linf: Optional[Limit] = None,
    l2: Optional[Limit] = None,
    channels: str = "joint",
    eight_bit: bool = False,
    arithmetic: str = "exact",
    timeout: float = 0.0,
    threads: int = 0,
    seed: int = 1,
    tolerance: int = 6,
    memory_limit_mb: int = 4096,
    dimension: Optional[Tuple[int, int, int]] = None,
    progress: Optional[ProgressCallback] = None,
    certificate: Any = None,
) -> List[Result]: ...
@overload
def verify(
    model: Any,
    image: Any,
    label: Union[int, Sequence[int], None] = None,
    ssim: Optional[Limit] = None,
    *,
    linf: Optional[Limit] = None,
    l2: Optional[Limit] = None,
    channels: str = "joint",
    eight_bit: bool = False,
    arithmetic: str = "exact",
    timeout: float = 0.0,
    threads: int = 0,
    seed: int = 1,
    tolerance: int = 6,
    memory_limit_mb: int = 4096,
    dimension: Optional[Tuple[int, int, int]] = None,
    progress: Optional[ProgressCallback] = None,
    certificate: Any = None,
) -> Any: ...
@overload
def attack(
    model: Any,
    image: Union[str, "PathLike[str]"],
    label: Optional[int] = None,
    ssim: Optional[Limit] = None,
    *,
    linf: Optional[Limit] = None,
    l2: Optional[Limit] = None,
    channels: str = "joint",
    eight_bit: bool = False,
    arithmetic: str = "exact",
    timeout: float = 0.0,
    seed: int = 1,
    restarts: int = 20,
    steps: int = 30,
    wanted: int = 1,
    dimension: Optional[Tuple[int, int, int]] = None,
) -> List[Counterexample]: ...
@overload
def attack(
    model: Any,
    image: List[Any],
    label: Union[int, Sequence[int], None] = None,
    ssim: Optional[Limit] = None,
    *,
    linf: Optional[Limit] = None,
    l2: Optional[Limit] = None,
    channels: str = "joint",
    eight_bit: bool = False,
    arithmetic: str = "exact",
    timeout: float = 0.0,
    seed: int = 1,
    restarts: int = 20,
    steps: int = 30,
    wanted: int = 1,
    dimension: Optional[Tuple[int, int, int]] = None,
) -> List[List[Counterexample]]: ...
@overload
def attack(
    model: Any,
    image: Any,
    label: Union[int, Sequence[int], None] = None,
    ssim: Optional[Limit] = None,
    *,
    linf: Optional[Limit] = None,
    l2: Optional[Limit] = None,
    channels: str = "joint",
    eight_bit: bool = False,
    arithmetic: str = "exact",
    timeout: float = 0.0,
    seed: int = 1,
    restarts: int = 20,
    steps: int = 30,
    wanted: int = 1,
    dimension: Optional[Tuple[int, int, int]] = None,
) -> Any: ...
@overload
def threshold(
    model: Any,
    image: Union[str, "PathLike[str]"],
    label: Optional[int] = None,
    *,
    measure: str = "ssim",
    channels: str = "joint",
    arithmetic: str = "exact",
    gap: float = 0.01,
    timeout: float = 0.0,
    threads: int = 0,
    seed: int = 1,
    tolerance: int = 6,
    memory_limit_mb: int = 4096,
    dimension: Optional[Tuple[int, int, int]] = None,
    progress: Optional[ProgressCallback] = None,
) -> Threshold: ...
@overload
def threshold(
    model: Any,
    image: List[Any],
    label: Union[int, Sequence[int], None] = None,
    *,
    measure: str = "ssim",
    channels: str = "joint",
    arithmetic: str = "exact",
    gap: float = 0.01,
    timeout: float = 0.0,
    threads: int = 0,
    seed: int = 1,
    tolerance: int = 6,
    memory_limit_mb: int = 4096,
    dimension: Optional[Tuple[int, int, int]] = None,
    progress: Optional[ProgressCallback] = None,
) -> List[Threshold]: ...
@overload
def threshold(
    model: Any,
    image: Any,
    label: Union[int, Sequence[int], None] = None,
    *,
    measure: str = "ssim",
    channels: str = "joint",
    arithmetic: str = "exact",
    gap: float = 0.01,
    timeout: float = 0.0,
    threads: int = 0,
    seed: int = 1,
    tolerance: int = 6,
    memory_limit_mb: int = 4096,
    dimension: Optional[Tuple[int, int, int]] = None,
    progress: Optional[ProgressCallback] = None,
) -> Any: ...
