"""Writes images and what Pillow makes of them, for the tests of src/image.

make_pillow_cases.py FOLDER COUNT SEED
    random cases: FOLDER/<i>.<png|ppm|pgm|npy>, FOLDER/<i>.expected.npy (float32, C x H x W)
    and FOLDER/cases.txt, one "<file> <C> <H> <W> <R> <G> <B>" a line, the last three being
    the background
make_pillow_cases.py --fixed
    prints the rows of pillow_cases.inc, which needs no Python to be used; for Pillow 13 or later
"""

import os
import sys

import numpy as np
import PIL
from PIL import Image

PIL_MAJOR = int(PIL.__version__.split(".")[0])
MODES = ["1", "L", "LA", "P", "PT", "RGB", "RGBA", "RGBT", "I;16", "npy"]


def experiment(picture, channels, height, width, background):
    """What an experiment does with a reference image, said with Pillow and NumPy."""
    if picture.mode == "I;16":  # Pillow's own conversion would clip all values above 255
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.mode in ("LA", "RGBA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        behind = Image.new("RGB", picture.size, background)
        behind.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
        picture = behind
    picture = picture.convert("L" if channels == 1 else "RGB")
    picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture).reshape(height, width, channels).transpose(2, 0, 1)
    return pixels.astype(np.float32) / np.float32(255)


def smooth_or_noise(random, height, width, channels):
    if random.random() < 0.5:
        return random.integers(0, 256, (height, width, channels), dtype=np.uint8)
    steps = random.integers(0, 256, (2, 2, channels), dtype=np.uint8)
    planes = [Image.fromarray(steps[:, :, c]).resize((width, height)) for c in range(channels)]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def random_picture(random, mode, height, width):
    if mode == "I;16":
        return Image.fromarray(random.integers(0, 65536, (height, width), dtype=np.uint16))
    channels = {"1": 1, "L": 1, "LA": 2, "RGBA": 4}.get(mode, 3)
    pixels = smooth_or_noise(random, height, width, channels)
    picture = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    if mode == "1":
        return picture.convert("1")
    if mode in ("P", "PT"):
        return picture.quantize(int(random.integers(1, 257)))
    return picture


def save(random, picture, mode, stem):
    if mode == "npy":
        np.save(stem + ".npy", np.asarray(picture))
        return stem + ".npy"
    if mode in ("L", "RGB") and random.random() < 0.4:
        name = stem + (".pgm" if mode == "L" else ".ppm")
        picture.save(name)
        return name
    extra = {}
    if mode == "PT":
        extra["transparency"] = 0
    if mode == "RGBT":
        extra["transparency"] = picture.getpixel((0, 0))
    picture.save(stem + ".png", **extra)
    return stem + ".png"


def write_cases(folder, count, seed):
    random = np.random.default_rng(seed)
    lines = []
    for case in range(count):
        mode = MODES[case % len(MODES)]
        height, width, to_height, to_width = (int(v) for v in random.integers(1, 61, 4))
        if case % 7 == 0:
            to_height = height
        if case % 11 == 0:
            to_width = width
        if PIL_MAJOR < 13 and 0 < height - to_height > 2 * (width - to_width):
            to_height = height  # earlier versions resize such images in another order
        channels = int(random.choice([1, 3]))
        background = tuple(int(v) for v in random.integers(0, 256, 3)) if case % 3 == 0 else (0, 0, 0)
        picture = random_picture(random, mode, height, width)
        name = save(random, picture, mode, os.path.join(folder, str(case)))
        picture = Image.fromarray(np.load(name)) if mode == "npy" else Image.open(name)
        expected = experiment(picture, channels, to_height, to_width, background)
        np.save(os.path.join(folder, f"{case}.expected.npy"), np.ascontiguousarray(expected))
        line = [os.path.basename(name), channels, to_height, to_width, *background]
        lines.append(" ".join(map(str, line)))
    with open(os.path.join(folder, "cases.txt"), "w") as out:
        out.write("\n".join(lines) + "\n")


def noise(seed, count):
    """The linear congruential generator that resize_test.cpp has too."""
    values = []
    for _ in range(count):
        seed = (1103515245 * seed + 12345) % 2**31
        values.append((seed >> 16) & 255)
    return np.array(values, dtype=np.uint8)


FIXED = [(1, 28, 28, 4, 4), (1, 28, 28, 3, 7), (3, 30, 29, 4, 4), (3, 5, 4, 5, 3), (3, 4, 5, 2, 5),
         (1, 3, 2, 5, 7), (1, 1, 1, 3, 2), (3, 96, 110, 2, 3), (1, 7, 7, 7, 7), (1, 1, 64, 1, 5),
         (1, 40, 20, 9, 5), (1, 44, 20, 9, 5), (3, 30, 6, 4, 9)]


def print_fixed():
    print("// Made by make_pillow_cases.py --fixed: a seed; channels, height and width of noise(seed);")
    print("// the height and width to which Pillow resizes it; Pillow's pixels.")
    for seed, (channels, height, width, to_height, to_width) in enumerate(FIXED, start=1):
        pixels = noise(seed, height * width * channels).reshape(height, width, channels)
        picture = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
        resized = np.asarray(picture.resize((to_width, to_height), Image.Resampling.BILINEAR))
        values = ", ".join(map(str, resized.reshape(-1)))
        print(f"{{{seed}, {channels}, {height}, {width}, {to_height}, {to_width}, {{{values}}}}},")


if __name__ == "__main__":
    if sys.argv[1:] == ["--fixed"]:
        print_fixed()
    else:
        write_cases(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
