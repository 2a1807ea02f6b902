#!/usr/bin/env python3
"""Writes one image of MNIST's or Fashion-MNIST's test set as a PNG file.

    make_reference.py FOLDER INDEX OUT.png

FOLDER holds t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, packed (.gz) or not; the label is printed.
Only Python's standard library is used.
"""
import gzip
import os
import struct
import sys
import zlib


def read_idx(folder, name):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        with open(path, "rb") as file:
            return file.read()
    with gzip.open(path + ".gz", "rb") as file:
        return file.read()


def png(width, height, pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[i * width:(i + 1) * width] for i in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits, grey
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    folder, index, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    images = read_idx(folder, "t10k-images-idx3-ubyte")
    labels = read_idx(folder, "t10k-labels-idx1-ubyte")
    count, height, width = struct.unpack(">III", images[4:16])
    if not 0 <= index < count:
        sys.exit(f"INDEX: got {index}, wanted 0 to {count - 1}")
    start = 16 + index * height * width
    with open(out, "wb") as file:
        file.write(png(width, height, images[start:start + height * width]))
    print(f"{out}: test image {index}, class {labels[8 + index]}")


if __name__ == "__main__":
    main()
