"""The suites: lists of instances, made from data and networks on this disk."""

import csv
import dataclasses
import itertools
import pathlib

import competition
import datasets
import instances

HERE = pathlib.Path(__file__).resolve().parent
DIGITS = (1, 3, 5, 7, 9)  # the classes of the networks in models/mnist, in the order of their outputs
MODELS = {
    "4x4": "model_i1x4x4_l6-6-6_o5.pt",
    "8x8": "model_i1x8x8_l20-20_o5.pt",
    "14x14": "model_i1x14x14_l50-50_o5.pt",
    "28x28": "model_i1x28x28_l100-100_o5.pt",
}
SECONDS_14 = 30.0
TEST_IMAGES = 50  # of each digit


@dataclasses.dataclass(frozen=True)
class Suite:
    what: str
    thresholds: tuple
    timeout: float
    images: object  # of a Selection: (group, model, image, class, seconds or None), the images in order
    region: str = "ssim"


@dataclasses.dataclass(frozen=True)
class Selection:
    """What add_selection reads."""

    data: pathlib.Path
    networks: pathlib.Path
    sizes: tuple
    digits: tuple


def reference_digits(selection):
    for size in selection.sizes or MODELS:
        model = selection.data / "models" / "mnist" / MODELS[size]
        for digit in selection.digits or DIGITS:
            image = selection.data / "ri" / "mnist" / f"{digit}.png"
            yield size, model, image, DIGITS.index(digit), None


def digit_images(selection):
    """The first test images of each digit, at 28x28; the program resizes them. One of each digit in turn."""
    folder = selection.networks / "mnist" / "images"
    digits = selection.digits or DIGITS
    files = write_digits(datasets.mnist_folder(selection.data), folder)
    for size in selection.sizes or ("14x14", "28x28"):
        model = selection.data / "models" / "mnist" / MODELS[size]
        for turn in range(TEST_IMAGES):
            for digit in digits:
                seconds = SECONDS_14 if size == "14x14" else None
                yield size, model, folder / files[digit][turn], DIGITS.index(digit), seconds


def write_digits(source, folder):
    """Names of PNG files by digit; those that are missing are written."""
    height, width, images, labels = datasets.read_idx(source, "test")
    folder.mkdir(parents=True, exist_ok=True)
    names = {digit: [] for digit in DIGITS}
    for index, (pixels, label) in enumerate(zip(images, labels)):
        if label in names and len(names[label]) < TEST_IMAGES:
            names[label].append(f"{index:05}.png")
            if not (folder / names[label][-1]).exists():
                datasets.write_png(folder / names[label][-1], height, width, 1, pixels)
    return names


def trained(*names):
    """The images of networks that train_networks.py has made."""

    def images(selection):
        for name in names:
            folder = selection.networks / name
            found = sorted(folder.glob("*.pt")) + sorted(folder.glob("*.onnx"))
            if len(found) != 1:
                raise FileNotFoundError(f"{folder}: no network, make it with bench/train_networks.py {name}")
            with open(folder / "images.csv", newline="") as file:
                for row in csv.DictReader(file):
                    yield name, found[0], folder / row["image"], int(row["class"]), None

    return images


SUITES = {
    "mnist-refs": Suite(
        "all networks of the data folder, its reference digits", ("0.9", "0.95", "0.98", "0.99", "0.999"), 60.0,
        reference_digits,
    ),
    "mnist-images": Suite(
        "14x14 and 28x28, 50 test images of each digit", ("0.999", "0.99", "0.98", "0.95"), 60.0, digit_images,
    ),
    "fashion": Suite(
        "Fashion-MNIST, 784-256-256-10, trained naturally and adversarially, 100 test images",
        ("0.9999", "0.999", "0.998", "0.995", "0.99"), 60.0, trained("fashion", "fashion_adv"),
    ),
    "gtsrb": Suite(
        "traffic signs, two convolutions, trained naturally, 100 test images", ("0.9999", "0.999", "0.99"), 120.0,
        trained("gtsrb"),
    ),
    "gtsrb-adv": Suite(
        "the same, trained adversarially", ("0.9999", "0.999", "0.99"), 120.0, trained("gtsrb_adv"),
    ),
    "gtsrb-lipschitz": Suite(
        "the same layers without batch norm, trained by the layers' norms", ("0.9999", "0.999", "0.99"), 120.0,
        trained("gtsrb_lipschitz"),
    ),
    "competition": Suite(
        "ONNX and VNN-LIB files of the verification competition", ("",), 120.0, competition.questions, instances.VNNLIB,
    ),
}  # fmt: skip


def select(name, selection, limit=None, thresholds=None, timeout=None, groups=None):
    """The instances of a suite, image after image; `limit` images of each network."""
    suite = SUITES[name]
    result = []
    for group, images in itertools.groupby(suite.images(selection), key=lambda image: image[0]):
        if groups and group not in groups:
            continue
        for _, model, image, label, seconds in itertools.islice(images, limit):
            for threshold in thresholds or suite.thresholds:
                limit_seconds = timeout or seconds or suite.timeout
                result.append(
                    instances.Instance(group, str(model), str(image), label, threshold, limit_seconds, suite.region)
                )
    return result


def add_selection(parser):
    described = "\n".join(
        f"  {name:13} {suite.what}; {', '.join(suite.thresholds)}".rstrip("; ") for name, suite in SUITES.items()
    )
    parser.epilog = "suites:\n" + described
    parser.add_argument("--list", help="a CSV file of instances instead: group, model, image, class, ssim")
    parser.add_argument("--data", type=pathlib.Path, default=datasets.DATA, help="folder with models/ and ri/")
    parser.add_argument("--networks", type=pathlib.Path, default=HERE / "networks", help="from train_networks.py")
    parser.add_argument("--sizes", nargs="+", choices=MODELS, help="of the MNIST networks")
    parser.add_argument("--digits", nargs="+", type=int, choices=DIGITS)
    parser.add_argument("--groups", nargs="+", help="only these networks of the suite")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N images of each network")
    parser.add_argument("--ssim", nargs="+", help="thresholds instead of the suite's")
    parser.add_argument("--timeout", type=float, help="seconds for each instance instead of the suite's")
    parser.add_argument("--threads", type=int, default=1)


def selected(arguments):
    if arguments.list:
        return list(instances.read_list(arguments.list, arguments.timeout or 60.0))
    selection = Selection(arguments.data, arguments.networks, arguments.sizes, arguments.digits)
    return select(
        arguments.suite, selection, arguments.limit, arguments.ssim, arguments.timeout, arguments.groups
    )  # fmt: skip
