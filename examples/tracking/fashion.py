"""A small network, trained on Fashion-MNIST (Debian's package dataset-fashion-mnist), and an image that it must keep."""

import gzip

import numpy
import torch

DATA = "/usr/share/datasets/fashion-mnist"


def read(name, header):
    with gzip.open(f"{DATA}/{name}") as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=header)


def images(part, count):
    """Images of 7 x 7 pixels, 1 x 7 x 7 each, and their classes."""
    pixels = read(f"{part}-images-idx3-ubyte.gz", 16)[: count * 784].reshape(-1, 1, 28, 28)
    labels = read(f"{part}-labels-idx1-ubyte.gz", 8)[:count]
    small = torch.nn.functional.avg_pool2d(torch.from_numpy(pixels / numpy.float32(255)), 4)
    return torch.utils.data.TensorDataset(small, torch.from_numpy(labels.astype(numpy.int64)))


def loaders():
    return (
        torch.utils.data.DataLoader(images("train", 2000), batch_size=64, shuffle=True),
        torch.utils.data.DataLoader(images("t10k", 1000), batch_size=500),
    )


def trained(loader, epochs=6):
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(49, 24), torch.nn.ReLU(), torch.nn.Linear(24, 10))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.005)
    for _ in range(epochs):
        for batch, labels in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(batch), labels).backward()
            optimizer.step()
    return network.eval()


def reference(network):
    """The first test image that the network gets right, and its class."""
    for image, label in images("t10k", 100):
        if int(network(image[None]).argmax()) == int(label):
            return image, int(label)
    raise SystemExit("the network gets none of 100 images right")
