"""Random small questions with their files, and what is known of them beforehand."""

import math
import random
from fractions import Fraction

import model_files
import rational
from model_files import single

TAUS = ["1", "0.9999", "0.999", "0.99", "0.98", "0.95", "0.9", "0.8", "0.6", "0.4"]
RADII = {"linf": ["0.001", "0.01", "0.05", "0.1", "0.3"], "l2": ["0.001", "0.02", "0.1", "0.3", "0.8"]}


class Question:
    """A network, a reference image and a neighbourhood. planted: a counterexample that is known, or None."""

    def __init__(self, kind, shape, net, levels, measure, limit):
        self.kind, self.shape, self.net, self.measure, self.limit = kind, shape, net, measure, limit
        self.levels = levels  # by rows of pixels, as a PNG has them
        channels, height, width = shape
        # k / 255 in float32 arithmetic; channel by channel.
        self.reference = [
            single(levels[(i * width + j) * channels + c] / 255)
            for c in range(channels)
            for i in range(height)
            for j in range(width)
        ]
        self.planted = None
        self.arithmetic = "exact"
        self.exact_net = rational.exact(net)
        scores = rational.scores(self.exact_net, self.exact_reference())
        self.label = scores.index(max(scores))

    def changed(self, kind, net=None, levels=None):
        """With another network or image; the label is this one's."""
        other = Question(kind, self.shape, net or self.net, levels or self.levels, self.measure, self.limit)
        other.arithmetic, other.label = self.arithmetic, self.label
        return other

    def exact_reference(self):
        return [Fraction(v) for v in self.reference]

    def margin(self, x):
        return rational.margin(self.exact_net, self.label, [Fraction(v) for v in x])

    def plain_margin(self, x):
        return rational.margin(self.net, self.label, x)

    def holds(self, x):
        own = [Fraction(v) for v in x]
        return rational.inside(self.measure, self.shape[0], self.limit, own, self.exact_reference())

    def seems_to_hold(self, x):
        return rational.inside(self.measure, self.shape[0], self.limit, x, self.reference)

    def can_have_certificate(self):
        return self.measure == "ssim"

    def is_known_to_scip(self):
        return self.measure == "ssim" and not self.net["conv"]

    def write(self, folder):
        self.folder = folder
        self.model = folder / ("model.onnx" if self.net["conv"] else "model.pt")
        self.image = folder / "image.png"
        if self.net["conv"]:
            model_files.write_onnx(self.model, self.shape, self.net["conv"], self.net["pool"], self.net["layers"])
        else:
            model_files.write_state_dict(self.model, self.net["layers"])
        channels, height, width = self.shape
        model_files.write_png(self.image, height, width, channels, self.levels)

    def options(self):
        measure = ["--channels", "mean"] if self.measure == "mean" else []
        limit = "--" + ("ssim" if self.measure == "mean" else self.measure)
        return [
            *("--model", str(self.model), "--image", str(self.image), "--class", str(self.label)),
            *(limit, self.limit, "--dimension", ",".join(map(str, self.shape)), *measure),
            *("--arithmetic", self.arithmetic),
        ]

    def member(self, rng, steps=12):
        """An image of the neighbourhood, as far as plain arithmetic tells: on the way to a random one."""
        r = self.reference
        spread = rng.choice([1.0, 0.3, 0.1])
        shift = rng.choice([0, rng.gauss(0, 0.3)])
        target = [min(1.0, max(0.0, v + shift + spread * rng.gauss(0, 1))) for v in r]
        low, high = 0.0, 1.0
        for _ in range(steps):
            middle = (low + high) / 2
            if self.seems_to_hold([a + middle * (b - a) for a, b in zip(r, target)]):
                low = middle
            else:
                high = middle
        return [a + low * (b - a) for a, b in zip(r, target)]


def random_layer(rng, before, size, scale):
    rows = [[single(scale * rng.gauss(0, 1) / math.sqrt(before)) for _ in range(before)] for _ in range(size)]
    return rows, [single(0.3 * scale * rng.gauss(0, 1)) for _ in range(size)]


def random_layers(rng, before, classes):
    layers = []
    scale = rng.uniform(0.7, 2.5)
    for size in [rng.randint(2, 6) for _ in range(rng.randint(1, 3))] + [classes]:
        layers.append(random_layer(rng, before, size, scale))
        before = size
    return layers


def random_levels(rng, count):
    if rng.random() < 0.2:
        return [rng.choice([0, 255]) for _ in range(count)]
    if rng.random() < 0.1:
        return [rng.randrange(256)] * count
    return [rng.randrange(256) for _ in range(count)]


def random_question(rng):
    measure = rng.choices(["ssim", "mean", "linf", "l2"], [6, 1, 1, 1])[0]
    channels = 3 if measure == "mean" or rng.random() < 0.1 else 1
    side = rng.randint(2, 4 if channels == 1 else 2)
    shape = (channels, side, rng.randint(2, side))
    size = channels * shape[1] * shape[2]
    classes = rng.randint(2, 4)
    conv, pool, before = None, (1, 1), size
    if rng.random() < 0.15:
        kernels, biases = random_layer(rng, 4 * channels, 2, 1.5)
        pool = (rng.randint(1, shape[1] - 1), rng.randint(1, shape[2] - 1))
        conv, before = (kernels, biases), 2 * (shape[1] - pool[0]) * (shape[2] - pool[1])
    net = {"shape": shape, "conv": conv, "pool": pool, "layers": random_layers(rng, before, classes)}
    limit = rng.choice(TAUS if measure in ("ssim", "mean") else RADII[measure])
    return Question("random", shape, net, random_levels(rng, size), measure, limit)


def near_the_boundary(rng):
    """The label's score is moved so that the smallest margin that a search of members meets comes close to zero."""
    question = random_question(rng)
    best = min(question.plain_margin(question.member(rng)) for _ in range(40))
    rows, biases = question.net["layers"][-1]
    distance = rng.choice([1, -1]) * 10 ** rng.uniform(-5, -0.5)
    biases[question.label] = single(biases[question.label] - best + distance)
    return question.changed("boundary")


def planted(rng):
    """A network with one small dent: y_1 = K relu(e - sum |x_i - p_i|) reaches above y_0 = 1 close to p alone."""
    while True:
        plain = random_question(rng)
        if plain.net["conv"] or plain.limit == "1":
            continue
        p = [single(v) for v in plain.member(rng)]
        if plain.holds(p):
            break
    count = len(p)
    exponent = rng.randint(2, 20)
    classes = rng.randint(2, 3)
    first = [[1.0 if j == i else 0.0 for j in range(count)] for i in range(count)]
    first += [[-v for v in row] for row in first]
    biases = [-v for v in p] + list(p)
    distance = [-1.0] * (2 * count)
    top = [[0.0], [2.0**exponent * (1 + 2.0**-10)], [0.0]][:classes]
    layers = [(first, biases), ([distance], [2.0**-exponent]), (top, [1.0, 0.0, 0.5][:classes])]
    question = Question("planted", plain.shape, {"shape": plain.shape, "conv": None, "pool": (1, 1), "layers": layers},
                        plain.levels, plain.measure, plain.limit)  # fmt: skip
    question.label = 0
    question.planted = p
    assert question.holds(p) and question.margin(p) <= 0
    return question


def make(seed):
    rng = random.Random(seed)
    kind = rng.choices([random_question, near_the_boundary, planted], [5, 3, 2])[0]
    question = kind(rng)
    question.arithmetic = "float32" if seed % 4 == 3 else "exact"
    return question, rng
