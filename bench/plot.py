"""Cactus plots as SVG files: how many instances were decided in at most how much time each."""

import math
from xml.sax.saxutils import escape

# Colours that are told apart by everyone; dashes tell further lines apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
DASHES = ("", "7 3", "2 3")
LEFT, RIGHT, TOP, BOTTOM = 70, 250, 40, 55
WIDTH, HEIGHT = 520, 360  # of the area between the axes
SHORTEST = 1e-4  # seconds; what is faster is drawn here


def cactus(series, title, limit):
    """series: pairs of a label and the times in seconds of what was decided. limit: the time axis reaches it."""
    shortest = max(SHORTEST, min((min(times) for _, times in series if times), default=limit / 10))
    longest = max([limit] + [max(times) for _, times in series if times])
    low, high = math.floor(math.log10(shortest)), math.ceil(math.log10(longest) - 1e-9)
    most = max([1] + [len(times) for _, times in series])
    step = round_step(most / 6)
    axes = Axes(low, max(high, low + 1), step * math.ceil(most / step))
    body = axes.drawn(step)
    if low <= math.log10(limit) <= axes.high:
        y = axes.y(limit)
        body.append(line(LEFT, y, LEFT + WIDTH, y, "#999", dash="1 3"))
        body.append(text(LEFT + WIDTH - 4, y - 4, f"limit {limit:g} s", "end", "#777"))
    for index, (label, times) in enumerate(series):
        style = stroke(COLOURS[index % len(COLOURS)], DASHES[index // len(COLOURS) % len(DASHES)])
        y = TOP + 10 + 18 * index
        body.append(f'<line x1="{LEFT + WIDTH + 12}" y1="{y}" x2="{LEFT + WIDTH + 36}" y2="{y}" {style}/>')
        body.append(text(LEFT + WIDTH + 42, y + 4, label))
        if times:
            body.append(f'<path class="series" fill="none" d="{axes.staircase(times)}" {style}/>')
    body.append(text(LEFT + WIDTH / 2, 24, title, "middle", size=15))
    height = max(TOP + HEIGHT + BOTTOM, TOP + 20 + 18 * len(series))
    return document(LEFT + WIDTH + RIGHT, height, body)


class Axes:
    """Instances to the right, the logarithm of the time upwards: from 10^low to 10^high seconds."""

    def __init__(self, low, high, most):
        self.low, self.high, self.most = low, high, most

    def x(self, count):
        return LEFT + WIDTH * count / self.most

    def y(self, seconds):
        share = (math.log10(max(seconds, SHORTEST)) - self.low) / (self.high - self.low)
        return TOP + HEIGHT * (1 - min(1.0, max(0.0, share)))

    def staircase(self, times):
        """One tread for each instance, as long as one instance and as high as its time."""
        ordered = sorted(times)
        parts = [f"M{self.x(0):.1f} {self.y(ordered[0]):.1f}"]
        for index, seconds in enumerate(ordered):
            parts.append(f"V{self.y(seconds):.1f}H{self.x(index + 1):.1f}")
        return "".join(parts)

    def drawn(self, step):
        bottom = TOP + HEIGHT
        result = []
        for exponent in range(self.low, self.high + 1):
            y = self.y(10.0**exponent)
            result.append(line(LEFT, y, LEFT + WIDTH, y, "#ddd"))
            result.append(text(LEFT - 6, y + 4, named(exponent), "end"))
        for count in range(0, self.most + 1, step):
            x = self.x(count)
            result += [line(x, TOP, x, bottom, "#eee"), text(x, bottom + 16, str(count), "middle")]
        result += [line(LEFT, bottom, LEFT + WIDTH, bottom, "#000"), line(LEFT, TOP, LEFT, bottom, "#000")]
        result.append(text(LEFT + WIDTH / 2, bottom + 38, "instances decided", "middle"))
        middle = TOP + HEIGHT / 2
        result.append(f'<g transform="rotate(-90 16 {middle})">{text(16, middle, "time for each (log)", "middle")}</g>')
        return result


def named(exponent):
    if exponent < 0:
        return f"{10 ** (exponent + 3):g} ms"
    return f"{10**exponent} s"


def round_step(least):
    """The smallest of 1, 2, 5, 10, 20, ... that is at least this."""
    power = 10 ** max(0, math.floor(math.log10(max(least, 1))))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def stroke(colour, dash=""):
    return f'stroke="{colour}" stroke-width="1.8"' + (f' stroke-dasharray="{dash}"' if dash else "")


def line(x1, y1, x2, y2, colour, dash=""):
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashes}/>'


def text(x, y, words, anchor="start", colour="#000", size=12):
    style = f'text-anchor="{anchor}" font-size="{size}" fill="{colour}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'


def document(width, height, body):
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *body, "</svg>", ""])
