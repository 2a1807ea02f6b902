"""What the questions give: plain values that can be pickled, printed, and turned into dicts and table rows."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Dict, NamedTuple, Optional, Tuple, Union

from ._numpy import numpy


@dataclass(frozen=True, eq=False)
class Counterexample:
    """An image of the neighbourhood that does not get the reference's class, confirmed in exact arithmetic.

    image: float64, C x H x W, in [0, 1]; these doubles are the counterexample, exactly.
    rival: the class that it gets, or that ties with the reference's.
    margin: score of the reference's class less the rival's, at most 0.
    ssim: SSIM to the reference, by the neighbourhood's convention.
    distance: from the reference, where the neighbourhood is by distance; 0 otherwise.
    max_deviation: largest difference of one value from the reference's.
    rounded: the image rounded to 8 bits, float32, C x H x W (k / 255).
    rounded_is_counterexample: whether that one is a counterexample too, decided exactly.
    """

    image: numpy.ndarray = field(repr=False)
    rival: int
    margin: float
    ssim: float
    distance: float
    max_deviation: float
    rounded: numpy.ndarray = field(repr=False)
    rounded_is_counterexample: bool

    def pixels(self) -> numpy.ndarray:
        """The rounded image as uint8, H x W for one channel and H x W x C otherwise, as PIL.Image.fromarray wants."""
        values = numpy.rint(self.rounded.astype(numpy.float64) * 255).astype(numpy.uint8)
        return values[0] if values.shape[0] == 1 else numpy.ascontiguousarray(values.transpose(1, 2, 0))

    def to_dict(self, images: bool = False) -> Dict[str, Any]:
        """Numbers and truth values; with `images` also the image, as nested lists."""
        result = {name: getattr(self, name) for name in _COUNTEREXAMPLE_NUMBERS}
        if images:
            result["image"] = self.image.tolist()
        return result


_COUNTEREXAMPLE_NUMBERS = ("rival", "margin", "ssim", "distance", "max_deviation", "rounded_is_counterexample")


@dataclass(frozen=True)
class Statistics:
    """What an answer took. Times are in seconds.

    subproblems: bounded, the root included. leaves: of these closed by replay. replays_failed: closed by the fast bound,
    but not by the replay. relus: ReLU neurons in all. stable_relus: of these proved stable at the root; 0 if the attack
    decided first.
    """

    subproblems: int = 0
    leaves: int = 0
    replays_failed: int = 0
    relus: int = 0
    stable_relus: int = 0
    seconds_attack: float = 0.0
    seconds_root: float = 0.0
    seconds_search: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Result:
    """The answer of `verify`.

    verdict: "robust", "not robust" or "unknown". reason: one clause for people.
    margin: robust and unknown: a certified lower bound of the smallest margin over all images in question, -inf if none
        was reached; not robust: the counterexample's.
    margin_seen: the smallest margin seen at an image of the neighbourhood, inf if none was looked at.
    counterexamples: not robust: at least one, the worst margin first.
    label: the class asked about. measure: "ssim", "channel-ssim", "linf" or "l2". limit: as it was written.
    certificate: where one was wanted and there is one: its bytes, or the path of its file; for `check`.
    no_certificate: one clause that says why none was written although one was wanted.
    arithmetic: "exact", or "float32": then `margin` is at most that of any evaluation by float32.
    """

    verdict: str
    reason: str
    margin: float
    margin_seen: float
    counterexamples: Tuple[Counterexample, ...]
    statistics: Statistics
    label: int
    measure: str
    limit: str
    certificate: Union[bytes, str, None] = field(default=None, repr=False)
    no_certificate: Optional[str] = None
    arithmetic: str = "exact"

    @property
    def counterexample(self) -> Optional[Counterexample]:
        """The worst one, if there is any."""
        return self.counterexamples[0] if self.counterexamples else None

    @property
    def robust(self) -> bool:
        return self.verdict == "robust"

    def to_dict(self, images: bool = False) -> Dict[str, Any]:
        """One flat dict of numbers and texts, a row of a table (pandas.DataFrame([r.to_dict() for r in results])).

        The worst counterexample's figures are `counterexample_...`, None where there is none. With `images` also
        `counterexample_image`, as nested lists.
        """
        result: Dict[str, Any] = {
            name: getattr(self, name)
            for name in ("verdict", "reason", "label", "measure", "limit", "arithmetic", "margin", "margin_seen")
        }
        found = self.counterexample.to_dict(images) if self.counterexample else {}
        names = _COUNTEREXAMPLE_NUMBERS + (("image",) if images else ())
        result.update({f"counterexample_{name}": found.get(name) for name in names})
        result.update({part.name: getattr(self.statistics, part.name) for part in fields(Statistics)})
        return result


@dataclass(frozen=True, eq=False)
class Threshold:
    """The answer of `threshold`: how far robustness reaches.

    proved_at: robust for this limit, a decimal number, and every stricter one; None if nothing was proved.
    refuted_at: not robust for this limit and every laxer one; 1 (0 for distances) if the reference itself does not get
        the label; None if nothing was refuted.
    counterexample: in the neighbourhood of refuted_at. reason: why it ended, one clause for people.
    questions, subproblems, seconds: what it took.
    """

    proved_at: Optional[str]
    refuted_at: Optional[str]
    counterexample: Optional[Counterexample]
    reason: str
    label: int
    measure: str
    questions: int
    subproblems: int
    seconds: float
    arithmetic: str = "exact"

    def to_dict(self, images: bool = False) -> Dict[str, Any]:
        """One flat dict, as Result.to_dict."""
        result = {
            part.name: getattr(self, part.name) for part in fields(self) if part.name not in ("counterexample",)
        }
        found = self.counterexample.to_dict(images) if self.counterexample else {}
        names = _COUNTEREXAMPLE_NUMBERS + (("image",) if images else ())
        result.update({f"counterexample_{name}": found.get(name) for name in names})
        return result


class Progress(NamedTuple):
    """News of a search that runs. Bounds are not certified while it does.

    phase: "attack", "root", "search"; "question" for the next search of `threshold`.
    seconds: since the start. subproblems: bounded so far. open: of these still open.
    lower_bound: the weakest open bound. upper_bound: the smallest margin seen.
    asked, proved_at, refuted_at: limits of `threshold`; "" where there is none.
    """

    phase: str
    seconds: float
    subproblems: int
    open: int
    lower_bound: float
    upper_bound: float
    asked: str
    proved_at: str
    refuted_at: str
