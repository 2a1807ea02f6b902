"""The images that networks are trained and measured on: MNIST's idx files, GTSRB's archives."""

import csv
import gzip
import io
import pathlib
import struct
import zipfile
import zlib

DATA = pathlib.Path(__file__).resolve().parent.parent.parent / "shared" / "data"
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts it
SPLITS = {"train": "train", "test": "t10k"}
GTSRB_ARCHIVES = {"train": "GTSRB-Training_fixed.zip", "test": "GTSRB_Final_Test_Images.zip"}
GTSRB_LABELS = "GTSRB_Final_Test_GT.zip"


def read_idx(folder, split):
    """(height, width, [the bytes of each image], [labels]) of MNIST or Fashion-MNIST."""
    images, labels = (read_packed(folder, f"{SPLITS[split]}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
    magic, count, height, width = struct.unpack(">IIII", images[:16])
    if magic != 0x803 or len(images) != 16 + count * height * width or len(labels) != 8 + count:
        raise ValueError(f"{folder}: these are no idx files of images and their labels")
    size = height * width
    return height, width, [images[16 + i * size : 16 + (i + 1) * size] for i in range(count)], list(labels[8:])


def read_packed(folder, name):
    path = pathlib.Path(folder) / name
    if path.exists():
        return path.read_bytes()
    return gzip.decompress(path.with_name(name + ".gz").read_bytes())


def mnist_folder(data):
    return pathlib.Path(data) / "mnist" / "MNIST" / "raw"


def read_gtsrb(data, split):
    """Pairs of a PPM file's bytes and its class, in the order of the archive or of the list of test images."""
    folder = pathlib.Path(data) / "gtsrb"
    with zipfile.ZipFile(folder / GTSRB_ARCHIVES[split]) as archive:
        names = [name for name in archive.namelist() if name.endswith(".ppm")]
        if split == "train":
            return [(archive.read(name), int(pathlib.PurePosixPath(name).parts[-2])) for name in names]
        by_name = {pathlib.PurePosixPath(name).name: name for name in names}
        return [(archive.read(by_name[name]), label) for name, label in gtsrb_labels(folder)]


def gtsrb_labels(folder):
    with zipfile.ZipFile(folder / GTSRB_LABELS) as archive:
        (name,) = archive.namelist()
        text = io.StringIO(archive.read(name).decode())
    return [(row["Filename"], int(row["ClassId"])) for row in csv.DictReader(text, delimiter=";")]


def write_png(path, height, width, channels, pixels):
    """Writes 8-bit pixels, grey (1 channel) or RGB (3 channels interleaved)."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = width * channels
    rows = b"".join(b"\0" + pixels[i * row : (i + 1) * row] for i in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    pathlib.Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + body)
