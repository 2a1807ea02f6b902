#!/usr/bin/env python3
"""Writes tau.png, the pictures of docs/guide-choosing-tau.md, beside itself or into a given folder:

    docs/pictures/make.py [FOLDER]

A row for each way to change an image, a column for each SSIM: first the reference, then images that have just that
global SSIM to it (or the row's farthest image, where that is more similar). Needs the package verissim, NumPy, Pillow, and Debian's dataset-fashion-mnist.
"""

import gzip
import pathlib
import sys

import numpy
import PIL.Image
import PIL.ImageFilter

import verissim

IMAGES = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
TAUS = (0.999, 0.99, 0.98, 0.95, 0.9, 0.7)
ZOOM, GAP = 3, 4


def image_of(index):
    """An image of the test set, 28 x 28 values from 0 to 1."""
    with gzip.open(IMAGES) as file:
        file.seek(16 + index * 784)
        return numpy.frombuffer(file.read(784), numpy.uint8).reshape(28, 28) / 255


def blurred(image):
    pixels = PIL.Image.fromarray(numpy.uint8(numpy.round(image * 255)))
    return numpy.asarray(pixels.filter(PIL.ImageFilter.GaussianBlur(3))) / 255


def targets(image):
    """Where each way of changing leads to: name and image. What is shown lies on the line to it."""
    noise = numpy.random.default_rng(1).uniform(0, 1, image.shape)
    patch = image.copy()
    patch[3:9, 3:9] = 1
    return {"noise": noise, "brighter": numpy.ones_like(image), "blur": blurred(image), "a patch": patch}


def similarity(image, other):
    return verissim.ssim(numpy.float32(image)[None], numpy.float32(other)[None], convention="global")


def at(image, target, tau):
    """The farthest image on the line to the target with SSIM at least tau."""
    low, high = 0.0, 1.0
    if similarity(image, target) >= tau:
        return target
    for _ in range(30):
        middle = (low + high) / 2
        inside = similarity(image, image + middle * (target - image)) >= tau
        low, high = (middle, high) if inside else (low, middle)
    return image + low * (target - image)


def sheet(image):
    """The picture, and for each row the root mean square differences in grey levels of 255."""
    rows, levels = [], {}
    for name, target in targets(image).items():
        row = [image] + [at(image, target, tau) for tau in TAUS]
        levels[name] = [255 * float(numpy.sqrt(((one - image) ** 2).mean())) for one in row[1:]]
        enlarged = [numpy.kron(one, numpy.ones((ZOOM, ZOOM))) for one in row]
        framed = [numpy.pad(one, ((0, GAP), (0, GAP)), constant_values=0.5) for one in enlarged]
        rows.append(numpy.concatenate(framed, axis=1))
    return numpy.concatenate(rows), levels


def main(arguments):
    folder = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent
    picture, levels = sheet(image_of(0))
    PIL.Image.fromarray(numpy.uint8(numpy.round(picture * 255))).save(folder / "tau.png", optimize=True)
    print("rms difference in grey levels at", *TAUS)
    for name, values in levels.items():
        print(f"{name}:", *(f"{value:.1f}" for value in values))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
