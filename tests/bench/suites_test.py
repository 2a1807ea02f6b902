import argparse
import gzip
import pathlib
import struct
import tempfile
import unittest
import zlib

import bench_path  # noqa: F401
import datasets
import suites


def write_idx(folder, labels, side=2):
    """Test images whose pixels all are their number."""
    folder.mkdir(parents=True)
    pixels = b"".join(bytes([index % 256]) * side * side for index in range(len(labels)))
    images = struct.pack(">IIII", 0x803, len(labels), side, side) + pixels
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, len(labels)) + bytes(labels))


def png_pixels(path):
    """(width, height, pixels) of a grey PNG without filters, checked chunk by chunk."""
    data, chunks, place = path.read_bytes(), {}, 8
    while place < len(data):
        (size,) = struct.unpack(">I", data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        (crc,) = struct.unpack(">I", data[place + 8 + size : place + 12 + size])
        assert crc == zlib.crc32(kind + body)
        chunks[kind] = body
        place += 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    rows = zlib.decompress(chunks[b"IDAT"])
    return width, height, b"".join(rows[i * (width + 1) + 1 : (i + 1) * (width + 1)] for i in range(height))


class Suites(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.selection = suites.Selection(self.folder, self.folder / "networks", None, None)

    def make_network(self, name, count):
        folder = self.folder / "networks" / name
        folder.mkdir(parents=True)
        (folder / "net.onnx").write_bytes(b"")
        lines = [f"images/{index:05}.png,{index % 10}" for index in range(count)]
        (folder / "images.csv").write_text("\n".join(["image,class", *lines]) + "\n")

    def test_references_at_all_sizes_and_thresholds(self):
        found = suites.select("mnist-refs", self.selection)
        self.assertEqual(len(found), 4 * 5 * 5)
        self.assertEqual([i.class_index for i in found[::5][:5]], [0, 1, 2, 3, 4])
        self.assertTrue(found[5].image.endswith("3.png"))
        self.assertEqual({i.timeout for i in found}, {60.0})

    def test_fifty_images_of_each_digit_one_of_each_in_turn(self):
        write_idx(datasets.mnist_folder(self.folder), [index % 10 for index in range(600)])
        found = suites.select("mnist-images", self.selection)
        self.assertEqual(len(found), 2 * 250 * 4)
        small = [i for i in found if i.group == "14x14"]
        self.assertEqual({i.timeout for i in small}, {30.0})
        self.assertEqual([i.class_index for i in small[::4][:6]], [0, 1, 2, 3, 4, 0])
        self.assertEqual(len({i.image for i in small}), 250)
        self.assertEqual(png_pixels(pathlib.Path(small[4].image)), (2, 2, bytes([3] * 4)))

    def test_limits_count_images_of_each_network(self):
        self.make_network("fashion", 100)
        self.make_network("fashion_adv", 100)
        found = suites.select("fashion", self.selection, limit=3)
        self.assertEqual(len(found), 2 * 3 * 5)
        self.assertEqual(len({(i.group, i.image) for i in found}), 6)
        self.assertEqual([i.threshold for i in found[:5]], ["0.9999", "0.999", "0.998", "0.995", "0.99"])
        self.assertEqual(len(suites.select("fashion", self.selection)), 1000)
        self.assertEqual(len(suites.select("fashion", self.selection, groups=["fashion_adv"])), 500)

    def test_thresholds_and_time_limits_can_be_others(self):
        self.make_network("gtsrb", 4)
        (only,) = suites.select("gtsrb", self.selection, limit=1, thresholds=["0.5"], timeout=7.0)
        self.assertEqual((only.threshold, only.timeout, only.class_index), ("0.5", 7.0, 0))

    def test_a_network_that_is_missing_is_told_with_the_command_that_makes_it(self):
        with self.assertRaisesRegex(FileNotFoundError, "train_networks.py gtsrb"):
            suites.select("gtsrb", self.selection)

    def test_lists_are_relative_to_their_folder(self):
        path = self.folder / "list.csv"
        path.write_text("group,model,image,class,ssim,timeout\ng,m.pt,i.png,2,0.9,\ng,m.pt,j.png,1,0.8,5\n")
        parser = argparse.ArgumentParser()
        suites.add_selection(parser)
        first, second = suites.selected(parser.parse_args(["--list", str(path), "--timeout", "9"]))
        self.assertEqual((first.model, first.class_index, first.timeout), (str(self.folder / "m.pt"), 2, 9.0))
        self.assertEqual((second.threshold, second.timeout), ("0.8", 5.0))


if __name__ == "__main__":
    unittest.main()
