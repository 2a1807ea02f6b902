"""Verdicts about float32 against the real PyTorch, which sums in orders of its own: float32_test.py PROGRAM

Counterexamples must be misclassified by PyTorch, one by one and in batches, on one and several threads, with and
without oneDNN. What is called robust must not be misclassified at any image that is met.
"""

import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))

import packages  # noqa: E402

packages.need("torch", "numpy")

import numpy  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "build/release/bin/verissim"


class Normalised(nn.Module):
    """As images are often prepared: within the network."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.25, 0.229, 0.225]).reshape(1, 3, 1, 1))

    def forward(self, x):
        return self.inner((x - self.mean) / self.std)


def randomise(model, seed):
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.1, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
        elif isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.kaiming_normal_(module.weight)
            nn.init.normal_(module.bias, std=0.2)
    return model.eval()


def dense(seed):
    return randomise(nn.Sequential(nn.Flatten(), nn.Linear(48, 12), nn.ReLU(), nn.Linear(12, 3)), seed)


def convolutional(seed):
    layers = [nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Conv2d(3, 4, 2), nn.ReLU(), nn.AvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)]
    return randomise(nn.Sequential(*layers), seed)


def evaluations(model, x):
    """The scores of one image, as PyTorch computes them in several ways."""
    for threads, onednn, batch in itertools.product((1, 3), (True, False), (1, 2, 17)):
        torch.set_num_threads(threads)
        with torch.no_grad(), torch.backends.mkldnn.flags(enabled=onednn):
            yield model(x.repeat(batch, 1, 1, 1))[-1]
    with torch.no_grad():
        yield model(x.contiguous(memory_format=torch.channels_last))[0]


class AgainstPyTorch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def ask(self, model, reference, label, threshold, arithmetic="float32"):
        numpy.save(self.folder / "image.npy", reference.numpy()[0])
        command = [PROGRAM, "verify", "--json", "--quiet", "--model", self.folder / "model.pt"]
        command += ["--image", self.folder / "image.npy", "--class", label, "--ssim", threshold, "--timeout", 20]
        command += ["--dimension", ",".join(map(str, reference.shape[1:])), "--threads", 1, "--arithmetic", arithmetic]
        ended = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        self.assertTrue(ended.stdout, ended.stderr)
        answer = json.loads(ended.stdout)
        self.assertEqual(answer["arithmetic"], arithmetic)
        return answer

    def lead(self, scores, label):
        rest = torch.cat([scores[:label], scores[label + 1 :]])
        return (scores[label] > rest.max()).item()

    def check(self, model, seed, save):
        """The verdicts at some thresholds; what they say, looked at by PyTorch."""
        save(model, self.folder / "model.pt")
        torch.manual_seed(1000 + seed)
        reference = torch.rand(1, 3, 4, 4)
        label = int(model(reference)[0].argmax())
        verdicts = set()
        for threshold in ("0.999", "0.98", "0.9", "0.7"):
            answer = self.ask(model, reference, label, threshold)
            verdicts.add(answer["verdict"])
            if answer["verdict"] == "not robust":
                values = numpy.array(answer["counterexample"])
                single = values.astype(numpy.float32)
                self.assertTrue((single.astype(numpy.float64) == values).all())
                for scores in evaluations(model, torch.tensor(single).reshape(reference.shape)):
                    self.assertFalse(self.lead(scores, label), f"{scores} at {threshold}")
                break
            if answer["verdict"] == "robust":
                near = self.members(reference, float(threshold))
                with torch.no_grad():
                    for scores in model(near):
                        self.assertTrue(self.lead(scores, label), f"{scores} at {threshold}")
        return verdicts

    def members(self, r, threshold):
        """Images of float32 that are more like the reference than the threshold asks for."""
        x = (r + torch.randn(300, *r.shape[1:]) * torch.logspace(-4, -0.5, 300).reshape(-1, 1, 1, 1)).clamp(0, 1)
        flat, own = x.double().flatten(1), r.double().flatten()
        covariance = ((flat - flat.mean(1, keepdim=True)) * (own - own.mean())).mean(1)
        light = (2 * flat.mean(1) * own.mean() + 1e-4) / (flat.mean(1) ** 2 + own.mean() ** 2 + 1e-4)
        rest = (2 * covariance + 9e-4) / (flat.var(1, unbiased=False) + own.var(unbiased=False) + 9e-4)
        return x[light * rest > threshold + 1e-9]

    def test_dense_networks(self):
        def save(model, path):
            torch.save(nn.Sequential(*list(model)[1:]).state_dict(), path)

        seen = set.union(*(self.check(dense(seed), seed, save) for seed in range(8)))
        self.assertTrue({"robust", "not robust"} <= seen, seen)

    def test_convolutions_and_batch_normalisation(self):
        seen = set.union(*(self.check(convolutional(seed), seed, torch.save) for seed in range(6)))
        self.assertTrue({"robust", "not robust"} <= seen, seen)

    def test_normalised_inputs_as_torchscript(self):
        def save(model, path):
            torch.jit.save(torch.jit.trace(model, torch.rand(1, 3, 4, 4)), path)

        seen = set()
        for seed in range(6):
            model = Normalised(convolutional(seed) if seed % 2 else dense(seed)).eval()
            seen |= self.check(model, seed, save)
        self.assertTrue({"robust", "not robust"} <= seen, seen)

    def test_a_large_term_that_swallows_others_is_never_robust(self):
        """y_0 = x_0 + x_1 + c - c, y_1 = 0.25; PyTorch may give y_0 = 0."""
        fooled = 0
        for exponent in (25, 28, 30, 35):
            for order in itertools.permutations(range(4)):
                model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
                first, last = model[0], model[2]
                with torch.no_grad():
                    rows = torch.tensor([[1.0, 0], [0, 1], [0, 0], [0, 0]])
                    first.weight.copy_(rows[list(order)])
                    first.bias.copy_(torch.tensor([0, 0, 2.0**exponent, 2.0**exponent])[list(order)])
                    last.weight.copy_(torch.tensor([[1.0, 1, 1, -1], [0, 0, 0, 0]])[:, list(order)])
                    last.bias.copy_(torch.tensor([0, 0.25]))
                torch.save(model.state_dict(), self.folder / "model.pt")
                reference = torch.full((1, 1, 1, 2), 0.5)
                fooled += not self.lead(model(reference.flatten(1))[0], 0)
                self.assertEqual(self.ask(model, reference, 0, "0.99")["verdict"], "unknown")
                if order == (0, 1, 2, 3):
                    self.assertEqual(self.ask(model, reference, 0, "0.99", "exact")["verdict"], "robust")
        self.assertGreater(fooled, 0, "PyTorch summed the large terms first every time")


if __name__ == "__main__":
    unittest.main()
