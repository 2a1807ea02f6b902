"""What repair is measured on: experiments for `verissim run`, made from data and networks on this disk."""

import csv
import dataclasses
import itertools
import pathlib

import datasets
import suites

SIGNS = (2, 7, 14, 17, 36)  # the classes of the original tool's experiments with traffic signs
SEEDS = (1, 2, 3)
REFERENCES = 10  # of each full-size network


@dataclasses.dataclass(frozen=True)
class Place:
    """Where things are, and where networks trained on the way and images go."""

    data: pathlib.Path
    networks: pathlib.Path
    out: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Experiment:
    name: str  # of its folder
    group: str  # the line of the table that it counts to
    config: dict  # all but path, method, threads


@dataclasses.dataclass(frozen=True)
class Row:
    what: str
    experiments: object  # of a Place
    drawdown: float  # wanted: points of accuracy lost, at most
    seconds: float  # wanted, at most: the median of single runs; of full-size networks, the run's
    unseen: object = None  # of a Place: images that no repair has seen, (path, class) each

    def budget(self):
        """Settings of repair that hold a run to the row's time; of short runs it is the median that counts."""
        if self.unseen is None:
            return {"timeout": 12 * self.seconds}
        return {"timeout": self.seconds, "budget": self.seconds}


def config_of(place, shape, reference, model, threshold, timeout, seed=1):
    return {
        "dimension": shape,
        "ri": reference,
        "model": model,
        "minlp": {"distance": "ssim", "threshold": float(threshold), "timeout": timeout, "tolerance": 6},
        "seed": seed,
    }


def original(place):
    """The original tool's setting: one reference a run, networks of 18 neurons that are trained at the first of a
    seed's runs."""
    settings = (
        ("mnist", "MNIST", [1, 4, 4], suites.DIGITS, place.data / "mnist", "{}.png"),
        ("gtsrb", "GTSRB", [3, 4, 4], SIGNS, place.data, "{:05}.png"),
    )
    for (name, dataset, shape, classes, data, file), threshold in itertools.product(settings, ("0.98", "0.99")):
        for seed, (output, label) in itertools.product(SEEDS, enumerate(classes)):
            reference = {"path": str(place.data / "ri" / name / file.format(label)), "class_idx": output}
            model = {
                "dataset": dataset, "hidden_layer": [6, 6, 6], "load_model": True,
                "path": str(place.out / "models" / f"{name}-{seed}"), "data_path": str(data),
                "selected_classes": list(classes), "epochs": 50, "batch_size": 64,
            }  # fmt: skip
            config = config_of(place, shape, reference, model, threshold, 60, seed)
            yield Experiment(f"{name}-{threshold}-s{seed}-c{label}", f"{name} {threshold}", config)


def digits(place):
    """(path, class): the reference digits, then test images, one of each digit in turn."""
    for output, digit in enumerate(suites.DIGITS):
        yield place.data / "ri" / "mnist" / f"{digit}.png", output
    selection = suites.Selection(place.data, place.networks, ("28x28",), suites.DIGITS)
    for _, _, image, output, _ in suites.digit_images(selection):
        yield image, output


def right_images(name):
    """(path, class) of the test images that train_networks.py found to be classified correctly."""

    def images(place):
        with open(place.networks / name / "images.csv", newline="") as file:
            for row in csv.DictReader(file):
                yield place.networks / name / row["image"], int(row["class"])

    return images


def references(images, place):
    chosen = itertools.islice(images(place), REFERENCES)
    return [{"path": str(path), "class_idx": output} for path, output in chosen]


def unseen(images):
    return lambda place: list(itertools.islice(images(place), REFERENCES, None))


def mnist(place):
    path = place.data / "models" / "mnist" / suites.MODELS["28x28"]
    model = {
        "dataset": "MNIST", "hidden_layer": [100, 100], "path": str(path), "data_path": str(place.data / "mnist"),
        "selected_classes": list(suites.DIGITS),
    }  # fmt: skip
    yield Experiment("mnist", "mnist 0.99", config_of(place, [1, 28, 28], references(digits, place), model, "0.99", 60))


def fashion(place):
    model = {
        "dataset": "FashionMNIST", "hidden_layer": [256, 256], "data_path": str(datasets.FASHION),
        "path": str(trained(place, "fashion", "*.pt")), "selected_classes": list(range(10)),
    }  # fmt: skip
    images = references(right_images("fashion"), place)
    yield Experiment("fashion", "fashion 0.998", config_of(place, [1, 28, 28], images, model, "0.998", 60))


def gtsrb(place):
    model = {
        "dataset": "GTSRB", "hidden_layer": [], "data_path": str(place.data),
        "path": str(trained(place, "gtsrb", "*.onnx")),
        "selected_classes": list(range(43)),
    }  # fmt: skip
    images = references(right_images("gtsrb"), place)
    yield Experiment("gtsrb", "gtsrb 0.999", config_of(place, [3, 32, 32], images, model, "0.999", 60))


def trained(place, name, pattern):
    found = sorted((place.networks / name).glob(pattern))
    if len(found) != 1:
        folder = place.networks / name
        raise FileNotFoundError(f"{folder}: no network, make it with bench/train_networks.py {name}")
    return found[0]


ROWS = {
    "original": Row("4x4 6-6-6 MNIST and 3x4x4 6-6-6 GTSRB, five references, tau 0.98 and 0.99, three seeds", original,
                    2.0, 10.0),
    "mnist": Row("28x28 100-100, ten references at once, tau 0.99", mnist, 1.0, 600.0, unseen(digits)),
    "fashion": Row("784-256-256-10, ten test images at once, tau 0.998", fashion, 1.0, 900.0,
                   unseen(right_images("fashion"))),
    "gtsrb": Row("two convolutions, ten test images at once, tau 0.999", gtsrb, 1.0, 1200.0,
                 unseen(right_images("gtsrb"))),
}  # fmt: skip
