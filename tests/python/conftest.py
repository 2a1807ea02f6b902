"""Real images and small networks trained on them."""

import gzip
import pathlib

import numpy
import pytest

DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist


def read_idx(name, header, count):
    with gzip.open(DATA / name) as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=header)[: count or None]


def fashion(kind, count):
    """float32 images [count, 1, 28, 28] from 0 to 1, and labels."""
    if not DATA.exists():
        pytest.skip(f"no Fashion-MNIST in {DATA}")
    prefix = {"train": "train", "test": "t10k"}[kind]
    pixels = read_idx(f"{prefix}-images-idx3-ubyte.gz", 16, count * 784).reshape(-1, 1, 28, 28)
    labels = read_idx(f"{prefix}-labels-idx1-ubyte.gz", 8, count).astype(numpy.int64)
    return pixels.astype(numpy.float32) / numpy.float32(255), labels


class Fashion:
    """Images of 7 x 7 pixels and a network of 24 neurons that was trained on them."""

    def __init__(self):
        torch = pytest.importorskip("torch")
        torch.manual_seed(1)
        torch.set_num_threads(1)
        shrink = torch.nn.AvgPool2d(4)
        images, labels = fashion("train", 2000)
        self.images, self.labels = shrink(torch.from_numpy(images)), torch.from_numpy(labels)
        images, labels = fashion("test", 300)
        self.test_images, self.test_labels = shrink(torch.from_numpy(images)), torch.from_numpy(labels)
        self.network = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(49, 24), torch.nn.ReLU(), torch.nn.Linear(24, 10)
        )
        train(self.network, self.images, self.labels, 6)
        with torch.no_grad():
            right = self.network(self.test_images).argmax(1) == self.test_labels
        self.right = [k for k in range(len(right)) if right[k]]

    def reference(self, k):
        """The k-th of the test images that the network classifies correctly, and its class."""
        place = self.right[k]
        return self.test_images[place], int(self.test_labels[place])


def train(network, images, labels, epochs):
    import torch

    optimizer = torch.optim.Adam(network.parameters(), lr=0.005)
    generator = torch.Generator().manual_seed(1)
    network.train()
    for _ in range(epochs):
        for places in torch.randperm(len(images), generator=generator).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(images[places]), labels[places]).backward()
            optimizer.step()
    return network.eval()


@pytest.fixture(scope="session")
def small():
    return Fashion()


@pytest.fixture(scope="session")
def wide():
    """A network and an image whose exact threshold takes far longer than any test."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    layers = []
    for inputs in (784, 200, 200):
        layers += [torch.nn.Linear(inputs, 200), torch.nn.ReLU()]
    network = torch.nn.Sequential(torch.nn.Flatten(), *layers, torch.nn.Linear(200, 10))
    images, _ = fashion("test", 1)
    return network, images[0]
