"""Verissim: proves that an image classifier cannot be fooled by images that look alike, or shows how it can.

    import verissim
    result = verissim.verify(model, image, label=3, ssim=0.99)
    print(result.verdict, result.margin)

Robust means: every image of the reference's neighbourhood in [0, 1]^n gets the label by a strictly larger score than
every other class. 'robust' rests on outward-rounded arithmetic, 'not robust' on a counterexample confirmed exactly. The
network is the function of real numbers that its weights define.
"""

from ._certificates import Check, check
from ._engine import InputError, Model
from ._engine import version as __version__
from ._models import clear_cache, load
from ._questions import attack, conventions, ssim, threshold, verify
from ._repair import Repaired, RepairRound, repair
from ._results import Counterexample, Progress, Result, Statistics, Threshold

__all__ = [
    "Check",
    "Counterexample",
    "InputError",
    "Model",
    "Progress",
    "RepairRound",
    "Repaired",
    "Result",
    "Statistics",
    "Threshold",
    "attack",
    "check",
    "clear_cache",
    "conventions",
    "load",
    "repair",
    "ssim",
    "threshold",
    "verify",
]

InputError.__module__ = "verissim"
Model.__module__ = "verissim"
