"""The export for alpha-beta-CROWN: the networks in onnxruntime, the property and the ball at sample points."""

import decimal
import functools
import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import bench_path
import packages

packages.need("numpy", "torch", "PIL", "onnx", "onnxruntime")

import numpy  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
import torch  # noqa: E402

import export_abcrown  # noqa: E402
import question  # noqa: E402


def parse(text):
    """The S-expressions of a VNN-LIB file as nested lists."""
    words = re.findall(r"[()]|[^\s()]+", re.sub(r";.*", "", text))
    stack = [[]]
    for word in words:
        if word == "(":
            stack.append([])
        elif word == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(word)
    assert len(stack) == 1
    return stack[0]


def holds(term, x, y):
    if isinstance(term, str):
        if term[0] in "XY":
            return (x if term[0] == "X" else y)[int(term[2:])]
        return float(term)
    values = [holds(part, x, y) for part in term[1:]]
    return {
        "and": lambda: all(values),
        "or": lambda: any(values),
        ">=": lambda: values[0] >= values[1],
        "<=": lambda: values[0] <= values[1],
    }[term[0]]()


def satisfied(statements, x, y):
    return all(holds(statement[1], x, y) for statement in statements if statement[0] == "assert")


@functools.lru_cache
def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def outputs_of(path, x, shape):
    session = session_of(path)
    (given,) = session.get_inputs()
    (result,) = session.run(None, {given.name: x.astype(numpy.float32).reshape(1, *shape)})
    return result.reshape(-1).astype(numpy.float64)


def boundary_point(asked, rng, mean):
    """A point of the unclipped neighbourhood's boundary with this mean, in a random direction."""
    r, tau, count = asked.reference, float(asked.threshold), len(asked.reference)
    c1, c2 = float(question.C1), float(question.C2)
    light = (2 * mean * r.mean() + c1) / (mean**2 + r.mean() ** 2 + c1)
    s, z = min(1.0, tau / light), r - r.mean()
    direction = rng.normal(size=count)
    direction -= direction.mean()
    if rng.uniform() < 0.5:  # straight away from the reference, where the farthest points are
        direction = z
    rho = numpy.sqrt((1 - s) / s * (count * c2 + z @ z * (1 + s) / s))
    return mean + z / s + rho * direction / numpy.linalg.norm(direction)


class Exported(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.rng = numpy.random.default_rng(1)

    def dense(self, threshold="0.9"):
        """A network of 4x4 pixels as a .pt file."""
        generator, sizes, state, self.layers = torch.Generator().manual_seed(3), (16, 8, 3), {}, []
        for index, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
            weight = torch.randn(fan_out, fan_in, generator=generator)
            bias = torch.randn(fan_out, generator=generator)
            state |= {f"sequential.{2 * index}.weight": weight, f"sequential.{2 * index}.bias": bias}
            self.layers.append((weight.double().numpy(), bias.double().numpy()))
        path = self.folder / "model_i1x4x4_l8_o3.pt"
        torch.save(state, path)
        reference = self.rng.uniform(size=16).astype(numpy.float32).astype(numpy.float64)
        label = int(question.evaluate(self.layers, reference).argmax())
        return question.Question(path, (1, 4, 4), reference, label, threshold)

    def samples(self, asked):
        """Images in [0, 1] near and far."""
        for _ in range(400):
            noise = self.rng.normal(size=len(asked.reference)) * self.rng.choice([0.001, 0.05, 0.2, 0.5])
            yield numpy.clip(asked.reference + noise, 0, 1).astype(numpy.float32).astype(numpy.float64)

    def test_the_last_output_is_the_ssim_less_the_threshold(self):
        asked = self.dense()
        export_abcrown.write(asked, self.folder, 60)
        for x in self.samples(asked):
            y = outputs_of(self.folder / "ssim.onnx", x, asked.shape)
            self.assertEqual(len(y), 4)
            self.assertAlmostEqual(y[3], question.global_ssim(x, asked.reference) - 0.9, delta=2e-6)
            numpy.testing.assert_allclose(y[:3], question.evaluate(self.layers, x), atol=1e-4)
            numpy.testing.assert_array_equal(y[:3], outputs_of(self.folder / "network.onnx", x, asked.shape))

    def test_onnx_networks_with_convolutions_and_colours_are_extended(self):
        torch.manual_seed(1)
        layers = torch.nn.Conv2d(3, 4, 3, stride=2), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(36, 5)
        network = torch.nn.Sequential(*layers).eval()
        path = self.folder / "signs.onnx"
        torch.onnx.export(network, (torch.zeros(1, 3, 8, 8),), str(path), dynamo=False)
        reference = self.rng.uniform(size=192).astype(numpy.float32).astype(numpy.float64)
        asked = question.Question(path, question.shape_of(path), reference, 2, "0.99")
        self.assertEqual(asked.shape, (3, 8, 8))
        export_abcrown.write(asked, self.folder / "out", 60)
        onnx.checker.check_model(str(self.folder / "out" / "ssim.onnx"), full_check=True)
        for x in list(self.samples(asked))[:40]:
            y = outputs_of(self.folder / "out" / "ssim.onnx", x, asked.shape)
            self.assertAlmostEqual(y[5], question.global_ssim(x, reference) - 0.99, delta=2e-6)
            with torch.no_grad():
                scores = network(torch.from_numpy(x.astype(numpy.float32)).reshape(1, 3, 8, 8)).reshape(-1)
            numpy.testing.assert_allclose(y[:5], scores.numpy(), atol=1e-5)

    def test_the_property_is_satisfied_by_counterexamples_alone(self):
        asked = self.dense("0.5")
        export_abcrown.write(asked, self.folder, 60)
        statements = parse((self.folder / "ssim.vnnlib").read_text())
        self.assertEqual(sum(s[0] == "declare-const" for s in statements), 16 + 4)
        seen = set()
        for x in self.samples(asked):
            y = outputs_of(self.folder / "ssim.onnx", x, asked.shape)
            excess = question.global_ssim(x, asked.reference) - 0.5
            scores = question.evaluate(self.layers, x)
            margin = scores[asked.label] - max(numpy.delete(scores, asked.label))
            if min(abs(excess), abs(margin)) > 1e-4:
                self.assertEqual(satisfied(statements, x, y), excess > 0 > margin)
                seen.add((excess > 0, margin > 0))
        self.assertEqual(len(seen), 4)

    def test_ball_and_box_enclose_the_neighbourhood_and_the_ball_closely(self):
        for threshold in ("0.9", "0.99", "0.9999"):
            asked = self.dense(threshold)
            radius = export_abcrown.write(asked, self.folder, 60)
            statements = parse((self.folder / "ssim.vnnlib").read_text())
            box = [s for s in statements if s[0] == "assert" and s[1][0] != "or"]
            self.assertEqual(len(box), 32)
            farthest = 0.0
            facts = asked.reference.mean(), threshold, question.C1
            low, high = map(float, question.means_within(*map(decimal.Decimal, facts)))
            for mean in self.rng.uniform(low, high, 1000):
                x = boundary_point(asked, self.rng, mean)
                self.assertAlmostEqual(question.global_ssim(x, asked.reference), float(threshold), delta=1e-9)
                farthest = max(farthest, float(numpy.linalg.norm(x - asked.reference)))
                clipped = numpy.clip(x, 0, 1)
                if question.global_ssim(clipped, asked.reference) >= float(threshold):
                    self.assertTrue(all(holds(s[1], clipped, []) for s in box))
            self.assertLessEqual(farthest, radius)
            self.assertGreater(farthest, 0.98 * float(radius))

    def test_the_config_of_the_ball_names_files_that_are_there(self):
        asked = self.dense("0.99")
        radius = export_abcrown.write(asked, self.folder, 90)
        config = (self.folder / "ball.yaml").read_text()
        epsilon = float(re.search(r"^  epsilon: (\S+)$", config, re.MULTILINE).group(1))
        self.assertGreaterEqual(numpy.float32(epsilon), radius)
        self.assertLess(epsilon, float(radius) * (1 + 1e-6))
        self.assertEqual(epsilon, float(numpy.float32(epsilon)))
        spec = importlib.util.spec_from_file_location("ball_data", self.folder / "ball_data.py")
        loader = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loader)
        x, labels, high, low, found = loader.reference({"epsilon": epsilon})
        self.assertEqual((x.shape, x.dtype, labels.tolist()), ((1, 1, 4, 4), torch.float32, [asked.label]))
        numpy.testing.assert_array_equal(x.double().reshape(-1).numpy(), asked.reference)
        self.assertEqual((found.item(), low.item(), high.item()), (epsilon, 0.0, 1.0))
        for name in re.findall(r"_path: (\S+)", config + (self.folder / "ssim.yaml").read_text()):
            self.assertTrue((self.folder / name).exists(), name)
        self.assertIn("timeout: 90", config)

    def test_bad_questions_are_told_in_one_line(self):
        asked = self.dense()
        numpy.save(self.folder / "x.npy", asked.reference.astype(numpy.float32).reshape(1, 4, 4))
        command = [sys.executable, "-B", bench_path.BENCH / "export_abcrown.py", "--model", asked.model]
        command += ["--image", self.folder / "x.npy", "--ssim", "0.9", "--out", self.folder / "out", "--class"]
        done = subprocess.run([*map(str, command), "0"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("radius", done.stdout)
        done = subprocess.run([*map(str, command), "3"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))


if __name__ == "__main__":
    unittest.main()
