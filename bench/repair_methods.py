"""The methods of repair compared: what each proves with the same budget, what it costs, and what it did to
neighbourhoods of images that no repair has seen."""

import dataclasses

import instances
import repair_runs

METHODS = ("fine-tune", "adversarial", "penalty", "last-layer", "detector", "bound", "auto")
ROWS = ("mnist", "fashion", "gtsrb")
SECONDS = 20.0  # for each image not repaired


@dataclasses.dataclass
class Compared:
    outcome: repair_runs.Outcome
    images: int
    before: int  # of them proved for the network given
    after: int  # and for the network kept


def proved(program, network, experiment, images, arguments):
    """How many neighbourhoods of the images are proved, as large as those repaired."""
    config = experiment.config
    dimension = ",".join(str(size) for size in config["dimension"])
    tool = instances.Verissim(program)
    count = 0
    for path, label in images:
        question = instances.Instance(
            experiment.group, network, str(path), label, f"{config['minlp']['threshold']:g}", SECONDS, "ssim", dimension
        )
        count += instances.run(tool, question, arguments.threads).verdict == "robust"
    return count


_before = {}  # of the networks given, by their path


def compared(outcome, experiment, images, arguments):
    given = experiment.config["model"]["path"]
    if given not in _before:
        _before[given] = proved(arguments.program, given, experiment, images, arguments)
    before = _before[given]
    after = proved(arguments.program, outcome.network, experiment, images, arguments) if outcome.network else before
    return Compared(outcome, len(images), before, after)


def table(items):
    width = max(len(c.outcome.group) for c in items)
    result = [
        f"{'':{width}}  {'method':12} proved of  drawdown  elsewhere proved: before  after   of | {'seconds':>8}"
        f"  {'CPU':>8}"
    ]
    for c in items:
        o = c.outcome
        result.append(
            f"{o.group:{width}}  {o.method:12} {o.proved:6} {o.references:2}  {o.drawdown:+8.2f}"
            f"  {c.before:24}  {c.after:5}  {c.images:3} | {o.seconds:8.1f}  {o.cpu:8.1f}  {o.reason}"
        )
    result.append("\n" + "\n".join(best_of_rows(items)))
    return "\n".join(result)


def best_of_rows(items):
    """Whether 'auto' is best or equal in proved references."""
    for group in dict.fromkeys(c.outcome.group for c in items):
        own = {c.outcome.method: c.outcome.proved for c in items if c.outcome.group == group}
        if "auto" in own:
            best = max(own, key=lambda method: (own[method], method == "auto"))
            word = "reached" if best == "auto" else "missed"
            yield f"{word:8} {group}: auto proves {own['auto']}, the best ({best}) {own[best]}"
