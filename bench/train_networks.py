#!/usr/bin/env python3
"""Trains the networks of the suites 'fashion' and 'gtsrb', and one for measuring kernels. Minutes on one core.

    .venv/bin/python bench/train_networks.py                       # all, into bench/networks
    .venv/bin/python bench/train_networks.py fashion gtsrb --out /somewhere/else

Each network gets a folder with the network, training.json (accuracy, settings), and the first 100 test images that it
classifies correctly: images/*.png at the network's size, and images.csv with the columns image and class. The seed is
fixed: the same PyTorch on the same machine gives the same networks.
"""

import argparse
import csv
import dataclasses
import io
import json
import math
import pathlib
import time

import numpy
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

import datasets
import signs

IMAGES = 100  # correctly classified test images that are written for each network
C2 = 9e-4  # of SSIM


class Mlp(nn.Module):
    """Keys of the state_dict as the original tool writes them: sequential.0.weight and so on."""

    def __init__(self, sizes):
        super().__init__()
        layers = []
        for i, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
            layers += [nn.ReLU()] if i else []
            layers.append(nn.Linear(fan_in, fan_out))
        self.sequential = nn.Sequential(*layers)

    def forward(self, x):
        return self.sequential(x.flatten(1))


def idx_tensors(folder, split):
    height, width, images, labels = datasets.read_idx(folder, split)
    pixels = torch.frombuffer(bytearray(b"".join(images)), dtype=torch.uint8)
    return pixels.reshape(len(images), 1, height, width), torch.tensor(labels)


def gtsrb_tensors(data, split):
    """Resized as the program does it, which is Pillow's way."""
    images, labels = zip(*datasets.read_gtsrb(data, split))
    small = [Image.open(io.BytesIO(image)).convert("RGB").resize((32, 32), Image.BILINEAR) for image in images]
    pixels = torch.from_numpy(numpy.stack([numpy.asarray(image) for image in small]))
    return pixels.permute(0, 3, 1, 2).contiguous(), torch.tensor(labels)


def in_unit(pixels):
    return pixels.to(torch.float32) / torch.tensor(255, dtype=torch.float32)


def ssim_radius(x, tau):
    """The radius of the SSIM neighbourhood's largest ball, around each image."""
    flat = x.flatten(1)
    spread = (flat - flat.mean(1, keepdim=True)).square().sum(1)
    return ((1 - tau) / tau * (flat.shape[1] * C2 + spread * (1 + tau) / tau)).sqrt()


def worst(network, x, labels, tau, steps):
    """Projected gradient ascent in the L2 ball that is as large as the SSIM neighbourhood, cut with [0, 1]."""
    radius = ssim_radius(x, tau).view(-1, 1, 1, 1)
    start = torch.randn_like(x)
    delta = start / start.flatten(1).norm(dim=1).view(-1, 1, 1, 1) * radius * torch.rand(len(x), 1, 1, 1)
    for _ in range(steps):
        delta.requires_grad_(True)
        loss = functional.cross_entropy(network((x + delta).clamp(0, 1)), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, delta)
        length = gradient.flatten(1).norm(dim=1).clamp_min(1e-12).view(-1, 1, 1, 1)
        delta = delta.detach() + 2.5 / steps * radius * gradient / length
        outside = delta.flatten(1).norm(dim=1).view(-1, 1, 1, 1) / radius
        delta = delta / outside.clamp_min(1)
    return (x + delta).clamp(0, 1)


@dataclasses.dataclass
class Recipe:
    data: str  # MNIST, FashionMNIST or GTSRB
    hidden: tuple  # of an Mlp; empty: that of signs.py
    epochs: int
    tau: float = 0.0  # of adversarial training; 0: natural
    steps: int = 4
    batch: int = 128
    smoothing: float = 0.0
    decay: float = 0.0
    lipschitz: bool = False  # instead: every image of the ball is to be classified by what the layers' norms say

    def network(self):
        if self.lipschitz:
            return signs.plain_network()
        return Mlp((784, *self.hidden, 10)) if self.hidden else signs.network()

    def tensors(self, data, split):
        if self.data == "GTSRB":
            return gtsrb_tensors(data, split)
        return idx_tensors(datasets.FASHION if self.data == "FashionMNIST" else datasets.mnist_folder(data), split)


RECIPES = {
    "fashion": Recipe("FashionMNIST", (256, 256), 10),
    "fashion_adv": Recipe("FashionMNIST", (256, 256), 6, 0.995),
    "gtsrb": Recipe("GTSRB", (), 200, batch=64, smoothing=0.1, decay=1e-4),
    "gtsrb_adv": Recipe("GTSRB", (), 160, 0.9995, steps=2, batch=64, decay=1e-4),
    "gtsrb_lipschitz": Recipe("GTSRB", (), 240, 0.99995, batch=64, lipschitz=True),
    "mnist_6x256": Recipe("MNIST", (256,) * 6, 15),
}


def picked(recipe, labels):
    """The order of an epoch. Signs are drawn so that every class is seen equally often."""
    if recipe.data != "GTSRB":
        return torch.randperm(len(labels))
    return torch.multinomial((1 / torch.bincount(labels))[labels], len(labels), replacement=True)


def train(recipe, pixels, labels):
    network = recipe.network()
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=recipe.decay)
    steps = recipe.epochs * math.ceil(len(pixels) / recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    lipschitz = signs.Lipschitz(network, (3, signs.SIDE, signs.SIDE)) if recipe.lipschitz else None
    for epoch in range(recipe.epochs):
        start, total = time.time(), 0.0
        for chosen in picked(recipe, labels).split(recipe.batch):
            x, y = in_unit(pixels[chosen]), labels[chosen]
            if recipe.data == "GTSRB":
                x = signs.altered(x)
            if recipe.tau > 0 and not lipschitz:
                x = worst(network, x, y, recipe.tau, recipe.steps)
            optimiser.zero_grad()
            scores = network(x)
            if lipschitz:  # the radius grows in the first half
                radius = ssim_radius(x, recipe.tau) * min(1.0, 2 * epoch / recipe.epochs)
                scores = scores + radius[:, None] * lipschitz.of_differences(y)
            loss = functional.cross_entropy(scores, y, label_smoothing=recipe.smoothing)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(chosen)
        if (epoch + 1) % 10 == 0 or epoch + 1 == recipe.epochs:
            print(
                f"  epoch {epoch + 1}: loss {total / len(pixels):.4f}, {time.time() - start:.1f} s an epoch", flush=True
            )
    return network.eval() if recipe.hidden else signs.folded(network)


def answers(network, pixels):
    with torch.no_grad():
        return torch.cat([network(in_unit(part)).argmax(1) for part in pixels.split(1000)])


def save(network, recipe, folder):
    if recipe.hidden:
        hidden = "-".join(map(str, recipe.hidden))
        path = folder / f"model_i1x28x28_l{hidden}_o10.pt"
        torch.save(network.state_dict(), path)
        return path
    path = folder / "network.onnx"
    torch.onnx.export(network, (torch.zeros(1, 3, 32, 32),), str(path), dynamo=False)
    return path


def order_of_images(recipe, count):
    """The list of GTSRB's test images is sorted by class: the first hundred would be five kinds of signs."""
    if recipe.data != "GTSRB":
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))


def write_images(folder, pixels, labels, right, order):
    (folder / "images").mkdir(exist_ok=True)
    _, channels, height, width = pixels.shape
    with open(folder / "images.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "class"])
        for index in order[right[order]].tolist()[:IMAGES]:
            name = f"images/{index:05}.png"
            interleaved = pixels[index].permute(1, 2, 0).contiguous().numpy().tobytes()
            datasets.write_png(folder / name, height, width, channels, interleaved)
            writer.writerow([name, int(labels[index])])


def make(name, out, data, seed):
    recipe = RECIPES[name]
    print(name, flush=True)
    torch.manual_seed(seed)
    start = time.time()
    network = train(recipe, *recipe.tensors(data, "train"))
    pixels, labels = recipe.tensors(data, "test")
    right = answers(network, pixels) == labels
    folder = pathlib.Path(out) / name
    folder.mkdir(parents=True, exist_ok=True)
    path = save(network, recipe, folder)
    write_images(folder, pixels, labels, right, order_of_images(recipe, len(labels)))
    facts = {"test_accuracy": round(right.double().mean().item(), 4), "test_images": len(labels), "seed": seed}
    facts |= {"torch": torch.__version__, "seconds": round(time.time() - start, 1), **dataclasses.asdict(recipe)}
    (folder / "training.json").write_text(json.dumps(facts, indent=2) + "\n")
    print(f"{path}: {facts['test_accuracy']:.2%} of {len(labels)} test images, {facts['seconds']} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; all if none is named")
    parser.add_argument("--out", default=pathlib.Path(__file__).parent / "networks", help="folder for the networks")
    parser.add_argument("--data", default=datasets.DATA, help="folder with mnist/ and gtsrb/")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(RECIPES)
    if unknown:
        parser.error(f"no such network: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    for name in arguments.names or RECIPES:
        make(name, arguments.out, arguments.data, arguments.seed)


if __name__ == "__main__":
    main()
