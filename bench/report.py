"""What a suite says: a table with a line for each network and threshold, the questions left open, and plots."""

import collections
import dataclasses
import math
import statistics

import instances
import plot


@dataclasses.dataclass
class Summary:
    """All runs of one instance."""

    instance: instances.Instance
    verdict: str
    runs: list

    @property
    def seconds(self):
        return statistics.median(run.seconds for run in self.runs)

    @property
    def wall(self):
        return statistics.median(run.wall for run in self.runs)

    @property
    def run(self):
        return self.runs[0]


def summaries(runs):
    """runs: pairs of an instance and a run, in the order in which they are to be shown."""
    together = collections.defaultdict(list)
    for instance, run in runs:
        together[instance].append(run)
    return [Summary(instance, verdict_of(its), its) for instance, its in together.items()]


def verdict_of(runs):
    """Of repeated runs the weakest; those that contradict each other are a failure."""
    verdicts = {run.verdict for run in runs}
    if "failed" in verdicts or instances.contradict(verdicts):
        return "failed"
    return "unknown" if "unknown" in verdicts else verdicts.pop()


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def shown(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def times(values):
    return "  ".join(f"{shown(v):>9}" for v in (statistics.median(values), percentile(values, 0.95), max(values)))


def lines_of(items):
    """(label, summaries) for each network and threshold, and for all of a network's."""
    groups = dict.fromkeys(s.instance.group for s in items)
    for group in groups:
        own = [s for s in items if s.instance.group == group]
        thresholds = dict.fromkeys(s.instance.threshold for s in own)
        for threshold in thresholds:
            yield f"{group} {threshold}".strip(), [s for s in own if s.instance.threshold == threshold]
        if len(thresholds) > 1:
            yield f"{group} all", own
    if len(groups) > 1:
        yield "all", items


def decided_share(items):
    return sum(s.verdict in instances.DECIDED for s in items) / len(items)


def table(items):
    lines = list(lines_of(items))
    width = max(len(label) for label, _ in lines)
    result = [
        f"{'':{width}}  decided  robust  not robust  unknown  failed | {'inside: median':>18}  {'p95':>9}  {'worst':>9}"
        f" | {'process: median':>16}  {'p95':>9}  {'worst':>9} | {'nodes: most':>11} | {'peak MB':>7}"
    ]
    for label, its in lines:
        counts = [sum(s.verdict == v for s in its) for v in instances.VERDICTS]
        result.append(
            f"{label:{width}}  {decided_share(its):7.1%}  {counts[0]:6}  {counts[1]:10}  {counts[2]:7}  {counts[3]:6} |"
            f" {'':8} {times([s.seconds for s in its])} | {'':6} {times([s.wall for s in its])} |"
            f" {max(r.nodes for s in its for r in s.runs):11} | {max(r.peak_mb for s in its for r in s.runs):7.1f}"
        )
    wrong_reference = sum("reference" in s.run.reason for s in items)
    if wrong_reference:
        result.append(f"\nOf these, {wrong_reference} have a reference that the network gets wrong: decided at once.")
    return "\n".join(result)


def open_questions(items):
    """Those left open, the nearest to a proof first, and those that failed."""
    left = [s for s in items if s.verdict not in instances.DECIDED]
    if not left:
        return ""
    left.sort(key=lambda s: -s.run.margin_bound if math.isfinite(s.run.margin_bound) else math.inf)
    width = max(len(str(s.instance)) for s in left)
    result = [f"\nLeft open ({len(left)}), between the certified bound of the margin and the smallest margin seen:"]
    for s in left:
        gap = f"{s.run.margin_bound:+12.5f} .. {s.run.margin_seen:+.5f}"
        result.append(f"  {str(s.instance):{width}}  {gap}  {s.run.nodes:8} nodes  {s.verdict}: {s.run.reason}")
    return "\n".join(result)


def cactus_of(items, title):
    """One line for each network and threshold of `items`: over how many were decided, the time the slowest took."""
    series = [
        (f"{label}: {decided_share(its):.0%} of {len(its)}", [s.seconds for s in its if s.verdict in instances.DECIDED])
        for label, its in lines_of(items)
        if not label.endswith("all")
    ]
    limit = max(s.instance.timeout for s in items)
    return plot.cactus(series, title, limit)
