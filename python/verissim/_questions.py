"""verify, attack, threshold and ssim."""

from __future__ import annotations

import decimal
import numbers
from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

from . import _certificates, _engine
from ._images import Reference, as_list, read, stored_dimension
from ._models import open_for
from ._numbers import check_arithmetic, check_count, decimal_text
from ._numpy import numpy
from ._results import Counterexample, Progress, Result, Statistics, Threshold

InputError = _engine.InputError
Limit = Union[float, str, decimal.Decimal]
ProgressCallback = Callable[[Progress], Any]


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
) -> Any:
    """Proves or refutes that a network gives `label` to every image of [0, 1]^n that looks like `image`.

    model: torch.nn.Module (taken as in evaluation, not changed), the path of a file (ONNX, TorchScript, PyTorch .pt,
        safetensors), an ONNX ModelProto or its bytes, or what `load` gave.
    image: float tensor or array of C x H x W (or H x W, or n) values in [0, 1]; uint8 pixels; a PIL image; the path of a
        PNG, PPM or NPY file. Files and PIL images are resized to the network's input. A list of images, or an array with
        four axes N x C x H x W, is a batch.
    label: the output, from 0, that should score strictly highest; one for each image of a batch. None: the class that
        the network gives the image.
    ssim, linf, l2: exactly one of them. ssim: images whose global SSIM to `image` is at least that, 0 < ssim <= 1. linf,
        l2: images at no larger distance. A float means the decimal number that Python shows for it: 0.99 is 99/100.
    channels: "joint" (SSIM of all values together) or "mean" (mean of the channels' SSIM).
    eight_bit: whether only images of 8 bits count as counterexamples.
    arithmetic: "exact": the function of real numbers. "float32": every evaluation of the network by float32, whatever the
        order of its sums; where it is not known how programs compute the network, an InputError says why.
    timeout: seconds for one image, 0: none. threads: 0: as many as the machine offers.
    tolerance: "unknown" is said when the gap left is below 10^-tolerance. memory_limit_mb: for open subproblems.
    dimension: (C, H, W) of the network's input, where neither the model nor the image says it.
    progress: called with a `Progress` a few times a second from this thread; what it raises ends the search.
    certificate: True, or the path of a file to write: the proof (or the counterexample) is written down for `check`, and
        becomes `Result.certificate`. For global SSIM, images of 8 bits, and networks that verissim-check reads; for others
        an InputError says why before the search begins. Of a module it is about the file that PyTorch writes of it: the
        state_dict of Linear layers with ReLUs between, ONNX (with the package onnx) of others.

    Returns a `Result`, or a list of them for a batch. Ctrl-C ends the search and raises KeyboardInterrupt. Raises
    `InputError`, a ValueError, for what is no question; nothing else that happens to correct input is an error.
    """
    measure, limit = _neighbourhood(ssim, linf, l2, channels)
    arithmetic = check_arithmetic(arithmetic)
    settings = _settings(timeout, threads, seed, tolerance, memory_limit_mb, eight_bit)
    keep = _certificates.wanted(certificate, as_list(image)[1])

    def answer(network: Any, reference: Reference, wanted: int) -> Result:
        subject = _engine.Subject(reference.dimension, wanted, measure, limit, arithmetic)
        record = _certificates.Recording(keep, folder, reference) if folder else None
        request = record and record.request
        found = _engine.verify(network, reference.values, subject, settings, request, _listener(progress))
        kept = record and record.content(found["no_certificate"])
        examples = _counterexamples(found["counterexamples"], reference)
        statistics = Statistics(**found["statistics"])
        return Result(
            found["verdict"], found["reason"], found["margin"], found["margin_seen"], examples, statistics, wanted,
            measure, limit, kept, found["no_certificate"], arithmetic,
        )

    with _certificates.workplace(keep) as folder:
        items = as_list(image)[0]
        if not folder or not items:
            return _each(model, image, label, dimension, answer)
        with _certificates.question_file(model, folder, items[0], dimension) as file:
            return _each(file, image, label, dimension, answer)


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
) -> Any:
    """Looks for counterexamples only; nothing is proved if none is found.

    restarts: random starting points for each rival. steps: from each. wanted: how many different ones end the search.
    The others: as for `verify`. Returns a list of `Counterexample`, the worst margin first, each confirmed in exact
    arithmetic; a list of such lists for a batch.
    """
    measure, limit = _neighbourhood(ssim, linf, l2, channels)
    arithmetic = check_arithmetic(arithmetic)
    settings = _settings(timeout, 0, seed, 6, 4096, eight_bit)
    for name, value in (("restarts", restarts), ("steps", steps), ("wanted", wanted)):
        check_count(name, value, 1)

    def answer(network: Any, reference: Reference, wanted_label: int) -> List[Counterexample]:
        subject = _engine.Subject(reference.dimension, wanted_label, measure, limit, arithmetic)
        found = _engine.attack(network, reference.values, subject, settings, restarts, steps, wanted, 0.0, None)
        return list(_counterexamples(found, reference))

    return _each(model, image, label, dimension, answer)


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
) -> Any:
    """Encloses the SSIM down to which, or the distance up to which, the network is robust around the image.

    measure: "ssim", "linf" or "l2". gap: 1 - SSIM (or the distance) of what is refuted may exceed that of what is proved
    by that share, 0.001 to 1. timeout: seconds for one image; what was shown by then is the answer. The others: as for
    `verify`. Returns a `Threshold`, or a list of them for a batch.
    """
    if measure not in ("ssim", "linf", "l2"):
        raise InputError(f"measure: got {measure!r}, wanted 'ssim', 'linf' or 'l2'")
    measure, any_limit = _neighbourhood(**{measure: "1"}, channels=channels)
    arithmetic = check_arithmetic(arithmetic)
    if not isinstance(gap, numbers.Real) or isinstance(gap, bool):
        raise InputError(f"gap: got {gap!r}, wanted a number from 0.001 to 1")
    settings = _settings(timeout, threads, seed, tolerance, memory_limit_mb, False)

    def answer(network: Any, reference: Reference, wanted: int) -> Threshold:
        subject = _engine.Subject(reference.dimension, wanted, measure, any_limit, arithmetic)
        found = _engine.threshold(network, reference.values, subject, settings, float(gap), _listener(progress))
        examples = _counterexamples(found["counterexamples"], reference)
        return Threshold(
            found["proved_at"], found["refuted_at"], examples[0] if examples else None, found["reason"], wanted, measure,
            found["questions"], found["subproblems"], found["seconds"], arithmetic,
        )

    return _each(model, image, label, dimension, answer)


def ssim(a: Any, b: Any, convention: str = "global") -> float:
    """SSIM of two images of the same shape, as for `verify`, for values in [0, 1] (data range 1).

    convention: one of `conventions()`; a value means nothing without it. Float64 arrays are taken as they are. Of two
    files, the second is resized to the first one's size.
    """
    dimension = stored_dimension(a) or stored_dimension(b)
    first, dimension = _values(a, dimension)
    second, _ = _values(b, dimension)
    return _engine.ssim(first, second, dimension, convention)


def conventions() -> "dict[str, str]":
    """The conventions of SSIM that `ssim` knows, by name, and what each is."""
    return dict(_engine.conventions())


def _values(image: Any, dimension: Optional[Tuple[int, int, int]]) -> Tuple[numpy.ndarray, Tuple[int, int, int]]:
    reference = read(image, dimension)
    if hasattr(image, "detach"):
        image = image.detach().cpu().numpy()
    if isinstance(image, numpy.ndarray) and image.dtype == numpy.float64:
        return numpy.ascontiguousarray(image).reshape(-1), reference.dimension
    return reference.values.astype(numpy.float64), reference.dimension


def _each(model: Any, images: Any, labels: Any, dimension: Any, answer: Callable[..., Any]) -> Any:
    items, is_batch = as_list(images)
    wanted = _labels(labels, len(items), is_batch)
    answers = []
    for item, label in zip(items, wanted):
        network, reference = open_for(model, item, dimension)
        if label is None:
            label = int(numpy.argmax(network.scores(reference.values.astype(numpy.float64))))
        answers.append(answer(network, reference, label))
    return answers if is_batch else answers[0]


def _labels(labels: Any, count: int, is_batch: bool) -> List[Optional[int]]:
    if isinstance(labels, bool):
        raise InputError(f"label: got {labels!r}, wanted a class, or one for each image of a batch")
    if labels is None or isinstance(labels, numbers.Integral):
        return [None if labels is None else int(labels)] * count
    if hasattr(labels, "tolist"):
        labels = labels.tolist()
        if isinstance(labels, int):
            return [labels] * count
    try:
        labels = [int(label) for label in labels]
    except (TypeError, ValueError):
        raise InputError(f"label: got {labels!r}, wanted a class, or one for each image of a batch") from None
    if not is_batch or len(labels) != count:
        raise InputError(f"label: got {len(labels)} classes for {count} images, wanted one for each image of a batch")
    return labels


def _neighbourhood(ssim: Any = None, linf: Any = None, l2: Any = None, channels: str = "joint") -> Tuple[str, str]:
    given = [(name, value) for name, value in (("ssim", ssim), ("linf", linf), ("l2", l2)) if value is not None]
    if len(given) != 1:
        names = " and ".join(name for name, _ in given) or "none"
        raise InputError(f"neighbourhood: got {names}, wanted exactly one of ssim, linf and l2")
    name, value = given[0]
    if channels not in ("joint", "mean"):
        raise InputError(f"channels: got {channels!r}, wanted 'joint' or 'mean'")
    if channels == "mean" and name != "ssim":
        raise InputError("channels: got 'mean' with a distance, wanted 'joint': only SSIM is averaged over channels")
    return ("channel-ssim" if channels == "mean" else name), decimal_text(name, value)


def _settings(timeout: Any, threads: int, seed: int, tolerance: int, memory: int, eight_bit: bool) -> Any:
    settings = _engine.Settings()
    if not isinstance(timeout, numbers.Real) or timeout != timeout:
        raise InputError(f"timeout: got {timeout!r}, wanted seconds, 0 for none")
    settings.timeout = float(timeout)
    settings.threads = check_count("threads", threads, 0)
    settings.seed = check_count("seed", seed, 0)
    settings.tolerance_digits = check_count("tolerance", tolerance, 1)
    settings.memory_limit_mb = check_count("memory_limit_mb", memory, 1)
    settings.eight_bit = bool(eight_bit)
    return settings


def _listener(progress: Optional[ProgressCallback]) -> Optional[Callable[..., Any]]:
    if progress is not None and not callable(progress):
        raise InputError(f"progress: got {type(progress).__name__}, wanted a function")
    return None if progress is None else lambda *news: progress(Progress(*news))


def _counterexamples(found: Any, reference: Reference) -> Tuple[Counterexample, ...]:
    shape = reference.dimension
    return tuple(
        Counterexample(
            one["values"].reshape(shape), one["rival"], one["margin"], one["ssim"], one["distance"],
            one["max_deviation"], one["rounded"].reshape(shape), one["rounded_is_counterexample"],
        )
        for one in found
    )
