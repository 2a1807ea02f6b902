"""Repair in the user's own PyTorch: verify, train on all counterexamples so far, verify again, until it is proved.

The method is that of `verissim repair` (src/repair): cross entropy on the training data plus a penalty for every image
found that the label does not win by a margin. The module stays in evaluation all the time, so that what is trained is
what is verified: batch normalisation keeps its statistics, dropout drops nothing.
"""

from __future__ import annotations

import copy
import sys
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from . import _engine
from ._images import Dimension, Reference
from ._models import is_module, open_for
from ._numpy import numpy
from ._numbers import check_arithmetic, check_count
from ._questions import _neighbourhood, _settings, verify
from ._results import Result

InputError = _engine.InputError

# As in src/repair/penalty.cpp: the penalty aims beyond the margin wanted, since its gradient ends where it is reached.
_AIM_FACTOR = 2.0
_MAX_WEIGHT = 1e6
_PATIENCE_STEPS = 400
_PATIENCE_EPOCHS = 3
# Ways to go about it: a factor on the learning rate, and the first weight of all points together. The first is used
# always, the others where it leaves points wrong or costs too much accuracy.
_APPROACHES = ((1.0, 0.1), (3.0, 0.1), (3.0, 0.01))
_ACCURACY_TO_SPARE = 0.01
_EXPLORED = 64  # points wanted from each exploration
_STEPS_WITHOUT_DATA = 20  # in an epoch


@dataclass(frozen=True, eq=False)
class RepairRound:
    """One verification of all references, and the repair that followed, if any.

    number: from 1. results: one for each reference. accuracy: on the test data before the repair, None without any.
    margin: wanted of every counterexample. points: counterexamples so far; points_added: of these new.
    points_wrong: left with less than the margin. epochs, seconds: of the repair.
    """

    number: int
    results: Tuple[Result, ...]
    accuracy: Optional[float]
    margin: float = 0.0
    points: int = 0
    points_added: int = 0
    points_wrong: int = 0
    epochs: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Repaired:
    """The answer of `repair`.

    model: a changed copy of the module, in evaluation: the one verified last if all references are robust, otherwise of
        those that were verified the one that came closest.
    status: "robust", "unknown", or which limit was reached: "round limit", "time limit", "stuck" (the epochs did not
        suffice to get all counterexamples right).
    results: the verification of `model`, one `Result` for each reference.
    accuracy_before, accuracy_after: share of the test data that is classified correctly, None without any.
    """

    model: Any
    status: str
    results: Tuple[Result, ...]
    accuracy_before: Optional[float]
    accuracy_after: Optional[float]
    rounds: Tuple[RepairRound, ...]

    @property
    def robust(self) -> bool:
        return self.status == "robust"

    def to_dict(self) -> Dict[str, Any]:
        """The figures, and those of the results; without the module."""
        return {
            "status": self.status,
            "accuracy_before": self.accuracy_before,
            "accuracy_after": self.accuracy_after,
            "rounds": len(self.rounds),
            "results": [result.to_dict() for result in self.results],
        }


class _Task(NamedTuple):
    image: Any
    label: int
    limit: Any


def _task(number: int, reference: Any) -> _Task:
    if not isinstance(reference, (list, tuple)) or len(reference) != 3:
        got = f"{len(reference)} values" if isinstance(reference, (list, tuple)) else type(reference).__name__
        raise InputError(f"references, item {number}: got {got}, wanted (image, label, limit)")
    return _Task(*reference)


def repair(
    model: Any,
    references: Sequence[Tuple[Any, int, Any]],
    train_loader: Optional[Iterable[Any]] = None,
    test_loader: Optional[Iterable[Any]] = None,
    *,
    measure: str = "ssim",
    channels: str = "joint",
    arithmetic: str = "exact",
    optimizer: Optional[Callable[[Any], Any]] = None,
    loss: Optional[Callable[[Any, Any], Any]] = None,
    margin: float = 0.01,
    margin_growth: float = 1.5,
    max_margin: float = 1.0,
    penalty_increase: float = 2.0,
    max_rounds: int = 30,
    max_epochs: int = 100,
    timeout: float = 600.0,
    verify_timeout: float = 0.0,
    pool_limit: int = 2000,
    threads: int = 0,
    seed: int = 1,
    dimension: Optional[Dimension] = None,
    progress: Optional[Callable[[RepairRound], Any]] = None,
) -> Repaired:
    """Changes a copy of a module until it is provably robust around every reference.

    model: torch.nn.Module on any device; it stays as it is.
    references: (image, label, limit) each, with images and labels as for `verify`; the limit is a threshold of SSIM, or
        a radius where `measure` is "linf" or "l2".
    arithmetic: which evaluations are verified, as for `verify`.
    train_loader: batches (images N x ..., labels N), gone through once an epoch; they keep the accuracy. None: there is
        only the penalty. test_loader: the same, only measured.
    optimizer: makes an optimiser from a list of parameters, for example lambda p: torch.optim.SGD(p, lr=0.01); Adam with
        a rate of 0.001 by default. loss(scores, labels): cross entropy by default.
    margin: an image counts as repaired when the label's score exceeds every rival's by that much; grows by
        `margin_growth` a round up to `max_margin`.
    timeout: seconds for changing the network, verification not counted; verify_timeout: for each verification; 0: none.
    progress: called with each `RepairRound`, after its verification and again after its repair.
    """
    if not is_module(model):
        raise InputError(f"model: got {type(model).__name__}, wanted a torch.nn.Module")
    tasks = [_task(number, reference) for number, reference in enumerate(references)]
    if not tasks:
        raise InputError("references: got none, wanted at least one (image, label, limit)")
    for name, value, least in (("margin", margin, 0.0), ("max_margin", max_margin, 0.0)):
        if not value > least:
            raise InputError(f"{name}: got {value!r}, wanted a positive number")
    if not (margin_growth >= 1 and penalty_increase >= 1):
        raise InputError("margin_growth, penalty_increase: wanted numbers of at least 1")
    check_count("max_rounds", max_rounds, 0)
    check_count("max_epochs", max_epochs, 1)
    check_count("pool_limit", pool_limit, 1)
    questions = _Questions(tasks, measure, channels, check_arithmetic(arithmetic), verify_timeout, threads, seed, dimension)
    trainer = _Trainer(model, train_loader, test_loader, optimizer, loss, max_epochs, penalty_increase)
    limits = (margin, margin_growth, max_margin, max_rounds, timeout, pool_limit)
    return _Loop(questions, trainer, limits, progress or (lambda _: None)).run()


class _Questions:
    """What must become true of the module."""

    def __init__(self, tasks, measure, channels, arithmetic, timeout, threads, seed, dimension):
        if measure not in ("ssim", "linf", "l2"):
            raise InputError(f"measure: got {measure!r}, wanted 'ssim', 'linf' or 'l2'")
        self.tasks: List[_Task] = tasks
        self._measure, self._channels, self._dimension = measure, channels, dimension
        self._more = {"channels": channels, "arithmetic": arithmetic, "timeout": timeout, "threads": threads, "seed": seed, "dimension": dimension}
        self._seed = seed

    def verify(self, module: Any) -> Tuple[Result, ...]:
        return tuple(
            verify(module, task.image, task.label, **{self._measure: task.limit}, **self._more) for task in self.tasks
        )

    def reference(self, module: Any, task: _Task) -> Reference:
        return open_for(module, task.image, self._dimension)[1]

    def explore(self, module: Any, task: _Task, margin: float, number: int, timeout: float) -> List[numpy.ndarray]:
        """Images of the neighbourhood that the label wins by no more than the margin, as many as are cheaply found."""
        network, reference = open_for(module, task.image, self._dimension)
        measure, limit = _neighbourhood(**{self._measure: task.limit}, channels=self._channels)
        subject = _engine.Subject(reference.dimension, int(task.label), measure, limit, self._more["arithmetic"])
        settings = _settings(timeout, 0, self._seed + number, 6, 4096, False)
        found = _engine.attack(network, reference.values, subject, settings, 20, 30, _EXPLORED, margin, None)
        return [one["values"] for one in found]


class _Trainer:
    """The module's copy and everything of PyTorch."""

    def __init__(self, model, train_loader, test_loader, optimizer, loss, max_epochs, penalty_increase):
        self.torch = sys.modules["torch"]
        self.module = copy.deepcopy(model).eval()
        self.train_loader, self.test_loader = train_loader, test_loader
        self._make_optimizer = optimizer or (lambda parameters: self.torch.optim.Adam(parameters, lr=0.001))
        self._loss = loss or self.torch.nn.functional.cross_entropy
        self._max_epochs, self._increase = max_epochs, penalty_increase
        self._first_accuracy: Optional[float] = None  # on the training data
        parameters = self.parameters()
        if not parameters:
            raise InputError(f"{type(model).__name__}: no parameter requires a gradient, wanted some to change")
        self.device, self.dtype = parameters[0].device, parameters[0].dtype

    def parameters(self) -> List[Any]:
        return [parameter for parameter in self.module.parameters() if parameter.requires_grad]

    def state(self) -> Dict[str, Any]:
        return {name: tensor.detach().clone() for name, tensor in self.module.state_dict().items()}

    def input_of(self, values: numpy.ndarray, reference: Reference) -> Any:
        """Values as the module takes an image, without the batch's axis."""
        tensor = self.torch.as_tensor(values, dtype=self.dtype, device=self.device)
        if reference.flat:
            return tensor
        shaped = tensor.reshape(reference.dimension)
        try:
            with self.torch.no_grad():
                if self.module(shaped[None]).dim() == 2:
                    return shaped
        except RuntimeError:
            pass  # a module of flat images, as `verify` takes it as well
        return tensor

    def accuracy(self, loader: Optional[Iterable[Any]]) -> Optional[float]:
        if loader is None:
            return None
        right = count = 0
        with self.torch.no_grad():
            for images, labels in loader:
                scores = self.module(images.to(self.device, self.dtype))
                right += int((scores.argmax(1) == labels.to(self.device)).sum())
                count += int(labels.shape[0])
        return right / count if count else None

    def margins(self, points: Any, labels: Any) -> Any:
        """For each point the label's score less the best rival's."""
        scores = self.module(points)
        own = scores.gather(1, labels[:, None])[:, 0]
        return own - scores.scatter(1, labels[:, None], float("-inf")).amax(1)

    def improve(self, pool: "_Pool", margin: float, ends: float) -> Tuple[int, int]:
        """Trains until all points are right by the margin; returns how many are not, and the epochs it took."""
        if self._first_accuracy is None:
            self._first_accuracy = self.accuracy(self.train_loader) or 0.0
        start, best, epochs = self.state(), None, 0
        for rate_factor, first_weight in _APPROACHES:
            self.module.load_state_dict(start)
            now, used = self._attempt(pool, margin, rate_factor, first_weight, ends)
            epochs += used
            if best is None or now[:2] < best[:2]:
                best = now
            if best[0] == 0 and -best[1] >= self._first_accuracy - _ACCURACY_TO_SPARE:
                break
            if time.monotonic() >= ends:
                break
        self.module.load_state_dict(best[2])
        return best[0], epochs

    def _attempt(self, pool, margin, rate_factor, first_weight, ends):
        points, labels = pool.tensors()
        weights = self.torch.full((len(labels),), first_weight / len(labels), device=self.device, dtype=self.dtype)
        optimiser = self._make_optimizer(self.parameters())
        for group in optimiser.param_groups:
            group["lr"] *= rate_factor
        best = self._judge(points, labels, margin, weights)
        idle = used = 0
        for _ in range(self._max_epochs):
            steps = self._epoch(optimiser, points, labels, weights, _AIM_FACTOR * margin, ends)
            if steps is None:
                break
            used += 1
            if not all(bool(self.torch.isfinite(parameter).all()) for parameter in self.parameters()):
                break
            now = self._judge(points, labels, margin, weights)
            idle = idle + 1 if best[0] == 0 else 0
            if now[:2] < best[:2]:
                best, idle = now, 0
            if idle >= max(_PATIENCE_EPOCHS, -(-_PATIENCE_STEPS // steps)):
                break
            if best[0] == 0 and -best[1] >= self._first_accuracy:
                break  # nothing was lost that could be won back
        return best, used

    def _judge(self, points, labels, margin, weights):
        """(points wrong, minus the accuracy on the training data, state); raises the weights of the points wrong."""
        with self.torch.no_grad():
            wrong = ~(self.margins(points, labels) >= margin)
            weights[wrong] = (weights[wrong] * self._increase).clamp(max=_MAX_WEIGHT)
        return int(wrong.sum()), -(self.accuracy(self.train_loader) or 0.0), self.state()

    def _epoch(self, optimiser, points, labels, weights, aim, ends) -> Optional[int]:
        batches = self.train_loader if self.train_loader is not None else [None] * _STEPS_WITHOUT_DATA
        steps = 0
        for batch in batches:
            if time.monotonic() >= ends:
                return None
            optimiser.zero_grad()
            total = (weights * (aim - self.margins(points, labels)).clamp(min=0)).sum()
            if batch is not None:
                images, wanted = batch
                total = total + self._loss(self.module(images.to(self.device, self.dtype)), wanted.to(self.device))
            total.backward()
            optimiser.step()
            steps += 1
        if steps == 0:
            raise InputError("train_loader: got no batches, wanted some")
        return steps


class _Pool:
    """The images that must be classified correctly by a margin."""

    def __init__(self, trainer: _Trainer, limit: int):
        self._trainer, self._limit = trainer, limit
        self._points: List[Any] = []
        self._labels: List[int] = []
        self._known = set()

    def __len__(self) -> int:
        return len(self._labels)

    def add(self, values: numpy.ndarray, label: int, reference: Reference) -> int:
        """How many points are new: 1 or 0."""
        key = (int(label), numpy.asarray(values, dtype=numpy.float64).tobytes())
        if key in self._known:
            return 0
        self._known.add(key)
        self._points.append(self._trainer.input_of(values, reference))
        self._labels.append(int(label))
        return 1

    def tensors(self) -> Tuple[Any, Any]:
        torch = self._trainer.torch
        return torch.stack(self._points), torch.tensor(self._labels, device=self._trainer.device)

    def shrink(self, newest: int) -> None:
        """Forgets the old points with the largest margins where there are more than the limit."""
        surplus = len(self) - self._limit
        if surplus <= 0:
            return
        with self._trainer.torch.no_grad():
            margins = self._trainer.margins(*self.tensors()).tolist()
        old = sorted(range(len(self) - newest), key=lambda k: -margins[k])
        gone = set(old[:surplus])
        kept = [k for k in range(len(self)) if k not in gone][-self._limit :]
        self._points = [self._points[k] for k in kept]
        self._labels = [self._labels[k] for k in kept]


class _Loop:
    def __init__(self, questions: _Questions, trainer: _Trainer, limits, progress):
        self._questions, self._trainer, self._progress = questions, trainer, progress
        self._first_margin, self._growth, self._max_margin, self._max_rounds, self._timeout, pool_limit = limits
        self._margin = self._first_margin
        self._pool = _Pool(trainer, pool_limit)
        self._rounds: List[RepairRound] = []
        self._seconds = 0.0
        self._best: Optional[Tuple[Any, Any, Any, Any]] = None  # rank, state, results, accuracy

    def run(self) -> Repaired:
        for task in self._questions.tasks:
            reference = self._questions.reference(self._trainer.module, task)
            self._pool.add(reference.values.astype(numpy.float64), task.label, reference)
        status = None
        while status is None:
            status = self._verify() or self._change()
        _, state, results, accuracy = self._best
        self._trainer.module.load_state_dict(state)
        first = self._rounds[0].accuracy
        return Repaired(self._trainer.module, status, results, first, accuracy, tuple(self._rounds))

    def _verify(self) -> Optional[str]:
        """Why the loop must end, if it must."""
        results = self._questions.verify(self._trainer.module)
        accuracy = self._trainer.accuracy(self._trainer.test_loader)
        rank = (
            sum(result.verdict == "not robust" for result in results),
            sum(result.verdict == "unknown" for result in results),
            -min(result.margin for result in results),
        )
        if self._best is None or rank < self._best[0] or rank[:2] == (0, 0):
            self._best = (rank, self._trainer.state(), results, accuracy)
        self._rounds.append(RepairRound(len(self._rounds) + 1, results, accuracy))
        self._progress(self._rounds[-1])
        if rank[:2] == (0, 0):
            return "robust"
        if not any(self._repairable(result) for result in results):
            return "unknown"
        if len(self._rounds) > self._max_rounds:
            return "round limit"
        return None

    def _repairable(self, result: Result) -> bool:
        """Whether a counterexample, or the hope for one nearby, is there to repair."""
        return result.verdict == "not robust" or (result.verdict == "unknown" and result.margin_seen < self._margin)

    def _change(self) -> Optional[str]:
        """One repair. Why the loop must end after it, if it must."""
        left = self._timeout - self._seconds if self._timeout > 0 else float("inf")
        if left <= 0:
            return "time limit"
        begin = time.monotonic()
        ends = begin + left
        results = self._rounds[-1].results
        added = self._collect(results, ends)
        wrong, epochs, margin = self._improve(ends)
        seconds = time.monotonic() - begin
        self._seconds += seconds
        done = self._rounds[-1]
        self._rounds[-1] = RepairRound(
            done.number, results, done.accuracy, margin, len(self._pool), added, wrong, epochs, seconds
        )
        self._progress(self._rounds[-1])
        if time.monotonic() >= ends:
            return "time limit"
        return "stuck" if wrong else None

    def _collect(self, results: Sequence[Result], ends: float) -> int:
        added = 0
        module = self._trainer.module
        for task, result in zip(self._questions.tasks, results):
            reference = self._questions.reference(module, task)
            for found in result.counterexamples:
                added += self._pool.add(found.image.reshape(-1), task.label, reference)
            left = ends - time.monotonic()
            if left > 0 and result.verdict != "robust":
                timeout = 0.0 if left == float("inf") else left
                for values in self._questions.explore(module, task, self._margin, len(self._rounds), timeout):
                    added += self._pool.add(values, task.label, reference)
        self._pool.shrink(added)
        return added

    def _improve(self, ends: float) -> Tuple[int, int, float]:
        """With the present margin, or where that cannot be reached, with smaller ones down to the first."""
        total = 0
        while True:
            margin = self._margin
            wrong, epochs = self._trainer.improve(self._pool, margin, ends)
            total += epochs
            if wrong == 0:
                limit = max(self._max_margin, self._first_margin)
                self._margin = min(limit, margin * self._growth)
            if wrong == 0 or margin <= self._first_margin or time.monotonic() >= ends:
                return wrong, total, margin
            self._margin = max(self._first_margin, margin / 2)
