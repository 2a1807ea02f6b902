"""The suite of the verification competition: its files, and its published verdicts and times to compare with."""

import csv
import dataclasses

import instances

SECONDS = {"acasxu": 116.0, "mnist_fc": 120.0, "oval21": 720.0}  # as the competition of 2022 gave them
AS_VERDICT = {"unsat": "robust", "sat": "not robust"}
RIVAL = "nnenum"


@dataclasses.dataclass(frozen=True)
class Published:
    verdict: str  # of those that agree; "" if there is none
    rival_verdict: str
    rival_seconds: float


def read_published(data):
    """By names of the network and the property, both without .gz. The times include each tool's start."""
    with open(data / "vnncomp" / "expected.csv", newline="") as file:
        return {
            (row["benchmark"], row["network"], row["property"]): Published(
                AS_VERDICT.get(row["consensus"], ""), row[f"{RIVAL}_verdict"], float(row[f"{RIVAL}_s"])
            )
            for row in csv.DictReader(file)
        }


def questions(selection):
    """In the order of the list of published results."""
    for benchmark, network, asked in read_published(selection.data):
        folder = selection.data / "vnncomp" / benchmark
        network, asked = (folder / f"{name}.gz" for name in (network, asked))
        yield benchmark, network, asked, 0, SECONDS.get(benchmark, 120.0)


def names(instance):
    return instance.group, *(path.split("/")[-1].removesuffix(".gz") for path in (instance.model, instance.image))


def wrong(items, published):
    """Those whose verdict is the contrary of the published one."""
    return [s for s in items if instances.contradict((s.verdict, published[names(s.instance)].verdict))]


def compared(items, published):
    """For each benchmark: verdicts against the published ones, times against the rival's."""
    lines = [f"\nAgainst the published verdicts, and the times of {RIVAL} (on its own machine, its start included):"]
    for group in dict.fromkeys(s.instance.group for s in items):
        own = [(s, published[names(s.instance)]) for s in items if s.instance.group == group]
        right = [(s, known) for s, known in own if s.verdict == known.verdict]
        slower = [
            (s, known) for s, known in right if known.rival_verdict in AS_VERDICT and s.wall >= known.rival_seconds
        ]
        contrary = wrong([s for s, _ in own], published)
        lines.append(
            f"  {group:10} {len(right)} of {len(own)} as published, {len(contrary)} wrong,"
            f" {len(right) - len(slower)} of {len(own)} as published and faster than {RIVAL} or where it has no answer"
        )
        lines += [f"    WRONG: {s.instance}: {s.verdict}" for s in contrary]
        lines += [f"    slower: {s.instance}: {s.wall:.2f} s, {known.rival_seconds:.2f} s" for s, known in slower]
    return "\n".join(lines)
